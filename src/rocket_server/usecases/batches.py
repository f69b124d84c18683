"""Rules given to the past: a batch begins, goes on where it was stopped, and is taken back as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.organisations.model import Organisation
from rocket_server.rules.model import Rule
from rocket_server.simulation import runs
from rocket_server.simulation.apply import Applied
from rocket_server.simulation.batches import Batch
from rocket_server.simulation.model import Period
from rocket_server.simulation.run import Settings
from rocket_server.simulation.runs import Begun
from rocket_server.usecases.acting import Services
from rocket_server.usecases.rules import changed_or_made


@dataclass(frozen=True, slots=True)
class Given:
    """A batch, and what this run of it gave."""

    batch: Batch
    applied: Applied


async def apply(
    services: Services,
    organisation: Organisation,
    actor: Actor,
    rules: Sequence[Rule],
    period: Period,
    settings: Settings,
) -> Given:
    """Set rules in force and give what they would have given in a period; `period.until` must be set.

    Stopped at any point, it goes on where the same rules are applied again. Raises Conflict where another
    batch is unfinished, or where points of the past would depend on each other.
    """
    organisation_id = organisation.organisation_id

    async def tell(conn: Any, begun: Begun) -> None:
        acts = [act for before, rule in begun.rules for act in changed_or_made(before, rule)]
        batch = begun.batch
        after = {"since": batch.since, "until": batch.until, "rules": batch.rules}
        acts.append(Act("batch.applied", subject_of("batch", batch.batch_id), None, after))
        await audit.add(conn, organisation_id, actor, acts)

    batch = await runs.begin(
        services.database, organisation_id, rules, period, actor.signature, on_begin=tell
    )
    return Given(batch, await runs.apply(services.database, organisation, batch, settings))


async def undo(
    services: Services,
    organisation_id: str,
    actor: Actor,
    batch_id: str,
    on_piece: Callable[[int], None] | None = None,
) -> Applied:
    """Take back everything that a batch gave; its rules stay in force. `on_piece` is told how many entries
    each piece took back. Raises NotFound, Conflict where it was undone already."""

    async def tell(conn: Any, batch: Batch) -> None:
        before = {"entries": batch.entries, "points": batch.points}
        act = Act("batch.undone", subject_of("batch", batch.batch_id), before, None)
        await audit.add(conn, organisation_id, actor, [act])

    return await runs.undo(services.database, organisation_id, batch_id, on_piece, on_begin=tell)
