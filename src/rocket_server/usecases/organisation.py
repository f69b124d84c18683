"""An organisation's settings changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rocket_server.audit import store as audit
from rocket_server.audit.model import Actor, changed, subject_of
from rocket_server.errors import InvalidPayload
from rocket_server.organisations import store
from rocket_server.organisations.model import Organisation, Rank
from rocket_server.usecases.acting import Services
from rocket_server.usecases.told import organisation_state


async def change(
    services: Services, organisation_id: str, actor: Actor, changes: Mapping[str, Any]
) -> Organisation:
    """Change settings, those of `store.change`; None leaves one as it is. Raises InvalidPayload."""
    ranks: Sequence[Rank] | None = changes.get("ranks")
    if ranks is not None:
        changes = {**changes, "ranks": _in_order(ranks)}

    async def work(conn: Any) -> Organisation:
        await store.lock(conn, organisation_id)
        before = await store.read(conn, organisation_id)
        after = await store.change(conn, organisation_id, **changes)
        acts = changed(
            "organisation.changed", _subject(after), organisation_state(before), organisation_state(after)
        )
        await audit.add(conn, organisation_id, actor, acts)
        return after

    return await services.database.run(work)


def _in_order(ranks: Sequence[Rank]) -> list[Rank]:
    """Ranks by their weeks. Raises InvalidPayload where not everybody has one, or somebody has two."""
    ordered = sorted(ranks, key=lambda rank: rank.weeks)
    if ordered[0].weeks != 0:
        raise InvalidPayload.field("ranks", "one of them begins at 0 weeks, so that everybody has a rank")
    if len({one.weeks for one in ordered}) < len(ordered) or len({one.name for one in ordered}) < len(
        ordered
    ):
        raise InvalidPayload.field("ranks", "each has weeks and a name of its own")
    return ordered


def _subject(organisation: Organisation) -> str:
    return subject_of("organisation", organisation.organisation_id)
