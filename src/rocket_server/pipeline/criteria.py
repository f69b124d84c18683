"""Which criteria a group of decided events has met, in the order of the events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rocket_server.badges import awards, progress
from rocket_server.badges.criteria import Threshold, module_mark
from rocket_server.badges.progress import Key, Mark
from rocket_server.configuration.snapshot import Configuration
from rocket_server.events.store import as_event
from rocket_server.pace import Pace
from rocket_server.pipeline.model import BUDGET_S, Item


async def met(conn: Any, configuration: Configuration, items: Sequence[Item]) -> list[tuple[Item, str]]:
    """Badges that learners have now earned by criteria, each with the event that completed them.

    Points are what was ever earned and not taken back, spent or not. What was given once isn't given again,
    also after somebody took it back by hand. Accounts of the learners are locked.
    """
    thresholds = configuration.thresholds
    if not thresholds.all:
        return []
    pace = Pace(BUDGET_S)
    changes: dict[str, list[tuple[bool, Mark]]] = {}
    asked: dict[str, list[Threshold]] = {}
    for item in items:
        changes[item.event_id] = _changes(configuration, item)
        if touched := _touched(configuration, item, changes[item.event_id]):
            asked[item.event_id] = touched
        if pace.is_due():
            await pace.rest()
    if not asked:
        return []

    organisation_id = configuration.organisation_id
    badge_ids = {one.badge_id for touched in asked.values() for one in touched}
    badge_ids.update(other for touched in asked.values() for one in touched for other in one.others)
    learner_ids = {learner_id for item in items if item.event_id in asked for learner_id in _learners(item)}
    held, given = await awards.given(conn, organisation_id, learner_ids, badge_ids)
    held_by: dict[str, set[str]] = {}
    for learner_id, badge_id in held:
        held_by.setdefault(learner_id, set()).add(badge_id)
    wanted, marks = _wanted(items, asked, changes, given)
    counts = await progress.read(conn, organisation_id, wanted, marks, thresholds.counters)

    found: list[tuple[Item, str]] = []
    for item in items:
        for add, mark in changes[item.event_id]:
            if mark[:2] in wanted:
                (counts.add if add else counts.remove)(mark)
        if item.learner is None or not _counts(item):
            continue
        learner_id = item.learner.learner_id
        for one in asked.get(item.event_id, ()):
            if (learner_id, one.badge_id) in given or item.learner.status != "active":
                continue
            counted = {counter.key: counts.count(learner_id, counter.key) for counter in one.counters}
            if one.holds(item.earned, counted, held_by.get(learner_id, ())):
                given.add((learner_id, one.badge_id))
                found.append((item, one.badge_id))
        if pace.is_due():
            await pace.rest()
    await counts.write(conn, organisation_id)
    return found


async def met_by_points(conn: Any, configuration: Configuration, learner_id: str, earned: int) -> list[str]:
    """Badges that a learner has now earned because points were given by hand."""
    touched = [one for one in configuration.thresholds.all if one.points is not None and one.points <= earned]
    if not touched:
        return []
    organisation_id = configuration.organisation_id
    badge_ids = {one.badge_id for one in touched} | {other for one in touched for other in one.others}
    held, given = await awards.given(conn, organisation_id, [learner_id], badge_ids)
    touched = [one for one in touched if (learner_id, one.badge_id) not in given]
    keys = {(learner_id, counter.key) for one in touched for counter in one.counters}
    counts = await progress.read(conn, organisation_id, keys, (), configuration.thresholds.counters)
    await counts.write(conn, organisation_id)
    mine = {badge_id for _, badge_id in held}
    return [
        one.badge_id
        for one in touched
        if one.holds(earned, {c.key: counts.count(learner_id, c.key) for c in one.counters}, mine)
    ]


async def met_by_past(
    conn: Any, configuration: Configuration, badge_id: str, earned: Mapping[str, int]
) -> list[str]:
    """Of these learners, whose accounts are locked and who earned so many points, those who have met a
    badge's criteria and were never given it.

    Raises TakesTooLong where they have too much of a past together.
    """
    one = next((one for one in configuration.thresholds.all if one.badge_id == badge_id), None)
    if one is None:
        return []
    organisation_id = configuration.organisation_id
    held, given = await awards.given(conn, organisation_id, earned, {badge_id, *one.others})
    asked = [learner_id for learner_id in earned if (learner_id, badge_id) not in given]
    keys = {(learner_id, counter.key) for learner_id in asked for counter in one.counters}
    counts = await progress.read(conn, organisation_id, keys, (), configuration.thresholds.counters)
    await counts.write(conn, organisation_id)
    held_by: dict[str, set[str]] = {}
    for learner_id, other in held:
        held_by.setdefault(learner_id, set()).add(other)
    return [
        learner_id
        for learner_id in asked
        if one.holds(
            earned[learner_id],
            {counter.key: counts.count(learner_id, counter.key) for counter in one.counters},
            held_by.get(learner_id, ()),
        )
    ]


def _counts(item: Item) -> bool:
    """Whether an event counts for its learner; also while they are suspended, though nothing is given."""
    return item.status == "processed" and item.learner is not None and not item.event.filtered


def _learners(item: Item) -> Collection[str]:
    """Whom an event is about, and whom it was about before it was decided anew."""
    found = {item.learner.learner_id} if item.learner else set()
    if item.stored and item.stored.learner_id:
        found.add(item.stored.learner_id)
    return found


def _changes(configuration: Configuration, item: Item) -> list[tuple[bool, Mark]]:
    """The marks that an event takes away (False) and adds (True), in this order."""
    thresholds = configuration.thresholds
    changes: list[tuple[bool, Mark]] = []
    stored = item.stored
    if stored is not None and stored.status == "processed" and stored.learner_id:
        before = thresholds.marks(as_event(stored), stored.event_id)
        if module_mark(as_event(stored)) is None:
            changes += [(False, (stored.learner_id, key, mark)) for key, mark in before.items()]
    if not _counts(item) or item.learner is None:
        return changes
    learner_id = item.learner.learner_id
    if item.superseded:
        return changes
    marks = thresholds.marks(item.event, item.event_id)
    # Of several statements about a module the latest decides: one that doesn't meet the conditions, or that
    # withdraws the completion, takes the module out.
    module = module_mark(item.event) if item.event.completion else None
    if module is not None:
        gone = [one.key for one in thresholds.of_modules() if one.key not in marks]
        changes += [(False, (learner_id, key, module)) for key in gone]
    changes += [(True, (learner_id, key, mark)) for key, mark in marks.items()]
    return changes


def _touched(configuration: Configuration, item: Item, changes: list[tuple[bool, Mark]]) -> list[Threshold]:
    """The criteria that an event may have brought nearer, or that count it."""
    keys = {mark[1] for _, mark in changes}
    thresholds = configuration.thresholds
    points = item.earned if item.points > 0 else 0
    badge_id = item.event.properties.get("badge_id") if item.chain else None
    least = thresholds.least_points
    if not keys and badge_id not in thresholds.others and (least is None or points < least):
        return []
    return [
        one
        for one in thresholds.all
        if any(counter.key in keys for counter in one.counters)
        or (one.points is not None and points >= one.points)
        or badge_id in one.others
    ]


def _wanted(
    items: Sequence[Item],
    asked: dict[str, list[Threshold]],
    changes: dict[str, list[tuple[bool, Mark]]],
    given: set[tuple[str, str]],
) -> tuple[set[Key], set[Mark]]:
    """What must be counted: for badges that a learner was given, nothing any more."""
    wanted = {
        (learner_id, counter.key)
        for item in items
        for one in asked.get(item.event_id, ())
        for learner_id in _learners(item)
        if (learner_id, one.badge_id) not in given
        for counter in one.counters
    }
    marks = {mark for own in changes.values() for _, mark in own if mark[:2] in wanted}
    return wanted, marks
