"""Learners made, changed, given identities, merged, split and forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
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
from rocket_server.ledger import store as ledger
from rocket_server.people import anonymise as anonymising
from rocket_server.people import erasure
from rocket_server.people import merge as merging
from rocket_server.people import split as splitting
from rocket_server.people.anonymise import Anonymised
from rocket_server.people.held import Released, release
from rocket_server.people.merge import Merge
from rocket_server.people.split import Split
from rocket_server.sources import checks
from rocket_server.sources.checks import Fault
from rocket_server.usecases.acting import Services

Display = Literal["shown", "anonymous", "hidden"]

# What is about others is looked through here as far as a request may take, and then in the background.
_PIECES_SWEPT_AT_ONCE: Final = 20
# What a request may take; more of a split goes on with the next one.
_PIECES_SPLIT_AT_ONCE: Final = 20
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
class Merged:
    """What a merge moved, or would move."""

    merge: Merge
    status: Literal["merged", "already_merged", "preview"]


@dataclass(frozen=True, slots=True)
class Taken:
    """How far a split is, and the points of both: `before` it of who stays, and now."""

    split: Split
    status: Literal["split", "already_split", "preview"]
    before: int
    left: int
    new: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Under which id the sums are still found, and when the last trace was removed; None while they are
    looked for."""

    anonymised: Anonymised
    erased_at: datetime | None


class _RolledBack(Exception):
    """Leaves a transaction without its effects."""


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
        found.append(FieldError("status", "active or suspended"))
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


async def merge(
    services: Services, organisation_id: str, actor: Actor, user_id: str, from_id: str, *, dry_run: bool
) -> Merged:
    """Make another learner one with this one, for good; with `dry_run`, only say what would follow.

    Raises NotFound, Conflict.
    """
    now = datetime.now(UTC)
    found: list[Merge] = []

    async def work(conn: Any) -> None:
        learner = await known_learner(conn, organisation_id, user_id)
        configuration = await services.configurations.current(conn, organisation_id)
        made = await merging.merge(conn, configuration, user_id, from_id, actor.short, now)
        found[:] = [made]
        if dry_run:
            raise _RolledBack
        if not made.replayed:
            counts = {
                name: len(value) if isinstance(value, list) else value
                for name, value in made.followed.items()
            }
            after = {"merge_id": made.merge_id, "followed": counts}
            act = Act("user.merged", _subject(learner.learner_id), None, after)
            await audit.add(conn, organisation_id, actor, [act])

    with suppress(_RolledBack):
        await services.database.run(work)
    (made,) = found
    return Merged(made, "already_merged" if made.replayed else "preview" if dry_run else "merged")


async def split(
    services: Services,
    organisation_id: str,
    actor: Actor,
    user_id: str,
    identities: Sequence[str],
    *,
    dry_run: bool,
) -> Taken:
    """Make identities of a learner a learner of their own, with their events and what these are worth; with
    `dry_run`, only say what would follow. Asked for again, it goes on where it was interrupted.

    Raises NotFound, InvalidPayload where an identity isn't this learner's, Conflict.
    """
    if len(set(identities)) != len(identities):
        raise InvalidPayload.field("identities", "must name each identity once")
    now = datetime.now(UTC)
    points: dict[str, int] = {}

    async def points_of(conn: Any, learner: Learner) -> int:
        return (await ledger.read_account(conn, organisation_id, learner.learner_id)).points

    async def piece(conn: Any, split: Split | None) -> Split:
        configuration = await services.configurations.current(conn, organisation_id)
        if split is None:
            learner = await known_learner(conn, organisation_id, user_id)
            points["before"] = await points_of(conn, learner)
            split = await splitting.begin_split(
                conn, configuration, user_id, list(identities), actor.short, now
            )
            if not split.replayed:
                after = {
                    "split_id": split.split_id,
                    "into": _subject(split.new.learner_id),
                    "identities": len(identities),
                }
                act = Act("user.split", _subject(learner.learner_id), None, after)
                await audit.add(conn, organisation_id, actor, [act])
        split = await splitting.continue_split(conn, configuration, split, now)
        points["left"] = await points_of(conn, split.learner)
        points["new"] = await points_of(conn, split.new)
        return split

    async def first(conn: Any) -> Split:
        split = await piece(conn, None)
        if dry_run:
            for _ in range(_PIECES_SPLIT_AT_ONCE - 1):
                if not split.finished:
                    split = await piece(conn, split)
            found.append(split)
            raise _RolledBack
        return split

    found: list[Split] = []
    with suppress(_RolledBack):
        found.append(await services.database.run(first, ingest=True))
    done = found[-1]
    pieces = 1
    while not done.finished and not dry_run and pieces < _PIECES_SPLIT_AT_ONCE:
        done = await services.database.run(partial(piece, split=done), ingest=True)
        pieces += 1
    status: Literal["split", "already_split", "preview"] = (
        "already_split" if done.replayed else "preview" if dry_run else "split"
    )
    return Taken(done, status, points["before"], points["left"], points["new"])


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
