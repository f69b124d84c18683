"""Keeps versions of rules, and what live awards count against."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from rocket_server.db.pages import bounded
from rocket_server.db.pool import add_rows
from rocket_server.db.queries import load
from rocket_server.pace import Pace
from rocket_server.rules.evaluate import Count, Probe
from rocket_server.rules.model import Rule, RuleVersion
from rocket_server.rules.parse import parse_rule
from rocket_server.rules.resets import Reset, Resets
from rocket_server.times import rfc3339

SQL = load(__file__, "store.sql")

MAX_VERSION = 2**31 - 1
MAX_RESETS = 20_000  # of the courses of one organisation, over all years
_READING_S = 10.0  # of all rules, the time that others have in between included


class Mark(NamedTuple):
    """One thing that one live award counts against."""

    learner_id: str
    rule_id: str
    mark: str
    occurred_at: datetime
    award_id: str
    points: int


# Rules by id and version, as they were read before.
Known = Mapping[tuple[str, int], Rule]
_NOTHING_KNOWN: Known = {}


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of a rule, who made it and when."""

    rule: Rule
    version: int
    created_at: datetime
    created_by: str
    withdrawn: bool
    first_created_at: datetime  # of version 1

    def as_dict(self) -> dict[str, Any]:
        """The rule as it is answered; what isn't the rule's own is ignored when it is sent back."""
        return {
            **self.rule.as_dict(),
            **({} if self.rule.fault is None else {"fault": self.rule.fault}),
            "version": self.version,
            "created_at": rfc3339(self.first_created_at),
            "updated_at": rfc3339(self.created_at),
            "created_by": self.created_by,
        }


async def latest(
    conn: Any, organisation_id: str, known: Known = _NOTHING_KNOWN, *, of_mappings: bool = False
) -> list[StoredVersion]:
    """The latest version of each rule that wasn't withdrawn, in the order of their ids: of the organisation's
    own rules, or of those that its sources' mappings make. A version never changes, so those that are `known`
    aren't read anew."""
    found: list[StoredVersion] = []
    pace = Pace(_READING_S)
    for row in await conn.fetch(SQL["current"], organisation_id, of_mappings):
        found.append(_stored(row, known))
        if pace.is_due():
            await pace.rest()
    return sorted(found, key=lambda stored: stored.rule.rule_id)


async def current(conn: Any, organisation_id: str, known: Known = _NOTHING_KNOWN) -> list[RuleVersion]:
    """As `latest`, without who and when."""
    return [RuleVersion(stored.rule, stored.version) for stored in await latest(conn, organisation_id, known)]


async def history(
    conn: Any, organisation_id: str, rule_id: str, before: int, limit: int
) -> list[StoredVersion]:
    """Versions of a rule, the latest first, below the number `before`; withdrawals are among them."""
    rows = await conn.fetch(SQL["history"], organisation_id, rule_id, min(before, MAX_VERSION), limit)
    return [_stored(row) for row in rows]


async def page_of_versions(
    conn: Any, organisation_id: str, rule_id: str, before: int, limit: int
) -> tuple[list[StoredVersion], bool]:
    """As `history`, bounded in bytes as well, and whether more may follow."""

    async def fetch(last: StoredVersion | None, piece: int) -> list[StoredVersion]:
        below = before if last is None else last.version
        return await history(conn, organisation_id, rule_id, below, piece)

    return await bounded(fetch, lambda one: len(msgspec.json.encode(one.rule.as_dict())), limit, first=4)


async def read_version(
    conn: Any, organisation_id: str, rule_id: str, version: int | None = None
) -> StoredVersion | None:
    """One version of a rule, or its latest; None where there is none, or where the rule was withdrawn and no
    version is named."""
    before = MAX_VERSION if version is None else version + 1
    found = await history(conn, organisation_id, rule_id, before, 1)
    if not found or (found[0].withdrawn if version is None else found[0].version != version):
        return None
    return found[0]


async def versions(conn: Any, organisation_id: str, wanted: Collection[tuple[str, int]]) -> list[RuleVersion]:
    """Those versions of rules (id and number) that there are."""
    if not wanted:
        return []
    ids, numbers = [rule_id for rule_id, _ in wanted], [number for _, number in wanted]
    rows = await conn.fetch(SQL["versions"], organisation_id, ids, numbers)
    return [RuleVersion(parse_rule(row["definition"], stored=True), row["version"]) for row in rows]


async def versions_of(conn: Any, organisation_id: str, rule_ids: Collection[str]) -> list[RuleVersion]:
    """All versions of some rules, the latest first."""
    if not rule_ids:
        return []
    rows = await conn.fetch(SQL["versions_of"], organisation_id, list(rule_ids))
    return [RuleVersion(parse_rule(row["definition"], stored=True), row["version"]) for row in rows]


async def in_force(
    conn: Any, organisation_id: str, moments: Collection[datetime], known: Known = _NOTHING_KNOWN
) -> dict[datetime, tuple[datetime | None, list[RuleVersion]]]:
    """For each moment the rules that stood then, in the order of their ids, and since when all of them did.

    Moments between two changes share one list.
    """
    rows = await conn.fetch(SQL["epochs"], organisation_id, list(set(moments)))
    epochs: dict[datetime, datetime | None] = {row["moment"]: row["created_at"] for row in rows}
    changes = {epoch for epoch in epochs.values() if epoch is not None}
    stood: dict[datetime | None, list[RuleVersion]] = {epoch: [] for epoch in epochs.values()}
    read = dict(known)
    for row in await conn.fetch(SQL["in_force"], organisation_id, list(changes)) if changes else ():
        key = (row["definition"]["rule_id"], row["version"])
        if key not in read:
            read[key] = parse_rule(row["definition"], stored=True)
        stood[row["moment"]].append(RuleVersion(read[key], row["version"]))
    for versions in stood.values():
        versions.sort(key=lambda version: version.rule.rule_id)
    return {moment: (epoch, stood[epoch]) for moment, epoch in epochs.items()}


async def save(conn: Any, organisation_id: str, rules: Sequence[Rule], created_by: str) -> dict[str, int]:
    """Store new versions of rules; the numbers they got. The caller raises the organisation's version."""
    return await _add_versions(conn, organisation_id, rules, created_by, withdrawn=False)


async def withdraw(conn: Any, organisation_id: str, rules: Sequence[Rule], created_by: str) -> dict[str, int]:
    """Store versions that withdraw rules, as `save` does. What the rules gave stays."""
    off = [replace(rule, active=False) for rule in rules]
    return await _add_versions(conn, organisation_id, off, created_by, withdrawn=True)


async def _add_versions(
    conn: Any, organisation_id: str, rules: Sequence[Rule], created_by: str, *, withdrawn: bool
) -> dict[str, int]:
    if not rules:
        return {}
    rows = await conn.fetch(
        SQL["add_versions"],
        organisation_id,
        [rule.rule_id for rule in rules],
        [rule.as_dict() for rule in rules],
        created_by,
        withdrawn,
    )
    return {row["rule_id"]: row["version"] for row in rows}


def _stored(row: Any, known: Known = _NOTHING_KNOWN) -> StoredVersion:
    rule = known.get((row["definition"]["rule_id"], row["version"]))
    return StoredVersion(
        rule if rule is not None else parse_rule(row["definition"], stored=True),
        row["version"],
        row["created_at"],
        row["created_by"],
        row["withdrawn"],
        row["first_created_at"],
    )


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


async def find_marks(conn: Any, organisation_id: str, award_ids: Collection[str]) -> list[Mark]:
    """What awards count against."""
    if not award_ids:
        return []
    rows = await conn.fetch(SQL["find_marks"], organisation_id, list(award_ids))
    return [Mark(*row.values()) for row in rows]


async def remove_marks(conn: Any, organisation_id: str, award_ids: Collection[str]) -> None:
    """Free what reversed awards had used."""
    if award_ids:
        await conn.execute(SQL["remove_marks"], organisation_id, list(award_ids))


class UsedKey(NamedTuple):
    """How often a rule gave for one course, lesson or section; event, source and properties are of the
    latest."""

    rule_id: str
    mark: str
    awards: int
    latest: datetime
    event_id: str | None
    source: str | None
    properties: dict[str, Any] | None


async def used_keys(
    conn: Any,
    organisation_id: str,
    learner_id: str,
    scopes: Sequence[tuple[str, str]],
    after: tuple[str, str],
    limit: int,
) -> list[UsedKey]:
    """What was given under keys of `scopes` (rule and `course`, `lesson` or `section`), in the order of
    (rule_id, mark), above the place `after`."""
    rule_ids, names = [rule_id for rule_id, _ in scopes], [name for _, name in scopes]
    rows = await conn.fetch(SQL["used_keys"], organisation_id, learner_id, rule_ids, names, *after, limit)
    return [UsedKey(*row.values()) for row in rows]


async def awarded_by(
    conn: Any, organisation_id: str, wanted: Sequence[tuple[str, str, str, datetime]]
) -> dict[int, str]:
    """By place in `wanted` (learner, rule, mark, time of occurrence): the event behind that award."""
    if not wanted:
        return {}
    columns = [list(column) for column in zip(*wanted, strict=True)]
    rows = await conn.fetch(SQL["awarded_by"], organisation_id, *columns)
    return {row["number"] - 1: row["event_id"] for row in rows}


async def resets(conn: Any, organisation_id: str) -> Resets:
    """When the organisation's courses began anew."""
    rows = await conn.fetch(SQL["resets"], organisation_id)
    return Resets(Reset(*row.values()) for row in rows)


async def add_resets(
    conn: Any, organisation_id: str, wanted: Sequence[Reset], actor: str
) -> tuple[set[Reset], bool]:
    """Note that courses began anew: those that weren't noted yet, and whether there was room for them.

    An organisation has at most MAX_RESETS. The caller holds the organisation's row, and raises its version.
    """
    if await conn.fetchval(SQL["count_resets"], organisation_id) + len(wanted) > MAX_RESETS:
        return set(), False
    rows = await conn.fetch(
        SQL["add_resets"],
        organisation_id,
        [one.course_id for one in wanted],
        [one.source for one in wanted],
        [one.at for one in wanted],
        actor,
    )
    return {Reset(*row.values()) for row in rows}, True
