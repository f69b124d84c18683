"""The rows that stand for plugins in an organisation: made once, by whoever comes first."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rocket_server.configuration.snapshot import Configurations
from rocket_server.plugins import store as plugins_store
from rocket_server.plugins.dispatch import Subscription

FIRST = Subscription("digest", ("course.completed",), 30_000, 4, "Digest")
SERVICE = Subscription("digest#service", ("*",), 10_000, 6, "Digest (external service)")


async def _rows(conn, organisation_id):
    return {
        row["plugin_id"]: (list(row["events"]), row["timeout_ms"], row["max_attempts"], row["enabled"])
        for row in await conn.fetch("SELECT * FROM endpoints WHERE organisation_id = $1", organisation_id)
    }


def test_rows_are_made_once_and_follow_the_plugin(portal, store, make_organisation):
    """The first load makes the rows and their states; a later one changes what the plugin asks for now."""
    organisation_id = make_organisation().organisation_id

    async def work():
        async with store.transaction() as conn:
            first = await Configurations(None, [FIRST, SERVICE]).current(conn, organisation_id)
            again = await Configurations(None, [FIRST, SERVICE]).current(conn, organisation_id)
            made = await _rows(conn, organisation_id)
            later = replace(FIRST, events=("*", "quiz.submitted"), timeout_ms=40_000)
            changed = await Configurations(None, [later]).current(conn, organisation_id)
            states = await conn.fetchval(
                "SELECT count(*) FROM endpoint_states WHERE organisation_id = $1", organisation_id
            )
            return first, again, changed, made, await _rows(conn, organisation_id), states

    first, again, changed, made, after, states = portal.call(work)
    assert made == {
        "digest": (["course.completed"], 30_000, 4, True),
        "digest#service": (["*"], 10_000, 6, True),
    }
    assert first.version == again.version
    assert {len(one.endpoints) for one in (first, again)} == {2}
    assert states == 2
    assert after["digest"] == (["*", "quiz.submitted"], 40_000, 4, True)
    assert after["digest#service"] == made["digest#service"]
    # Only what this process knows counts here, and following a plugin doesn't make other processes read anew.
    assert [endpoint.events for endpoint in changed.endpoints] == [frozenset({"*", "quiz.submitted"})]
    assert changed.version == first.version


def test_processes_that_start_together_make_them_once(portal, store, make_organisation):
    """Many loads at once make each row once, and all of them see it from their next transaction on."""
    organisation_id = make_organisation().organisation_id

    async def load(configurations):
        async with store.transaction() as conn:
            return await configurations.current(conn, organisation_id)

    async def work():
        processes = [Configurations(None, [FIRST, SERVICE]) for _ in range(6)]
        await asyncio.gather(*(load(one) for one in processes))
        loaded = await asyncio.gather(*(load(one) for one in processes))
        async with store.connection() as conn:
            return loaded, await _rows(conn, organisation_id)

    loaded, rows = portal.call(work)
    assert len(rows) == 2
    assert {len(one.endpoints) for one in loaded} == {2}
    assert len({one.version for one in loaded}) == 1


def test_a_row_has_the_same_id_everywhere():
    """The id of a plugin's row follows from the organisation and the plugin."""
    one, other = "0199f3a2-0000-7000-8000-000000000001", "0199f3a2-0000-7000-8000-000000000002"
    assert plugins_store.endpoint_id(one, "digest") == plugins_store.endpoint_id(one, "digest")
    made = {
        plugins_store.endpoint_id(org, name) for org in (one, other) for name in ("digest", "digest#service")
    }
    assert len(made) == 4
