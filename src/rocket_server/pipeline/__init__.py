"""From events to stored facts, decisions, points and messages, in one transaction of the caller's."""

from rocket_server.pipeline.by_hand import give_badge, give_for_past, points_given, revoke_badge
from rocket_server.pipeline.calculate import calculate, candidates
from rocket_server.pipeline.ingest import ingest, restate, retry
from rocket_server.pipeline.model import Result
from rocket_server.pipeline.reasons import reasons
from rocket_server.pipeline.resets import freed, reset_course
from rocket_server.pipeline.reverse import reverse

__all__ = [
    "Result",
    "calculate",
    "candidates",
    "freed",
    "give_badge",
    "give_for_past",
    "ingest",
    "points_given",
    "reasons",
    "reset_course",
    "restate",
    "retry",
    "reverse",
    "revoke_badge",
]
