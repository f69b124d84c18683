"""Badges defined, given to learners and taken back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from rocket_server import pipeline
from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, changed, subject_of
from rocket_server.badges import awards, store
from rocket_server.badges.awards import Award
from rocket_server.badges.model import Badge
from rocket_server.badges.parse import Definition
from rocket_server.badges.store import ShownBadge
from rocket_server.errors import Conflict, InvalidPayload, NotFound
from rocket_server.ids import parse_uuid
from rocket_server.learners import store as learners
from rocket_server.organisations import store as organisations
from rocket_server.usecases import checked
from rocket_server.usecases.acting import Once, Services, once


@dataclass(frozen=True, slots=True)
class Defined:
    """A badge as it is now, and the organisation's public name as its issuer."""

    badge: ShownBadge
    issuer_id: str


@dataclass(frozen=True, slots=True)
class Gift:
    """A badge for the learner of any identity."""

    user_id: str
    badge_id: str
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """The award to take back: by its id, or the latest of a badge to a learner."""

    reason: str
    award_id: str | None = None
    user_id: str | None = None
    badge_id: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """An award, and what was done with it."""

    award_id: str
    badge_id: str
    user_id: str | None
    status: Literal["awarded", "already_held", "revoked"]


async def create(services: Services, organisation_id: str, actor: Actor, definition: Definition) -> Defined:
    """Define a badge. Raises Conflict where there is one of that id, or too many."""

    async def work(conn: Any) -> Defined:
        await organisations.touch(conn, organisation_id)  # also the lock under which badges are counted
        made = await store.create(conn, organisation_id, definition)
        await audit.add(
            conn,
            organisation_id,
            actor,
            [Act("badge.created", _subject(made.badge), None, _state(made.badge))],
        )
        return Defined(made, await store.issuer_id(conn, organisation_id))

    return await services.database.run(work)


async def change(services: Services, organisation_id: str, actor: Actor, definition: Definition) -> Defined:
    """Set a badge's definition, whole; the image stays where none was named. Raises NotFound."""

    async def work(conn: Any) -> Defined:
        await organisations.touch(conn, organisation_id)
        before = (await store.show(conn, organisation_id, definition.badge.badge_id)).badge
        after = await store.change(conn, organisation_id, definition)
        acts = changed("badge.changed", _subject(before), _state(before), _state(after.badge))
        await audit.add(conn, organisation_id, actor, acts)
        return Defined(after, await store.issuer_id(conn, organisation_id))

    return await services.database.run(work)


async def delete(services: Services, organisation_id: str, actor: Actor, badge_id: str) -> None:
    """Take a badge out of use. Awards stay, and their credentials go on to be valid. Raises NotFound."""

    async def work(conn: Any) -> None:
        await organisations.touch(conn, organisation_id)
        before = (await store.show(conn, organisation_id, badge_id)).badge
        await store.delete(conn, organisation_id, badge_id)
        await audit.add(
            conn, organisation_id, actor, [Act("badge.deleted", _subject(before), _state(before), None)]
        )

    await services.database.run(work)


async def give(
    services: Services, organisation_id: str, actor: Actor, command: Gift, key: str | None = None
) -> Once[Given]:
    """Give a badge to a learner; one who isn't known is made. What a learner holds isn't given twice."""
    user_id = checked.identity(command.user_id, "user_id")
    checked.metadata(command.metadata)

    async def work(conn: Any) -> Given:
        configuration = await services.configurations.current(conn, organisation_id)
        badge = configuration.badges.get(command.badge_id)
        if badge is None:
            raise store.unknown()
        if not badge.active:
            raise Conflict("This badge isn't active; activate it first.", {"field": "badge_id"})
        learner = await checked.known_or_new(conn, configuration, user_id)
        award_id, new = await pipeline.give_badge(
            conn, configuration, learner, badge, actor.short, command.metadata, datetime.now(UTC)
        )
        if new:
            after = {"badge_id": badge.badge_id, "award_id": award_id}
            subject = subject_of("user", learner.learner_id)
            await audit.add(conn, organisation_id, actor, [Act("badge.awarded", subject, None, after)])
        return Given(award_id, badge.badge_id, learner.user_id, "awarded" if new else "already_held")

    return await once(services, organisation_id, key, ["badge", asdict(command)], Given, work)


async def revoke(services: Services, organisation_id: str, actor: Actor, command: Revocation) -> Given:
    """Take a badge back, with the points that rules gave for it. It stays on record; it may be given anew.

    Raises NotFound, or Conflict where that was done.
    """
    if (command.award_id is None) == (command.user_id is None or command.badge_id is None):
        raise InvalidPayload.field("award_id", "must be either award_id, or user_id and badge_id")
    checked.storable(command.reason, "reason")

    async def work(conn: Any) -> Given:
        award = await _standing(conn, organisation_id, command)
        configuration = await services.configurations.current(conn, organisation_id)
        await pipeline.revoke_badge(
            conn, configuration, award, actor.short, command.reason, datetime.now(UTC)
        )
        before = {"badge_id": award.badge_id, "award_id": award.award_id}
        subject = subject_of("user", award.learner_id)
        await audit.add(conn, organisation_id, actor, [Act("badge.revoked", subject, before, None)])
        learner = await learners.read(conn, organisation_id, award.learner_id)
        return Given(award.award_id, award.badge_id, learner.user_id if learner else None, "revoked")

    return await services.database.run(work)


async def _standing(conn: Any, organisation_id: str, command: Revocation) -> Award:
    found: Award | None = None
    if command.award_id is not None:
        field = "award_id"
        award_id = parse_uuid(command.award_id)
        found = await awards.find(conn, organisation_id, award_id) if award_id else None
    else:
        field = "badge_id"
        learner = await learners.known_learner(conn, organisation_id, command.user_id or "")
        badge_id = command.badge_id or ""
        if "\0" not in badge_id:
            found = await awards.standing_award(conn, organisation_id, learner.learner_id, badge_id)
    if found is None:
        raise NotFound("There is no such award.", {"field": field})
    return found


def _subject(badge: Badge) -> str:
    return subject_of("badge", badge.badge_id)


def _state(badge: Badge) -> dict[str, Any]:
    """What the log says of a badge; an image by its public id."""
    state = asdict(badge)
    state["tags"] = list(badge.tags)
    state["criteria"] = badge.criteria.as_dict() if badge.criteria else None
    del state["badge_id"]
    return state
