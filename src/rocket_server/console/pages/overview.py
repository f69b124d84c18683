"""Overview: what was given, what came in, what went out, and what needs somebody.

There are no sums by day yet. Until there are, each figure is of the latest rows within two weeks, read by
index and bounded, and the page says where that isn't all of them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from starlette.responses import Response

from rocket_server.console.charts import columns
from rocket_server.console.routes import Ask, Routes
from rocket_server.db.queries import load
from rocket_server.ids import first_uuid7
from rocket_server.ranks.streaks import monday

SQL = load(__file__, "overview.sql")

routes = Routes()

_DAYS: Final = 14
_MOST: Final = 5_000  # entries, and events
_MOST_REFUSED: Final = 500  # of each status
_MOST_DELIVERIES: Final = 100  # of each webhook


@routes.page("/console", "look")
async def overview(ask: Ask) -> Response:
    """The last two weeks at a glance."""
    organisation_id = ask.organisation_id
    async with ask.services.database.connection() as conn:
        organisation = (await ask.services.configurations.current(conn, organisation_id)).organisation
        today = datetime.now(organisation.timezone).date()
        days = [today - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
        since = first_uuid7(datetime.combine(days[0], time(), organisation.timezone).astimezone(UTC))
        given = await conn.fetch(SQL["points"], organisation_id, str(organisation.timezone), since, _MOST)
        events = await conn.fetch(SQL["events"], organisation_id, since, _MOST)
        statuses = ["held", "failed", "ignored"]
        refused = await conn.fetch(SQL["refused"], organisation_id, since, _MOST_REFUSED, statuses)
        sent = await conn.fetch(SQL["deliveries"], organisation_id, _MOST_DELIVERIES)
        failing = await conn.fetch(SQL["webhooks"], organisation_id)
        board = f"week:{monday(today).isoformat()}/"
        active = await conn.fetchval(SQL["learners"], organisation_id, board)
    await asyncio.sleep(0)
    deliveries = {row["status"]: row["deliveries"] for row in sent}
    settled = deliveries.get("delivered", 0) + deliveries.get("exhausted", 0)
    return await ask.page(
        "overview.html",
        chart=columns(days, _by_rule(given, ask.t("overview.by_hand")), ask.t("overview.other_rules")),
        points=sum(row["points"] for row in given),
        partial_since=_partial(given, "entries"),
        active=active,
        sources=_by_source(events),
        events=sum(row["events"] for row in events),
        events_partial_since=_partial(events, "events"),
        refused=refused,
        delivered_pct=round(100 * deliveries.get("delivered", 0) / settled) if settled else None,
        settled=settled,
        pending=deliveries.get("pending", 0),
        failing=failing,
        waiting={row["status"] for row in refused} & {"held", "failed"},
        days=_DAYS,
    )


def _by_rule(rows: list[Any], by_hand: str) -> dict[str, dict[date, int]]:
    series: dict[str, dict[date, int]] = defaultdict(dict)
    for row in rows:
        series[row["rule"] or by_hand][row["day"]] = row["points"]
    return series


def _by_source(rows: list[Any]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(row["source"], {"source": row["source"], "events": 0, "used": 0, "other": 0})
        one["events"] += row["events"]
        one["used" if row["status"] == "processed" else "other"] += row["events"]
    return sorted(found.values(), key=lambda one: -one["events"])[:10]


def _partial(rows: list[Any], what: str) -> datetime | None:
    """From when on all rows are counted, where that are not all days."""
    counted = sum(row[what] for row in rows)
    return min(row["first_at"] for row in rows) if counted >= _MOST else None
