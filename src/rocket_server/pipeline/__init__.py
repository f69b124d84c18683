"""From events to stored facts, decisions, points and messages, in one transaction of the caller's."""

from rocket_server.pipeline.ingest import ingest, retry
from rocket_server.pipeline.merge import Merge, merge
from rocket_server.pipeline.model import Result
from rocket_server.pipeline.reverse import reverse

__all__ = ["Merge", "Result", "ingest", "merge", "retry", "reverse"]
