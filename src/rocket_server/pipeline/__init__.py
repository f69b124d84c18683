"""From events to stored facts, decisions, points and messages, in one transaction of the caller's."""

from rocket_server.pipeline.anonymise import Anonymised, anonymise, erased_at
from rocket_server.pipeline.by_hand import give_badge, points_given, revoke_badge
from rocket_server.pipeline.calculate import calculate, candidates
from rocket_server.pipeline.ingest import ingest, retry
from rocket_server.pipeline.merge import Merge, merge
from rocket_server.pipeline.model import Result
from rocket_server.pipeline.reasons import reasons
from rocket_server.pipeline.resets import freed, reset_course
from rocket_server.pipeline.reverse import reverse
from rocket_server.pipeline.split import Split, begin_split, continue_split

__all__ = [
    "Anonymised",
    "Merge",
    "Result",
    "Split",
    "anonymise",
    "begin_split",
    "calculate",
    "candidates",
    "continue_split",
    "erased_at",
    "freed",
    "give_badge",
    "ingest",
    "merge",
    "points_given",
    "reasons",
    "reset_course",
    "retry",
    "reverse",
    "revoke_badge",
]
