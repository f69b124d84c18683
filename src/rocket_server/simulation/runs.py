"""Whole batches: rules are set in force and given to the past, or a batch is undone; both can be resumed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from rocket_server.db.pool import Database
from rocket_server.errors import Conflict
from rocket_server.organisations import store as organisations
from rocket_server.organisations.model import Organisation
from rocket_server.rules import store as rules_store
from rocket_server.rules.compile import CompiledRule, RuleSet
from rocket_server.rules.model import Rule
from rocket_server.simulation import batches
from rocket_server.simulation.apply import PIECE_EVENTS, Applied, apply_piece, undo_piece
from rocket_server.simulation.batches import Batch
from rocket_server.simulation.model import Addition, Period
from rocket_server.simulation.run import Settings, as_active, multiplies, simulate, withdrawals_of

_FIRST: Final = "00000000-0000-0000-0000-000000000000"


class Begun(NamedTuple):
    """A batch that begins, and the rules that it sets in force, each with what it said before."""

    batch: Batch
    rules: list[tuple[Rule | None, Rule]]


async def begin(
    database: Database,
    organisation_id: str,
    rules: Sequence[Rule],
    period: Period,
    created_by: str,
    on_begin: Callable[[Any, Begun], Awaitable[None]] | None = None,
) -> Batch:
    """Set the new and changed ones of `rules` in force, and begin a batch for them, or find it where it was
    begun and not finished. `period.until` must be set. Raises Conflict where another batch is unfinished.

    `on_begin` is called in the transaction in which a new batch begins.
    """

    wished = [as_active(rule) for rule in rules]

    async def work(conn: Any) -> Batch:
        # First, because it locks the organisation: two who begin at once follow one another.
        await organisations.touch(conn, organisation_id)
        now = {one.rule.rule_id: one for one in await rules_store.current(conn, organisation_id)}
        if any(multiplies(rule) for rule in (*wished, *(one.rule for one in now.values()))):
            raise Conflict(
                "Points for the past can't be given where a rule multiplies what others give: they would "
                "depend on each other. Switch the multiplier off first, or award by hand."
            )
        changed = [rule for rule in wished if rule.rule_id not in now or now[rule.rule_id].rule != rule]
        versions = await rules_store.save(conn, organisation_id, changed, created_by) if changed else {}
        wanted = {rule.rule_id: versions.get(rule.rule_id) or now[rule.rule_id].version for rule in wished}
        batch, is_new = await batches.begin(conn, organisation_id, period, wanted, created_by)
        if is_new and on_begin is not None:
            before = {rule_id: one.rule for rule_id, one in now.items()}
            await on_begin(conn, Begun(batch, [(before.get(rule.rule_id), rule) for rule in changed]))
        return batch

    return await database.run(work)


async def apply(database: Database, organisation: Organisation, batch: Batch, settings: Settings) -> Applied:
    """Give what the batch's rules would have given in its period and didn't, piece by piece. Stopped at any
    point, it goes on where it is called again: what was given isn't due any more."""
    organisation_id = organisation.organisation_id
    async with database.connection() as conn:
        rules = await _rules_in_force(conn, organisation, batch)
        withdrawals = await withdrawals_of(conn, organisation_id, settings)
    total = Applied(0, 0, 0)
    waiting: list[Addition] = []

    async def give() -> None:
        nonlocal total
        piece = waiting[:]
        waiting.clear()
        if piece:
            done = await database.run(
                lambda conn: apply_piece(conn, organisation_id, rules, batch, piece, withdrawals.stated)
            )
            total = Applied(*(sum(pair) for pair in zip(total, done, strict=True)))

    async def collect(additions: list[Addition]) -> None:
        for addition in additions:
            waiting.append(addition)
            if len(waiting) >= PIECE_EVENTS:
                await give()

    async with (
        database.connection() as conn,
        conn.transaction(isolation="repeatable_read", readonly=True),
    ):
        await simulate(
            conn,
            organisation,
            [rule.rule for rule in rules.values()],
            batch.period,
            replace(settings, on_additions=collect),
        )
        await give()
    async with database.transaction() as conn:
        await batches.move_on(conn, organisation_id, batch.batch_id, "applied", ["applying"])
    return total


async def undo(
    database: Database,
    organisation_id: str,
    batch_id: str,
    on_piece: Callable[[int], None] | None = None,
    on_begin: Callable[[Any, Batch], Awaitable[None]] | None = None,
) -> Applied:
    """Reverse all entries of a batch that still stand, piece by piece; the rules stay in force. Stopped at
    any point, it goes on where it is called again. Raises NotFound; Conflict where it was undone already.

    `on_begin` is called in the transaction in which the undoing begins.
    """
    async with database.transaction() as conn:
        before = await batches.find(conn, organisation_id, batch_id)
        await batches.move_on(conn, organisation_id, batch_id, "undoing", ["applying", "applied", "undoing"])
        batch = await batches.find(conn, organisation_id, batch_id)
        if on_begin is not None and before.status != "undoing":
            await on_begin(conn, batch)
    after: str | None = _FIRST
    total = Applied(0, 0, 0)
    while after is not None:
        start = after
        after, entries, points = await database.run(
            lambda conn, start=start: undo_piece(conn, organisation_id, batch, start)  # type: ignore[misc]
        )
        total = Applied(total.entries + entries, total.points + points, 0)
        if on_piece is not None:
            on_piece(entries)
    async with database.transaction() as conn:
        await batches.move_on(conn, organisation_id, batch_id, "undone", ["undoing"])
    return total


async def _rules_in_force(conn: Any, organisation: Organisation, batch: Batch) -> dict[str, CompiledRule]:
    """The batch's rules. Raises Conflict where one was changed since the batch was begun."""
    current = await rules_store.current(conn, organisation.organisation_id)
    rules = {
        rule.rule_id: rule
        for rule in RuleSet(
            [one for one in current if one.rule.rule_id in batch.rules],
            organisation.timezone,
            resets=await rules_store.resets(conn, organisation.organisation_id),
        ).rules
    }
    if {rule_id: rule.version for rule_id, rule in rules.items()} != batch.rules:
        raise Conflict(
            f"The rules of batch {batch.batch_id} were changed since it was begun. Undo it: "
            f"rocket rules undo-apply {batch.batch_id}",
            {"batch_id": batch.batch_id},
        )
    return rules
