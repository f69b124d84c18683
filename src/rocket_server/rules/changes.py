"""Changes of an organisation's rules: what would change, and the change itself. No version is rewritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rocket_server.conditions.model import comparisons
from rocket_server.conditions.patterns import check_pattern
from rocket_server.errors import Conflict, InvalidPayload, NotFound
from rocket_server.organisations import store as organisations
from rocket_server.rules import store
from rocket_server.rules.model import Rule
from rocket_server.rules.of_mappings import PREFIX as MAPPING_PREFIX
from rocket_server.rules.parse import MAX_RULES
from rocket_server.rules.store import StoredVersion

# Conditions in all rules of an organisation; ten listed values, a thousand of their characters, or twenty
# instructions of a pattern count as one. Asking all of them about one event takes some hundred milliseconds
# at the very worst.
MAX_SIZE: Final = 10_000
# Their place in /v1/rules/… is taken.
_TAKEN: Final = ("templates", "calculate", "simulate")


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a set of rules does; ids in the order of the set, withdrawn ones sorted."""

    new: tuple[Rule, ...]
    changed: tuple[Rule, ...]
    replaced: tuple[Rule, ...]  # what the changed ones said before
    unchanged: tuple[Rule, ...]
    withdrawn: tuple[Rule, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.changed or self.withdrawn)

    def as_dict(self) -> dict[str, list[str]]:
        return {
            "created": [rule.rule_id for rule in self.new],
            "changed": [rule.rule_id for rule in self.changed],
            "unchanged": [rule.rule_id for rule in self.unchanged],
            "withdrawn": [rule.rule_id for rule in self.withdrawn],
        }


def plan(own: Mapping[str, Rule], wanted: Sequence[Rule], *, prune: bool) -> Plan:
    """What has to change in `own` for `wanted` to hold; with `prune`, rules that aren't wanted go."""
    refuse_reserved(wanted)
    by_id = {rule.rule_id for rule in wanted}
    changed = tuple(rule for rule in wanted if rule.rule_id in own and own[rule.rule_id] != rule)
    found = Plan(
        tuple(rule for rule in wanted if rule.rule_id not in own),
        changed,
        tuple(own[rule.rule_id] for rule in changed),
        tuple(rule for rule in wanted if own.get(rule.rule_id) == rule),
        tuple(own[rule_id] for rule_id in sorted(own) if prune and rule_id not in by_id),
    )
    _refuse_too_much(own, found)
    if found.new and len(own) + len(found.new) - len(found.withdrawn) > MAX_RULES:
        raise InvalidPayload.field("rules", f"must have at most {MAX_RULES} in all")
    return found


def _refuse_too_much(own: Mapping[str, Rule], plan: Plan) -> None:
    """Raise InvalidPayload where the rules together become more than a server can have at hand."""
    changed = (*plan.new, *plan.changed)
    gone = {rule.rule_id for rule in (*changed, *plan.withdrawn)}
    stay = [rule for rule in own.values() if rule.rule_id not in gone]
    if sum(map(_size, changed)) <= sum(_size(own[rule_id]) for rule_id in gone if rule_id in own):
        return  # they become less
    if sum(map(_size, (*stay, *changed))) > MAX_SIZE:
        raise InvalidPayload.field(
            "rules",
            f"an organisation's rules may have {MAX_SIZE} conditions together, ten listed values, 1000 of"
            " their characters or twenty instructions of a pattern counted as one; withdraw some, or ask for"
            " several values by in",
        )


def _size(rule: Rule) -> int:
    if rule.fault is not None:
        return 0
    return sum(
        1
        + (_size_of_list(one.expected) if isinstance(one.expected, tuple) else 0)
        + (check_pattern(one.expected) // 20 if one.operator == "matches" else 0)
        for one in comparisons(rule.trigger.conditions)
    )


def _size_of_list(values: tuple[Any, ...]) -> int:
    characters = sum(len(value) for value in values if isinstance(value, str))
    return max(len(values) // 10, characters // 1000)


def refuse_reserved(rules: Sequence[Rule]) -> None:
    """Raise InvalidPayload for an id that a source's mapping might have, or that is a path of its own."""
    for rule in rules:
        if rule.rule_id in _TAKEN:
            raise InvalidPayload.field("rule_id", f"{rule.rule_id} is a path of the API; choose another id")
        if rule.rule_id.startswith(MAPPING_PREFIX):
            raise InvalidPayload.field(
                "rule_id", f"ids that begin with {MAPPING_PREFIX} are made by mappings"
            )


async def apply(
    conn: Any,
    organisation_id: str,
    wanted: Sequence[Rule],
    *,
    created_by: str,
    prune: bool = False,
    seen: Mapping[str, int] | None = None,
) -> Plan:
    """Make the organisation's rules those that are wanted, in the caller's transaction.

    `seen` has the versions on which the caller decided; Conflict where they aren't the latest any more.
    """
    await organisations.lock(conn, organisation_id)
    own = {stored.rule.rule_id: stored for stored in await store.latest(conn, organisation_id)}
    if seen is not None and seen != {rule_id: stored.version for rule_id, stored in own.items()}:
        raise Conflict("The rules were changed meanwhile; look at the difference again.")
    found = plan({rule_id: stored.rule for rule_id, stored in own.items()}, wanted, prune=prune)
    if not found.is_empty:
        await store.save(conn, organisation_id, (*found.new, *found.changed), created_by)
        await store.withdraw(conn, organisation_id, found.withdrawn, created_by)
        await organisations.touch(conn, organisation_id)
    return found


async def create(conn: Any, organisation_id: str, rule: Rule, created_by: str) -> StoredVersion:
    """A new rule. Raises Conflict where there is one of that id."""
    await organisations.lock(conn, organisation_id)
    own = {stored.rule.rule_id: stored for stored in await store.latest(conn, organisation_id)}
    if rule.rule_id in own:
        raise Conflict(
            f"There is a rule {rule.rule_id} already: change it with PUT /v1/rules/{rule.rule_id}.",
            {"field": "rule_id", "version": own[rule.rule_id].version},
        )
    plan({rule_id: stored.rule for rule_id, stored in own.items()}, [rule], prune=False)
    await store.save(conn, organisation_id, [rule], created_by)
    return await _saved(conn, organisation_id, rule.rule_id)


async def replace(
    conn: Any, organisation_id: str, rule: Rule, created_by: str, expected: int | None
) -> tuple[StoredVersion, StoredVersion]:
    """A new version of a rule, unless it is what the rule says already: the rule as it was and as it is.

    Raises NotFound, or Conflict where `expected` isn't the latest version.
    """
    found = await _expected(conn, organisation_id, rule.rule_id, expected)
    if found.rule == rule:
        return found, found
    own = {stored.rule.rule_id: stored.rule for stored in await store.latest(conn, organisation_id)}
    plan(own, [rule], prune=False)
    await store.save(conn, organisation_id, [rule], created_by)
    return found, await _saved(conn, organisation_id, rule.rule_id)


async def withdraw(
    conn: Any, organisation_id: str, rule_id: str, created_by: str, expected: int | None
) -> tuple[StoredVersion, StoredVersion]:
    """A version that withdraws a rule: the rule as it was, and that version. Raises NotFound, or Conflict
    where `expected` isn't the latest."""
    found = await _expected(conn, organisation_id, rule_id, expected)
    await store.withdraw(conn, organisation_id, [found.rule], created_by)
    return found, await _saved(conn, organisation_id, rule_id)


async def _expected(conn: Any, organisation_id: str, rule_id: str, expected: int | None) -> StoredVersion:
    await organisations.lock(conn, organisation_id)
    found = await store.read_version(conn, organisation_id, rule_id)
    if found is None:
        raise NotFound(f"There is no rule {rule_id}.", {"field": "rule_id"})
    if expected is not None and expected != found.version:
        raise Conflict(
            f"The rule was changed meanwhile: its version is {found.version}, not {expected}. Read it again.",
            {"field": "version", "version": found.version},
        )
    return found


async def _saved(conn: Any, organisation_id: str, rule_id: str) -> StoredVersion:
    await organisations.touch(conn, organisation_id)
    (saved,) = await store.history(conn, organisation_id, rule_id, store.MAX_VERSION, 1)
    return saved
