"""Stores a group of events, decides about them and writes what follows: one pass, in sets.

The number of statements doesn't grow with the group. Locks are taken in one order by all who do this at
once (dedupe keys, stored events, identities, accounts, each sorted), so groups wait but don't deadlock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as with_other
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from rocket_server import sources
from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import InvalidPayload
from rocket_server.events import store as events_store
from rocket_server.events.model import Event
from rocket_server.events.store import StoredEvent, as_event
from rocket_server.ids import uuid7s
from rocket_server.learners import store as learners
from rocket_server.learners.store import Wanted
from rocket_server.organisations import sources as sources_store
from rocket_server.organisations.model import Source
from rocket_server.pipeline import authors, badges, resets
from rocket_server.pipeline.again import SameAgain
from rocket_server.pipeline.award import Awarding
from rocket_server.pipeline.model import Item, Result
from rocket_server.pipeline.write import write
from rocket_server.rules import of_mappings
from rocket_server.sources import sites

# The time of an event that is read again was judged when it came in, by what was set then.
_ANY_TIME_S = 1_000_000_000


async def ingest(
    conn: Any, configuration: Configuration, events: Sequence[Event], received_at: datetime
) -> list[Result]:
    """Store `events` once each and award what they are worth; a result for each, in their order.

    `conn` must be in a transaction; nothing counts until it commits. Where a platform repeats an event
    with more fields, the copy is merged into the first, and decided again if that changes its meaning.
    """
    firsts = _fold_copies(events, configuration, received_at)
    new, known = await _claim(conn, configuration, firsts)
    again, merged = await _merge(conn, configuration, firsts, known)
    items = [*new.values(), *again.values()]
    followed = await _decide(conn, configuration, items, received_at)
    await write(conn, configuration, items, received_at, merged, followed)

    results: list[Result] = []
    answered: set[bytes] = set()
    for event in events:
        key = event.dedupe_key
        item = new.get(key) or again.get(key)
        if item is None or key in answered:
            results.append(Result("duplicate", item.event_id if item else known[key]))
            continue
        answered.add(key)
        results.append(_result(item))
    return results


async def retry(
    conn: Any,
    configuration: Configuration,
    event_ids: Sequence[str],
    received_at: datetime,
    *,
    afresh: bool = False,
) -> dict[str, Result]:
    """Run stored events again, after a mapping, a learner or a rule was mended; a result for each id known.

    Running one twice gives what running it once gives: one that is worth what it was worth stays as it is,
    and what another had earned is reversed before it is decided anew. While its learner is suspended, or for
    ever where they were anonymised, what it had earned stays as it is. With `afresh`, what an event had taken
    back before is no part of what it is worth: that is decided anew, too.
    """
    stored = await events_store.lock(conn, configuration.organisation_id, event_ids)
    items = [_again(event, _reread(configuration, event, event.received)) for event in stored.values()]
    for item in items:
        item.afresh = afresh
    return await _decide_anew(conn, configuration, items, received_at)


async def restate(
    conn: Any,
    configuration: Configuration,
    properties: Mapping[str, dict[str, Any]],
    received_at: datetime,
) -> dict[str, Result]:
    """Give stored events of our own other properties, such as a result that was corrected, and decide about
    them anew; a result for each id known. What one had earned is reversed first, with the reason."""
    stored = await events_store.lock(conn, configuration.organisation_id, properties)
    items = [
        _again(event, replace(_reread(configuration, event, None), properties=properties[event.event_id]))
        for event in stored.values()
    ]
    return await _decide_anew(conn, configuration, items, received_at)


async def _decide_anew(
    conn: Any, configuration: Configuration, items: list[Item], received_at: datetime
) -> dict[str, Result]:
    await _check_sites(conn, configuration, items)
    configuration = await _with_kept_rules(conn, configuration)
    configuration = await resets.take(conn, configuration, items)
    await authors.find(conn, configuration, items)
    await _find_learners(conn, configuration, items, tells=False)
    results = {item.event_id: _stands(item) for item in items}
    items = [item for item in items if results[item.event_id] is None]
    begun = [_undecided(item) for item in items]
    try:
        followed = await _award(conn, configuration, items, received_at, unless_same=True)
    except SameAgain as same:
        results |= {one.event_id: _same(one) for one in begun if one.event_id in same.event_ids}
        items = [one for one in begun if one.event_id not in same.event_ids]
        followed = await _award(conn, configuration, items, received_at)
    if items:
        await write(conn, configuration, items, received_at, [], followed)
    decided = {item.event_id: _result(item) for item in items}
    return {event_id: stands or decided[event_id] for event_id, stands in results.items()}


def _undecided(item: Item) -> Item:
    """An item of which it is known whose it is, and no more."""
    return Item(
        item.event,
        item.event_id,
        stored=item.stored,
        learner=item.learner,
        status=item.status,
        reason=item.reason,
        afresh=item.afresh,
    )


def _same(item: Item) -> Result:
    """What an event is worth that is worth what it was."""
    assert item.stored is not None
    return Result(
        item.status,
        item.event_id,
        item.stored.points_awarded,
        tuple(item.stored.badges or ()),
        tuple(item.stored.decisions),
        item.reason,
        item.event.notes,
    )


def _stands(item: Item) -> Result | None:
    """What an event of somebody who may not earn anything now was worth when it was decided; else None."""
    stored, learner = item.stored, item.learner
    if stored is None or learner is None or learner.status == "active":
        return None
    if learner.status == "suspended" and stored.status != "processed":
        return None
    status: Any = stored.status
    given = tuple(stored.badges or ())
    return Result(status, item.event_id, stored.points_awarded, given, tuple(stored.decisions), stored.reason)


def _result(item: Item) -> Result:
    return Result(
        item.status,
        item.event_id,
        item.points,
        tuple(item.badges),
        tuple(item.decisions),
        item.reason,
        item.event.notes,
    )


def _fold_copies(
    events: Sequence[Event], configuration: Configuration, received_at: datetime
) -> dict[bytes, Event]:
    """One event for each dedupe key: copies within the group count as if the first had brought all fields."""
    firsts: dict[bytes, Event] = {}
    for event in events:
        first = firsts.setdefault(event.dedupe_key, event)
        if first is not event and first.received is not None and event.received is not None:
            fields = sources.merge(event.source_kind, first.received, event.received)
            source = configuration.source_named(event.source)
            if fields != first.received and source is not None:
                firsts[event.dedupe_key] = _read_again(configuration, source, fields, received_at)
    return firsts


async def _claim(
    conn: Any, configuration: Configuration, firsts: dict[bytes, Event]
) -> tuple[dict[bytes, Item], dict[bytes, str]]:
    """New events with their ids, and the ids of those that were stored before."""
    ids = dict(zip(firsts, uuid7s(len(firsts)), strict=True))
    known = await events_store.claim(conn, configuration.organisation_id, ids)
    new = {key: Item(event, ids[key]) for key, event in firsts.items() if key not in known}
    return new, known


async def _merge(
    conn: Any, configuration: Configuration, firsts: dict[bytes, Event], known: dict[bytes, str]
) -> tuple[dict[bytes, Item], list[Item]]:
    """Copies that change what their stored event means, and copies that only add fields to it."""
    copies = {event_id: firsts[key] for key, event_id in known.items() if firsts[key].received is not None}
    again: dict[bytes, Item] = {}
    merged: list[Item] = []
    for stored in (await events_store.lock(conn, configuration.organisation_id, copies)).values():
        copy = copies[stored.event_id]
        if stored.received is None or copy.received is None:
            continue
        fields = sources.merge(stored.source_kind, stored.received, copy.received)
        if fields == stored.received:
            continue
        event = _reread(configuration, stored, fields)
        was_ignored = stored.status == "ignored"
        if (event.event, event.user_id, event.ignored is not None) != (
            stored.event,
            stored.user_id,
            was_ignored,
        ) or configuration.thresholds.counts_otherwise(as_event(stored), event):
            again[copy.dedupe_key] = _again(stored, event)
        else:
            merged.append(_kept(stored, event))
    return again, merged


def _again(stored: StoredEvent, event: Event) -> Item:
    return Item(event, stored.event_id, stored=stored)


def _kept(stored: StoredEvent, event: Event) -> Item:
    """The stored event with more fields and the decisions that it has."""
    return Item(
        event,
        stored.event_id,
        stored=stored,
        status=stored.status,  # type: ignore[arg-type]
        reason=stored.reason,
        decisions=stored.decisions,
        points=stored.points_awarded,
        badges=list(stored.badges or ()),
    )


def _reread(configuration: Configuration, stored: StoredEvent, received: dict[str, Any] | None) -> Event:
    """The event as today's mappings and filters read it."""
    source = configuration.source_named(stored.source)
    if received is not None and source is not None:
        try:
            # Mappings change what an event means, and never when it occurred.
            event = _read_again(configuration, source, received, stored.occurred_at)
            return replace(event, occurred_at=stored.occurred_at)
        except InvalidPayload as error:
            # Such as ids that were taken once and aren't now; the others that run with it don't suffer.
            return replace(as_event(stored), received=received, ignored=f"unreadable: {error.message}")
    return replace(as_event(stored), completion=_stated_by_name(stored), ignored=badges.reread_own(stored))


def _read_again(
    configuration: Configuration, source: Source, received: dict[str, Any], received_at: datetime
) -> Event:
    return sources.reread(received, configuration.reading(source, received_at, _ANY_TIME_S))


def _stated_by_name(stored: StoredEvent) -> Any:
    if "lesson_id" not in stored.properties:
        return None
    return {"lesson.completed": "completed", "lesson.reopened": "reopened"}.get(stored.event)


async def _decide(
    conn: Any, configuration: Configuration, items: list[Item], received_at: datetime
) -> badges.BadgeEffects:
    if not items:
        return badges.BadgeEffects()
    await _check_sites(conn, configuration, items)
    configuration = await _with_kept_rules(conn, configuration)
    configuration = await resets.take(conn, configuration, items)
    await authors.find(conn, configuration, items)
    await _find_learners(conn, configuration, items)
    return await _award(conn, configuration, items, received_at)


async def _award(
    conn: Any,
    configuration: Configuration,
    items: list[Item],
    received_at: datetime,
    *,
    unless_same: bool = False,
) -> badges.BadgeEffects:
    """Let rules judge; `items` grow by stored events about which one has decided again because of them.
    Raises SameAgain as `Awarding.decide` does."""
    if not items:
        return badges.BadgeEffects()
    items += await Awarding(configuration).decide(conn, items, unless_same=unless_same)
    return await badges.follow(conn, configuration, items, received_at)


async def _with_kept_rules(conn: Any, configuration: Configuration) -> Configuration:
    """The configuration in which every rule of a mapping has a stored version, which decisions can name."""
    if not configuration.unkept:
        return configuration
    kept = await of_mappings.keep(conn, configuration.organisation_id, configuration.unkept)
    if kept == list(configuration.unkept):
        return configuration
    return with_other(configuration, rules=configuration.rules.with_versions(kept))


async def _check_sites(conn: Any, configuration: Configuration, items: list[Item]) -> None:
    """One source is one site: ids of another site would be mixed up with those of the first."""
    settled: dict[str, str] = {}  # by source; not in the configuration, which outlives a rollback
    for item in items:
        event = item.event
        if event.site is None or (source := configuration.source_named(event.source)) is None:
            continue
        site = source.site or settled.get(source.name)
        if site is None:
            site = settled[source.name] = await sources_store.settle_site(conn, source, event.site)
        if site != event.site and sites.same_as(site) != sites.same_as(event.site):
            item.event = replace(
                event,
                user_id=None,  # somebody else has this number on the first site
                ignored=(
                    f"another_site: this source belongs to {site}, the event comes from {event.site}; "
                    "make a source of its own for that site. If the site moved, set its new address with "
                    'PATCH /v1/sources/{id} {"site": "…"}, and run the event again'
                ),
            )


async def _find_learners(
    conn: Any, configuration: Configuration, items: list[Item], *, tells: bool = True
) -> None:
    """Who the events are about. Without `tells`, addresses in them may be former ones."""
    wanted: list[Wanted] = []
    for item in items:
        event = item.event
        if event.user_id is None:
            continue
        policy = configuration.unknown_learner(event.source)
        counts = event.ignored is None
        wanted.append(
            Wanted(
                event.user_id,
                event.email if counts else None,
                event.identities if counts else (),
                create=counts and policy == "create",
                tells=tells,
            )
        )
    known = await learners.resolve(conn, configuration.organisation_id, wanted)
    for item in items:
        event = item.event
        item.learner = known.get(event.user_id) if event.user_id is not None else None
        if event.ignored is not None:
            item.status, item.reason = "ignored", event.ignored
        elif item.learner is None:
            _without_learner(item, configuration.unknown_learner(event.source))


def _without_learner(item: Item, policy: str) -> None:
    if policy == "hold":
        item.status = "held"
        item.reason = (
            f"unknown_learner: nobody is known as {item.event.user_id}; the event waits until this identity "
            "is given to a learner, and is then run again"
        )
    else:
        item.status = "ignored"
        item.reason = (
            f"unknown_learner: nobody is known as {item.event.user_id}, and new learners are refused"
        )
