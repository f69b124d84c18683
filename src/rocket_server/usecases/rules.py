"""Rules made, changed, switched and withdrawn; each change is a new version that names who made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, changed, subject_of
from rocket_server.errors import InvalidPayload, NotFound
from rocket_server.organisations import store as organisations
from rocket_server.rules import changes, store
from rocket_server.rules.changes import Plan
from rocket_server.rules.model import Rule
from rocket_server.rules.of_mappings import PREFIX as MAPPING_PREFIX
from rocket_server.rules.store import StoredVersion
from rocket_server.usecases.acting import Services


@dataclass(frozen=True, slots=True)
class Applied:
    """What a set of rules changed, and the rules of the set as they are now."""

    plan: Plan
    rules: list[StoredVersion]


@dataclass(frozen=True, slots=True)
class Switched:
    """A rule that is on or off now; `version` is None where it was so already."""

    rule_id: str
    version: int | None


async def create(services: Services, organisation_id: str, actor: Actor, rule: Rule) -> StoredVersion:
    """Make a rule. Raises Conflict where there is one of that id."""

    async def work(conn: Any) -> StoredVersion:
        made = await changes.create(conn, organisation_id, rule, actor.signature)
        await audit.add(conn, organisation_id, actor, [_made(rule)])
        return made

    return await services.database.run(work)


async def change(
    services: Services, organisation_id: str, actor: Actor, rule: Rule, expected: int | None = None
) -> StoredVersion:
    """A new version of a rule; the same rule again makes none. Raises NotFound, or Conflict where `expected`
    isn't its latest version."""

    async def work(conn: Any) -> StoredVersion:
        before, after = await changes.replace(conn, organisation_id, rule, actor.signature, expected)
        await audit.add(conn, organisation_id, actor, _changed(before.rule, after.rule))
        return after

    return await services.database.run(work)


async def withdraw(
    services: Services, organisation_id: str, actor: Actor, rule_id: str, expected: int | None = None
) -> StoredVersion:
    """Withdraw a rule. Its versions, and the points that it gave, stay; its id may be used again."""

    await must_be_changeable(services, organisation_id, rule_id)

    async def work(conn: Any) -> StoredVersion:
        before, after = await changes.withdraw(conn, organisation_id, rule_id, actor.signature, expected)
        await audit.add(conn, organisation_id, actor, [_gone(before.rule)])
        return after

    return await services.database.run(work)


async def apply(
    services: Services,
    organisation_id: str,
    actor: Actor,
    wanted: Sequence[Rule],
    *,
    prune: bool = False,
    seen: Mapping[str, int] | None = None,
) -> Applied:
    """Make several rules as they are wanted, at once or not at all; with `prune`, no others stay.

    `seen` has the versions on which the caller decided; Conflict where they aren't the latest any more.
    """

    async def work(conn: Any) -> Applied:
        plan = await changes.apply(
            conn, organisation_id, wanted, created_by=actor.signature, prune=prune, seen=seen
        )
        await audit.add(conn, organisation_id, actor, list(_planned(plan)))
        latest = {stored.rule.rule_id: stored for stored in await store.latest(conn, organisation_id)}
        return Applied(plan, [latest[rule.rule_id] for rule in wanted])

    return await services.database.run(work)


async def plan(services: Services, organisation_id: str, wanted: Sequence[Rule], *, prune: bool) -> Plan:
    """What `apply` would change; nothing is written."""
    async with services.database.connection() as conn:
        own = {stored.rule.rule_id: stored.rule for stored in await store.latest(conn, organisation_id)}
    return changes.plan(own, wanted, prune=prune)


async def switch(
    services: Services,
    organisation_id: str,
    actor: Actor,
    names: Sequence[str],
    ready_made: Mapping[str, Rule],
    *,
    active: bool,
) -> list[Switched]:
    """Switch rules on or off, the organisation's own or ready-made ones, in the order of their names.

    Raises NotFound where there is no such rule.
    """
    wanted = list(dict.fromkeys(names))

    async def work(conn: Any) -> list[Switched]:
        # First, because it locks the organisation: two who switch at once follow one another.
        await organisations.touch(conn, organisation_id)
        own = {one.rule.rule_id: one.rule for one in await store.current(conn, organisation_id)}
        for name in wanted:
            if name not in own and name not in ready_made:
                raise NotFound(f"There is no rule {name!r}.", {"field": "rule_id"})
        switched = [
            replace(own.get(name) or ready_made[name], active=active)
            for name in wanted
            if (own[name].active if name in own else False) != active
        ]
        versions = await store.save(conn, organisation_id, switched, actor.signature)
        acts = [act for rule in switched for act in changed_or_made(own.get(rule.rule_id), rule)]
        await audit.add(conn, organisation_id, actor, acts)
        return [Switched(name, versions.get(name)) for name in wanted]

    return await services.database.run(work)


async def must_be_changeable(services: Services, organisation_id: str, rule_id: str) -> None:
    """Raise NotFound where there is no such rule, InvalidPayload where it lives with its source."""
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, organisation_id)
    if not any(one.rule_id == rule_id for one in configuration.rules.rules):
        raise NotFound("There is no such rule.", {"field": "rule_id"})
    if rule_id.startswith(MAPPING_PREFIX):
        raise InvalidPayload.field("rule_id", "must not be that of a mapping: change the source's mappings")


def _planned(plan: Plan) -> Iterable[Act]:
    yield from map(_made, plan.new)
    for before, after in zip(plan.replaced, plan.changed, strict=True):
        yield from _changed(before, after)
    yield from map(_gone, plan.withdrawn)


def changed_or_made(before: Rule | None, after: Rule) -> tuple[Act, ...]:
    """What the log says of a rule that is set as it is now."""
    return (_made(after),) if before is None else _changed(before, after)


def _made(rule: Rule) -> Act:
    return Act("rule.created", subject_of("rule", rule.rule_id), None, rule.as_dict())


def _changed(before: Rule, after: Rule) -> tuple[Act, ...]:
    return changed("rule.changed", subject_of("rule", after.rule_id), before.as_dict(), after.as_dict())


def _gone(rule: Rule) -> Act:
    return Act("rule.withdrawn", subject_of("rule", rule.rule_id), rule.as_dict(), None)
