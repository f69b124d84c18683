"""All versions of an organisation's rules, compiled for the time zones that it has had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from rocket_server.db.queries import load
from rocket_server.ids import moment_of
from rocket_server.organisations import store, zones
from rocket_server.rules import store as rules_store
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import CompiledRule
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.of_mappings import PREFIX
from rocket_server.rules.parse import parse_rule

SQL = load(__file__, "rules.sql")

MAX_ZONE_CHANGES: Final = 100  # the latest; awards from before belong to the oldest zone that is known
# Clocks of servers differ: an award made around a change of the zone may have been made in either.
_CLOCKS_DIFFER: Final = timedelta(minutes=5)

_ByVersion = dict[tuple[str, int], CompiledRule]


class Rules:
    """Rules by id and version. What days, weeks and years are follows the zone that the organisation had when
    an award was made: another zone since doesn't make two awards of one year of two."""

    def __init__(
        self,
        compiled: Callable[[tzinfo], _ByVersion],
        changes: list[tuple[datetime, tzinfo]],
        zone: tzinfo,
        kept_since: Mapping[tuple[str, int], datetime],
    ) -> None:
        """`changes`, in order: when the zone was changed, and what it was until then; `zone` is today's.
        `kept_since` has the versions of mappings' rules."""
        self._compile = compiled
        self._changes = changes
        self._zone = zone
        self._kept_since = kept_since
        self._compiled: dict[str, _ByVersion] = {}

    def today(self, rule_id: str, version: int) -> CompiledRule | None:
        """A rule in today's zone, where the zone doesn't matter."""
        return self._in(self._zone).get((rule_id, version))

    def at(self, award_id: str, rule_id: str, version: int) -> list[CompiledRule]:
        """A rule in the zone, or the few zones, in which an award may have been made; empty where there is no
        such version.

        Versions of mappings' rules weren't always kept: all of them were called 1. An award that is older
        than the version 1 that was kept later wasn't made by it.
        """
        made_at = moment_of(award_id)
        kept_since = self._kept_since.get((rule_id, version))
        if kept_since is not None and made_at < kept_since:
            return []
        times = (made_at, made_at - _CLOCKS_DIFFER, made_at + _CLOCKS_DIFFER)
        found = {str(zone): zone for zone in map(self._zone_at, times)}
        rules = (self._in(zone).get((rule_id, version)) for zone in found.values())
        return [rule for rule in rules if rule is not None]

    def _zone_at(self, moment: datetime) -> tzinfo:
        return next((before for changed_at, before in self._changes if moment < changed_at), self._zone)

    def _in(self, zone: tzinfo) -> _ByVersion:
        name = str(zone)
        if name not in self._compiled:
            self._compiled[name] = self._compile(zone)
        return self._compiled[name]


class RulesOf:
    """The rules of an organisation, compiled once for as long as nothing is set otherwise."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._rules: Rules | None = None

    async def read(self, conn: Any, organisation_id: str) -> Rules:
        """As `conn` sees them."""
        organisation = await store.read(conn, organisation_id)
        if self._rules is None or self._version != organisation.version:
            self._version = organisation.version
            self._rules = await _read(conn, organisation_id, organisation.timezone)
        return self._rules


async def _read(conn: Any, organisation_id: str, zone: tzinfo) -> Rules:
    resets = await rules_store.resets(conn, organisation_id)
    rows = await conn.fetch(SQL["rule_versions"], organisation_id)
    versions = [RuleVersion(parse_rule(row["definition"], stored=True), row["version"]) for row in rows]
    kept_since = {
        (one.rule.rule_id, one.version): row["made_at"]
        for one, row in zip(versions, rows, strict=True)
        if one.rule.rule_id.startswith(PREFIX)
    }
    changes = await conn.fetch(SQL["zone_changes"], organisation_id, MAX_ZONE_CHANGES)

    def compiled(zone: tzinfo) -> _ByVersion:
        calendar = Calendar(zone, resets)
        return {(rule.rule.rule_id, rule.version): CompiledRule(rule, calendar) for rule in versions}

    zones_until: list[tuple[datetime, tzinfo]] = [
        (row["at"], zones.zone(row["zone"])) for row in reversed(changes)
    ]
    return Rules(compiled, zones_until, zone, kept_since)
