"""Two takers of one test turn out to be one person: one attempt goes on."""

from __future__ import annotations

from typing import Any

from rocket_server.assessments.attempts import persons
from rocket_server.configuration.snapshot import Configuration
from rocket_server.learners import store as learners
from rocket_server.people import merge as merging
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.submitting import close


async def end_those_beside(conn: Any, configuration: Configuration, user_id: str, from_id: str) -> None:
    """End the attempts of the learner known as `from_id` that run beside one of the same test of the learner
    known as `user_id`, with what was answered. Comes before all other locks of a merge."""
    organisation_id = configuration.organisation_id
    known = await learners.find(conn, organisation_id, [user_id, from_id])
    if len({one.learner_id for one in known.values()}) < 2:
        return
    source_id, target_id = known[from_id].learner_id, known[user_id].learner_id
    await persons.lock(conn, organisation_id, source_id)
    attempt_ids = await persons.beside(conn, organisation_id, source_id, target_id)
    if attempt_ids:
        await merging.hold(conn, organisation_id, source_id, target_id)
        await close(conn, configuration, Papers(), attempt_ids, submission="expired")
