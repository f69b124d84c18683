"""Forgets who a learner was: what names them is removed, what they earned stays as sums."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rocket_server.assessments.attempts import persons
from rocket_server.badges import issue
from rocket_server.configuration.snapshot import Configuration
from rocket_server.db.queries import load
from rocket_server.delivery import outbox
from rocket_server.errors import NotFound
from rocket_server.leaderboards import refresh
from rocket_server.learners import people
from rocket_server.learners import store as learners
from rocket_server.ledger import store as ledger_store

SQL = load(__file__, "anonymise.sql")

# What of an event says where something was learned, and nothing of who learned it.
KEPT_PROPERTIES: Final = (
    *("course_id", "course_title", "category_id", "section_id", "section_title"),
    *("lesson_id", "lesson_title", "quiz_id", "module", "progress_pct", "time_on_task_sec"),
)
_IDS_AT_ONCE: Final = 10_000
_SHORTEST_NEEDLE: Final = 3  # characters; less would be found everywhere


@dataclass(frozen=True, slots=True)
class Anonymised:
    """The id under which the sums of somebody who was anonymised are still found."""

    learner_id: str
    user_id: str


def anonymous_id(learner_id: str) -> str:
    """The one identity that an anonymised learner has."""
    return f"anonymised:{learner_id}"


async def anonymise(
    conn: Any, configuration: Configuration, user_id: str, actor: str, now: datetime
) -> Anonymised:
    """Remove all that names the learner known as `user_id`, in their own rows at once.

    Entries and balances stay, without what people wrote about them. Traces in what is about others are left
    to an erasure that this begins. Receivers of webhooks are told whom to forget; that message is the last
    that names them, until it is delivered. There is no way back. Doing it again changes nothing.

    Raises NotFound.
    """
    organisation_id = configuration.organisation_id
    learner = await learners.find_one(conn, organisation_id, user_id)
    if learner is None:
        raise NotFound("There is no such learner.", {"field": "user_id"})
    learner_id = learner.learner_id
    done = Anonymised(learner_id, anonymous_id(learner_id))
    if learner.status == "anonymised":
        return done

    await persons.forget(conn, organisation_id, learner_id, done.user_id)
    identities = [row[0] for row in await conn.fetch(SQL["identities_of"], organisation_id, learner_id)]
    await conn.fetch(SQL["lock_events"], organisation_id, learner_id, identities)
    await learners.lock(conn, organisation_id, learner)
    merged = await conn.fetch(SQL["persons"], organisation_id, learner_id)
    await ledger_store.lock(conn, organisation_id, [learner_id])
    # Read again under the lock: nothing is added to the learner from here on.
    known_as = await conn.fetch(SQL["identities_of"], organisation_id, learner_id)
    identities = [row["identity"] for row in known_as]
    rows = await conn.fetch(SQL["lock_events"], organisation_id, learner_id, identities)
    event_ids = [row[0] for row in rows]
    names = list(dict.fromkeys([*identities, *(person["user_id"] for person in merged)]))
    described = [text for person in merged for text in (person["email"], person["name"]) if text]
    described += {row["email"] for row in known_as if row["email"]} - set(described)
    needles = [text for text in (*names, *described) if len(text) >= _SHORTEST_NEEDLE]

    person_ids = [person["learner_id"] for person in merged]
    await _forget_person(conn, organisation_id, done, person_ids)
    for ids in _pieces(event_ids):
        await conn.execute(SQL["forget_events"], organisation_id, ids, done.user_id, KEPT_PROPERTIES, needles)
    message_ids = [
        row[0] for row in await conn.fetch(SQL["forget_messages"], organisation_id, names, done.user_id)
    ]
    await _forget_answers(conn, organisation_id, [*event_ids, *message_ids])
    sources, patterns = _platform_ids(names)
    await conn.execute(SQL["forget_requests"], organisation_id, event_ids, needles, sources, patterns)
    await conn.execute(SQL["forget_keys"], organisation_id, needles)
    await people.note(conn, organisation_id, learner_id, "anonymised", actor, now, {})
    message_id = await _tell(conn, configuration, learner.user_id, names, done, now)
    await conn.execute(
        SQL["begin_erasure"], organisation_id, learner_id, [*names, *described], message_id, now
    )
    return done


async def erased_at(conn: Any, organisation_id: str, learner_id: str) -> datetime | None:
    """When the last trace of an anonymised learner was removed; None while they are looked for."""
    found: datetime | None = await conn.fetchval(SQL["erasure_of"], organisation_id, learner_id)
    return found


async def _forget_person(
    conn: Any, organisation_id: str, done: Anonymised, person_ids: Sequence[str]
) -> None:
    await conn.execute(SQL["forget_learners"], organisation_id, person_ids)
    await conn.execute(SQL["forget_identities"], organisation_id, done.learner_id)
    await conn.execute(SQL["add_identity"], organisation_id, done.learner_id, done.user_id)
    await conn.execute(SQL["forget_marks"], organisation_id, done.learner_id)
    await conn.execute(SQL["forget_completions"], organisation_id, done.learner_id)
    await conn.execute(SQL["forget_badges"], organisation_id, person_ids)
    await conn.execute(SQL["forget_badge_marks"], organisation_id, person_ids)
    for person_id in person_ids:
        await issue.forget(conn, organisation_id, person_id)
    await refresh.set_display(conn, organisation_id, done.learner_id, "hidden")
    await ledger_store.forget(conn, organisation_id, done.learner_id, person_ids)


async def _forget_answers(conn: Any, organisation_id: str, event_ids: Sequence[str]) -> None:
    endpoints = [row[0] for row in await conn.fetch(SQL["endpoint_ids"], organisation_id)]
    for ids in _pieces(event_ids):
        deliveries = [outbox.delivery_id(event_id, endpoint) for endpoint in endpoints for event_id in ids]
        if deliveries:
            await conn.execute(SQL["forget_answers"], organisation_id, endpoints, deliveries)


def _pieces(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE)]


def _platform_ids(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Sources, and for each the pattern of a platform's own id of the learner as a word of its own."""
    parts = [name.partition(":") for name in names if ":" in name]
    return [source for source, _, _ in parts], [rf"(^|\W){re.escape(own)}(\W|$)" for _, _, own in parts]


async def _tell(
    conn: Any,
    configuration: Configuration,
    user_id: str,
    identities: Sequence[str],
    done: Anonymised,
    now: datetime,
) -> str | None:
    """Tell receivers whom to forget; the message's id, or None where nobody wants to hear it."""
    properties = {"identities": list(identities), "anonymous_id": done.user_id}
    message = outbox.told("user.anonymised", user_id, now, properties)
    organisation_id = configuration.organisation_id
    if await outbox.enqueue(conn, organisation_id, configuration.endpoints, [message], now):
        return message.event_id
    await conn.execute(SQL["remove_message"], organisation_id, message.event_id)
    return None
