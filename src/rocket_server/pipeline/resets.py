"""Courses that begin anew: what rules count by them counts from then on as if there had been nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_changes

from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import Conflict
from rocket_server.organisations import store as organisations
from rocket_server.pipeline.model import Item
from rocket_server.rules import store as rules_store
from rocket_server.rules.resets import Reset

_FULL = f"an organisation has at most {rules_store.MAX_RESETS} resets of courses"


async def take(conn: Any, configuration: Configuration, items: Sequence[Item]) -> Configuration:
    """Note the resets that events tell of; the configuration by which the others beside them are decided.

    To be called before learners are locked. Nothing is locked where no event tells of a reset.
    """
    found = {item.event_id: reset for item in items if (reset := _told(item)) is not None}
    if not found:
        return configuration
    organisation_id = configuration.organisation_id
    await organisations.lock(conn, organisation_id)
    added, room = await rules_store.add_resets(conn, organisation_id, list(found.values()), "event")
    if not room:
        for item in items:
            if item.event_id in found and item.event.ignored is not None:
                item.event = with_changes(item.event, ignored=f"course_reset: not taken, since {_FULL}.")
    return await _changed(conn, configuration) if added else configuration


async def reset_course(conn: Any, organisation_id: str, reset: Reset, actor: str) -> bool:
    """Let a course begin anew; False where it did at that very time. `conn` is in a transaction.

    Raises Conflict where the organisation has too many resets.
    """
    await organisations.lock(conn, organisation_id)
    added, room = await rules_store.add_resets(conn, organisation_id, [reset], actor)
    if not room:
        raise Conflict(f"{_FULL[0].upper()}{_FULL[1:]}.", {"limit": rules_store.MAX_RESETS})
    if added:
        await organisations.touch(conn, organisation_id)
    return bool(added)


def freed(configuration: Configuration) -> list[dict[str, Any]]:
    """The active rules that count something by a course, and which of their limits do."""
    counting = ((rule, rule.rule.constraints.by_course()) for rule in configuration.rules.rules)
    found = [
        {"rule_id": rule.rule_id, "constraints": limits}
        for rule, limits in counting
        if rule.active and limits
    ]
    return sorted(found, key=lambda one: str(one["rule_id"]))


def _told(item: Item) -> Reset | None:
    event = item.event
    if event.resets_course is None or (event.ignored or "").startswith("another_site"):
        return None
    return Reset(event.resets_course, event.source, event.occurred_at)


async def _changed(conn: Any, configuration: Configuration) -> Configuration:
    organisation_id = configuration.organisation_id
    await organisations.touch(conn, organisation_id)
    resets = await rules_store.resets(conn, organisation_id)
    return replace(configuration, rules=configuration.rules.with_resets(resets))
