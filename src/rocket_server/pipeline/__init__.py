"""From events to stored facts, decisions, points and messages, in one transaction of the caller's."""

from rocket_server.pipeline.anonymise import Anonymised, anonymise, erased_at
from rocket_server.pipeline.ingest import ingest, retry
from rocket_server.pipeline.merge import Merge, merge
from rocket_server.pipeline.model import Result
from rocket_server.pipeline.reverse import reverse

__all__ = ["Anonymised", "Merge", "Result", "anonymise", "erased_at", "ingest", "merge", "retry", "reverse"]
