"""Versions of the rules that sources' mappings make: numbered as an organisation's own rules are.

A version is stored when a source is changed. Which rules mappings make follows from the catalogue too, of
which two releases at work may have two: what a process finds otherwise than it is stored gets its number from
the version that says the same, whichever that is, and a new one when the first event is decided by it. So
releases don't take turns in overwriting each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from rocket_server.organisations import store as organisations
from rocket_server.rules import store
from rocket_server.rules.model import Rule, RuleVersion
from rocket_server.rules.store import Known

PREFIX: Final = "mapping:"  # of the ids of such rules, and of no others
BY_CATALOGUE: Final = "catalogue"  # made a version that no change of a source had made


class Numbered(NamedTuple):
    """The rules of mappings with their versions; `unkept` are those of them that aren't stored yet."""

    versions: list[RuleVersion]
    unkept: tuple[RuleVersion, ...]


async def numbered(conn: Any, organisation_id: str, rules: Sequence[Rule], known: Known) -> Numbered:
    """The version that each of the rules is."""
    if not rules:
        return Numbered([], ())
    latest = {
        one.rule.rule_id: RuleVersion(one.rule, one.version)
        for one in await store.latest(conn, organisation_id, known, of_mappings=True)
    }
    stored: dict[str, list[RuleVersion]] = {}
    others = [rule.rule_id for rule in rules if not _says(latest.get(rule.rule_id), rule)]
    for one in await store.versions_of(conn, organisation_id, others):
        stored.setdefault(one.rule.rule_id, []).append(one)
    versions: list[RuleVersion] = []
    unkept: list[RuleVersion] = []
    for rule in rules:
        present = latest.get(rule.rule_id)
        earlier = stored.get(rule.rule_id, ())
        same = present if _says(present, rule) else next((one for one in earlier if _says(one, rule)), None)
        if same is None:
            same = RuleVersion(rule, max((one.version for one in earlier), default=0) + 1)
            unkept.append(same)
        versions.append(same)
    return Numbered(versions, tuple(unkept))


async def keep(conn: Any, organisation_id: str, unkept: Sequence[RuleVersion]) -> list[RuleVersion]:
    """Store versions by which events are about to be decided; with the numbers that they have now, since
    somebody else may have stored others first. Holds the organisation's row."""
    await organisations.lock(conn, organisation_id)
    rules = [one.rule for one in unkept]
    found = await numbered(conn, organisation_id, rules, {})
    await store.save(conn, organisation_id, [one.rule for one in found.unkept], BY_CATALOGUE)
    await organisations.touch(conn, organisation_id)
    return found.versions


async def follow(conn: Any, organisation_id: str, rules: Sequence[Rule], created_by: str) -> None:
    """Make the rules of mappings those that all sources' mappings make now: new versions of those that say
    something else, and versions that withdraw those that are gone. The caller holds the organisation's
    row."""
    latest = {
        one.rule.rule_id: one.rule for one in await store.latest(conn, organisation_id, of_mappings=True)
    }
    changed = [rule for rule in rules if latest.get(rule.rule_id) != rule]
    gone = latest.keys() - {rule.rule_id for rule in rules}
    await store.save(conn, organisation_id, changed, created_by)
    await store.withdraw(conn, organisation_id, [latest[rule_id] for rule_id in sorted(gone)], created_by)


def _says(version: RuleVersion | None, rule: Rule) -> bool:
    return version is not None and version.rule == rule
