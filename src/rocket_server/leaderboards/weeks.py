"""What learners earned week by week: from their standings, and from the entries not counted there yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from rocket_server.accounts import ISSUANCE
from rocket_server.db.queries import load

SQL = load(__file__, "weeks.sql")

# How far back streaks are counted: ten years of weeks. What a read costs doesn't grow beyond that.
WEEKS: Final = 520


async def weekly_points(
    conn: Any, organisation_id: str, learner_ids: Sequence[str], timezone: str, today: date
) -> dict[str, dict[date, int]]:
    """Points that learners earned in each of the last `WEEKS` weeks, by its Monday in `timezone`; also those
    of others who were merged into them. Exact: entries that the standings don't count yet are added."""
    weeks: dict[str, dict[date, int]] = {}
    since = f"week:{today - timedelta(weeks=WEEKS)}"
    for row in await conn.fetch(
        SQL["weekly_points"], organisation_id, learner_ids, timezone, since, ISSUANCE
    ):
        weeks.setdefault(row["learner_id"], {})[row["week"]] = row["points"]
    return weeks
