"""Keeps versions of rules, and what live awards count against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from rocket_server.db.pool import add_rows
from rocket_server.db.queries import load
from rocket_server.rules.evaluate import Count, Probe
from rocket_server.rules.model import Rule, RuleVersion
from rocket_server.rules.parse import parse_rule

SQL = load(__file__, "store.sql")


class Mark(NamedTuple):
    """One thing that one live award counts against."""

    learner_id: str
    rule_id: str
    mark: str
    occurred_at: datetime
    award_id: str
    points: int


AwardRef = tuple[str, str, str]  # learner_id, rule_id, award_id


async def current(conn: Any, organisation_id: str) -> list[RuleVersion]:
    """The latest version of each rule."""
    rows = await conn.fetch(SQL["current"], organisation_id)
    return [RuleVersion(parse_rule(row["definition"], stored=True), row["version"]) for row in rows]


async def save(conn: Any, organisation_id: str, rules: Sequence[Rule], created_by: str) -> dict[str, int]:
    """Store new versions of rules; the numbers they got. The caller raises the organisation's version."""
    rows = await conn.fetch(
        SQL["add_versions"],
        organisation_id,
        [rule.rule_id for rule in rules],
        [rule.as_dict() for rule in rules],
        created_by,
    )
    return {row["rule_id"]: row["version"] for row in rows}


async def count(
    conn: Any, organisation_id: str, wanted: Sequence[tuple[str, str, Probe]]
) -> list[tuple[str, str, Probe, Count]]:
    """What the database counts for each (learner, rule, probe); those that count nothing are left out."""
    if not wanted:
        return []
    rows = await conn.fetch(
        SQL["count_awards"],
        organisation_id,
        [learner_id for learner_id, _, _ in wanted],
        [rule_id for _, rule_id, _ in wanted],
        [probe.mark for _, _, probe in wanted],
        [probe.since for _, _, probe in wanted],
        [probe.until for _, _, probe in wanted],
    )
    return [(*wanted[row[0] - 1], Count(row[1], row[2], row[3], row[4])) for row in rows]


async def add_marks(conn: Any, organisation_id: str, marks: Sequence[Mark]) -> None:
    """Store what new awards count against."""
    await add_rows(
        conn,
        "award_marks",
        ("organisation_id", "learner_id", "rule_id", "mark", "occurred_at", "award_id", "points"),
        [(organisation_id, *mark) for mark in marks],
    )


async def find_marks(conn: Any, organisation_id: str, awards: Sequence[AwardRef]) -> list[Mark]:
    """What `awards` count against."""
    if not awards:
        return []
    rows = await conn.fetch(SQL["find_marks"], organisation_id, *_columns(awards))
    return [Mark(*row.values()) for row in rows]


async def remove_marks(conn: Any, organisation_id: str, awards: Sequence[AwardRef]) -> None:
    """Free what reversed `awards` had used."""
    if awards:
        await conn.execute(SQL["remove_marks"], organisation_id, *_columns(awards))


def _columns(awards: Sequence[AwardRef]) -> tuple[list[str], list[str], list[str]]:
    return [award[0] for award in awards], [award[1] for award in awards], [award[2] for award in awards]
