"""Points given, spent and taken back by hand or by another system."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rocket_server import pipeline
from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.configuration.snapshot import Configuration
from rocket_server.delivery import outbox
from rocket_server.errors import NotFound
from rocket_server.ids import parse_uuid
from rocket_server.ledger import manual
from rocket_server.ledger import store as ledger
from rocket_server.ledger.model import Cause, Entry
from rocket_server.usecases import checked
from rocket_server.usecases.acting import Once, Services, once


@dataclass(frozen=True, slots=True)
class Points:
    """Points for, or from, the learner of any identity."""

    user_id: str
    points: int  # above zero
    reason: str
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reversal:
    """The entry to undo."""

    entry_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The new entry, and the balance after it."""

    entry_id: str
    points: int
    balance: int


@dataclass(frozen=True, slots=True)
class Reversed:
    """The new entry, the balance after it, and the badges that were taken back with it."""

    entry_id: str
    points: int
    balance: int
    badges_revoked: list[str] = field(default_factory=list)


async def award(
    services: Services, organisation_id: str, actor: Actor, command: Points, key: str | None = None
) -> Once[Moved]:
    """Give points to a learner; one who isn't known is made. `key` makes it happen once."""
    user_id = _checked(command)

    async def work(conn: Any) -> Moved:
        configuration = await services.configurations.current(conn, organisation_id)
        learner = await checked.known_or_new(conn, configuration, user_id)
        now = datetime.now(UTC)
        cause = Cause(actor.short, now, command.reason, metadata=command.metadata)
        entry = await manual.award(conn, organisation_id, learner.learner_id, command.points, cause)
        await audit.add(conn, organisation_id, actor, [_moved("points.awarded", entry, +entry.amount)])
        await _tell(conn, configuration, learner.user_id, command, entry, now)
        await pipeline.points_given(conn, configuration, learner, actor.short, now)
        return Moved(entry.entry_id, entry.amount, entry.balance_after)

    return await once(services, organisation_id, key, ["award", _asked(command)], Moved, work)


async def deduct(
    services: Services, organisation_id: str, actor: Actor, command: Points, key: str | None = None
) -> Once[Moved]:
    """Spend a learner's points, never more than there are. Raises InsufficientPoints."""
    user_id = _checked(command)

    async def work(conn: Any) -> Moved:
        configuration = await services.configurations.current(conn, organisation_id)
        learner = await checked.known_or_new(conn, configuration, user_id)
        cause = Cause(actor.short, datetime.now(UTC), command.reason, metadata=command.metadata)
        entry = await manual.deduct(conn, organisation_id, learner.learner_id, command.points, cause)
        await audit.add(conn, organisation_id, actor, [_moved("points.deducted", entry, -entry.amount)])
        return Moved(entry.entry_id, entry.amount, entry.balance_after)

    return await once(services, organisation_id, key, ["deduct", _asked(command)], Moved, work)


async def reverse(
    services: Services, organisation_id: str, actor: Actor, command: Reversal, key: str | None = None
) -> Once[Reversed]:
    """Undo an entry by a new one, and the badge that a rule gave with it. What was spent meanwhile is then
    owed. Raises NotFound, or Conflict where that was done or can't be done."""
    entry_id = parse_uuid(command.entry_id)
    if entry_id is None:
        raise no_such_entry()
    checked.storable(command.reason, "reason")

    async def work(conn: Any) -> Reversed:
        now = datetime.now(UTC)
        cause = Cause(actor.short, now, command.reason)
        configuration = await services.configurations.current(conn, organisation_id)
        entry, badges = await pipeline.reverse(conn, configuration, entry_id, cause, now)
        balance = entry.balance_after
        if badges:  # what rules had given for them went, too
            balance = (await ledger.read_account(conn, organisation_id, entry.learner_id)).points
        subject = subject_of("user", entry.learner_id)
        after = {
            "reverses": entry_id,
            "entry_id": entry.entry_id,
            "points": entry.amount,
            "balance": balance,
            "badges_revoked": badges,
        }
        await audit.add(conn, organisation_id, actor, [Act("points.reversed", subject, None, after)])
        return Reversed(entry.entry_id, entry.amount, balance, badges)

    asked = {"entry_id": command.entry_id, "reason": command.reason}
    return await once(services, organisation_id, key, ["reverse", asked], Reversed, work)


def no_such_entry() -> NotFound:
    """The answer where there is no entry of that id."""
    return NotFound("There is no such entry.", {"field": "entry_id"})


def _checked(command: Points) -> str:
    """The identity as it is kept. Raises InvalidPayload where the command can't be."""
    user_id = checked.identity(command.user_id, "user_id")
    checked.storable(command.reason, "reason")
    checked.metadata(command.metadata)
    return user_id


def _asked(command: Points) -> dict[str, Any]:
    return {
        "user_id": command.user_id,
        "points": command.points,
        "reason": command.reason,
        "metadata": command.metadata,
    }


def _moved(action: Any, entry: Entry, difference: int) -> Act:
    """Without the reason and metadata: they may name the learner, and the entry has them."""
    after = {"balance": entry.balance_after, "points": entry.amount, "entry_id": entry.entry_id}
    before = {"balance": entry.balance_after - difference}
    return Act(action, subject_of("user", entry.learner_id), before, after)


async def _tell(
    conn: Any, configuration: Configuration, user_id: str, command: Points, entry: Entry, now: datetime
) -> None:
    properties = {"reason": command.reason, "entry_id": entry.entry_id, **(command.metadata or {})}
    message = outbox.told("points.awarded", user_id, now, properties, points_awarded=entry.amount)
    await outbox.enqueue(conn, configuration.organisation_id, configuration.endpoints, [message], now)
