"""Learners made, changed, given identities and forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, changed, subject_of
from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.ids import uuid7
from rocket_server.leaderboards import refresh
from rocket_server.learners import people
from rocket_server.learners import store as learners
from rocket_server.learners.people import Person
from rocket_server.learners.store import Learner, known_learner
from rocket_server.people import anonymise as anonymising
from rocket_server.people import erasure
from rocket_server.people.anonymise import Anonymised
from rocket_server.people.held import Released, release
from rocket_server.sources import checks
from rocket_server.sources.checks import Fault
from rocket_server.usecases.acting import Services

Display = Literal["shown", "anonymous", "hidden"]

# What is about others is looked through here as far as a request may take, and then in the background.
_PIECES_SWEPT_AT_ONCE: Final = 20
# The log says that these changed, and neither what they were nor what they are: people may be forgotten.
_PERSONAL: Final = ("email", "name", "metadata")


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A learner who isn't known yet. `identities` are further ones, `external` those of other platforms, in
    the form in which they are kept."""

    user_id: str
    email: str | None = None
    name: str | None = None
    identities: Sequence[str] = ()
    external: Sequence[str] = ()
    weekly_goal: int | None = None
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What to change of a learner; `fields` has what is set of `email`, `name`, `status`, `weekly_goal` and
    `metadata`, where None takes away."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    leaderboard: Display | None = None
    add_identities: Sequence[str] = ()
    remove_identities: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """A learner as they are now, and what became of events that had waited for their identities."""

    person: Person
    released: Released


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Under which id the sums are still found, and when the last trace was removed; None while they are
    looked for."""

    anonymised: Anonymised
    erased_at: datetime | None


async def create(
    services: Services, organisation_id: str, actor: Actor, new: NewPerson, faults: Sequence[FieldError] = ()
) -> Changed:
    """Make a learner; events that were held for one of their identities are run.

    `faults` are those that the caller found. Raises InvalidPayload naming all that is wrong, Conflict where
    an identity or the address is somebody else's.
    """
    found = list(faults)
    user_id, *_ = _checked([new.user_id], "user_id", found)
    identities = list(dict.fromkeys((user_id, *_checked(new.identities, "identities", found), *new.external)))
    found += _email_faults(new.email) + checks.metadata_faults(new.metadata)
    if user_id == "search":
        found.append(FieldError("user_id", "is a word of the API's own; take another"))
    if found:
        raise InvalidPayload.from_fields(found)
    now = datetime.now(UTC)
    person = Person(
        uuid7(),
        user_id,
        new.email or None,
        new.name,
        "active",
        new.weekly_goal,
        new.metadata,
        now,
        identities,
    )

    async def work(conn: Any) -> None:
        await people.create(conn, organisation_id, person, actor.short, now)
        after = {"status": "active", "weekly_goal": person.weekly_goal, "identities": len(identities)}
        act = Act("user.created", _subject(person.learner_id), None, after)
        await audit.add(conn, organisation_id, actor, [act])

    await services.database.run(work)
    return await _changed(services, organisation_id, person.learner_id, identities)


async def change(
    services: Services,
    organisation_id: str,
    actor: Actor,
    user_id: str,
    command: Change,
    faults: Sequence[FieldError] = (),
) -> Changed:
    """Change what is known of a learner. A suspended one's events are kept, and give nothing.

    `faults` are those that the caller found. Raises NotFound, InvalidPayload naming what can't be, Conflict.
    """
    found = _email_faults(command.fields.get("email"))
    found += checks.metadata_faults(command.fields.get("metadata"))
    added = _checked(command.add_identities, "add_identities", found)
    if command.fields.get("status", "active") is None:
        found.append(FieldError("status", "must be one of active, suspended"))
    found += faults
    if found:
        raise InvalidPayload.from_fields(found)
    fields = {name: (value or None) if name == "email" else value for name, value in command.fields.items()}
    now = datetime.now(UTC)

    async def work(conn: Any) -> Learner:
        learner = await known_learner(conn, organisation_id, user_id)
        before = await people.change(conn, organisation_id, learner, fields, actor.short, now)
        if command.leaderboard is not None and await refresh.set_display(
            conn, organisation_id, learner.learner_id, command.leaderboard
        ):
            detail = {"fields": ["leaderboard"]}
            await people.note(conn, organisation_id, learner.learner_id, "changed", actor.short, now, detail)
        if command.remove_identities:
            gone = list(dict.fromkeys(command.remove_identities))
            await people.remove_identities(conn, organisation_id, learner, gone, actor.short, now)
        if added:
            await learners.link(conn, organisation_id, added, learner.user_id)
        (after,) = await people.read(conn, organisation_id, [learner.learner_id])
        acts = changed("user.changed", _subject(learner.learner_id), *_states(before, after))
        await audit.add(conn, organisation_id, actor, acts)
        return learner

    learner = await services.database.run(work)
    return await _changed(services, organisation_id, learner.learner_id, added)


async def link(
    services: Services, organisation_id: str, actor: Actor, user_id: str, identities: Sequence[str]
) -> Changed:
    """Say that identities are this learner's; events that were held for them are run.

    Raises NotFound, InvalidPayload for what is no identity, Conflict where one is somebody else's.
    """
    faults: list[FieldError] = []
    checked = _checked(identities, "identities", faults)
    if faults:
        raise InvalidPayload.from_fields(faults)

    async def work(conn: Any) -> Learner:
        known = await learners.find(conn, organisation_id, checked)
        learner = await learners.link(conn, organisation_id, checked, user_id)
        new = [one for one in dict.fromkeys(checked) if one not in known]
        if new:
            act = Act("user.linked", _subject(learner.learner_id), None, {"identities_added": len(new)})
            await audit.add(conn, organisation_id, actor, [act])
        return learner

    learner = await services.database.run(work)
    return await _changed(services, organisation_id, learner.learner_id, checked)


async def anonymise(services: Services, organisation_id: str, actor: Actor, user_id: str) -> Forgotten:
    """Forget who a learner was, for good; what they earned stays as sums under an id without meaning.

    Done again, it changes nothing. Raises NotFound.
    """
    now = datetime.now(UTC)

    async def work(conn: Any) -> Anonymised:
        learner = await known_learner(conn, organisation_id, user_id)
        configuration = await services.configurations.current(conn, organisation_id)
        done = await anonymising.anonymise(conn, configuration, user_id, actor.short, now)
        if learner.status != "anonymised":
            act = Act("user.anonymised", _subject(done.learner_id), None, None)
            await audit.add(conn, organisation_id, actor, [act])
        return done

    done = await services.database.run(work)
    await erasure.sweep(services.database, organisation_id, _PIECES_SWEPT_AT_ONCE)
    async with services.database.connection() as conn:
        return Forgotten(done, await anonymising.erased_at(conn, organisation_id, done.learner_id))


async def _changed(
    services: Services, organisation_id: str, learner_id: str, identities: Sequence[str]
) -> Changed:
    released = await release(services.database, services.configurations, organisation_id, identities)
    async with services.database.connection() as conn:
        (person,) = await people.read(conn, organisation_id, [learner_id])
    return Changed(person, released)


def _subject(learner_id: str) -> str:
    return subject_of("user", learner_id)


def _states(before: Person, after: Person) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the log says of two states of a learner."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name in ("status", "weekly_goal", "leaderboard"):
        old[name], new[name] = getattr(before, name), getattr(after, name)
    personal = [name for name in _PERSONAL if getattr(before, name) != getattr(after, name)]
    if personal:
        new["personal"] = personal
    had, has = set(before.identities), set(after.identities)
    if has - had:
        new["identities_added"] = len(has - had)
    if had - has:
        new["identities_removed"] = len(had - has)
    return old, new


def _checked(given: Sequence[str], path: str, faults: list[FieldError]) -> list[str]:
    """Identities in the form in which they are kept; what is wrong with one is added to `faults`."""
    checked = []
    for index, identity in enumerate(given):
        try:
            checked.append(checks.user_id(identity))
        except Fault as fault:
            checked.append(identity)
            where = path if path == "user_id" else f"{path}[{index}]"
            faults.append(FieldError(where, str(fault)))
    return checked


def _email_faults(email: str | None) -> list[FieldError]:
    if email:
        try:
            checks.email(email)
        except Fault as fault:
            return [FieldError("email", str(fault))]
    return []
