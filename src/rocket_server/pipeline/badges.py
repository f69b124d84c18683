"""Badges that follow from a group of events, and the events that these badges are themselves.

Each badge given makes an event `badge.awarded` of source `rocket`, which rules hear and criteria count, in
the same transaction. So badges follow from badges, in rounds: at most MAX_CHAIN, and none twice in one chain.
A group in which no rule gives a badge and no criteria are touched costs no statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from rocket_server.badges import awards
from rocket_server.badges.awards import BY_RULES, Award, NewAward
from rocket_server.badges.model import MAX_CHAIN
from rocket_server.configuration.snapshot import Configuration
from rocket_server.delivery.outbox import Message, told
from rocket_server.events import store as events_store
from rocket_server.events.model import Event, dedupe_key
from rocket_server.events.store import StoredEvent, as_event
from rocket_server.ids import uuid7
from rocket_server.learners.store import Learner
from rocket_server.pipeline import criteria
from rocket_server.pipeline.award import Awarding
from rocket_server.pipeline.model import Gift, Item

OWN_SOURCE: Final = "rocket"
AWARDED: Final = "badge.awarded"
REVOKED: Final = "badge.revoked"
REVOKED_REASON: Final = "badge_revoked"  # the code of an own event's reason, once its badge was taken back

_WITHDRAWN: Final = "what had earned it was withdrawn"


@dataclass(slots=True)
class BadgeEffects:
    """What followed: events of our own, to be written with the others, and what else is to be told."""

    items: list[Item] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class Candidate:
    """A badge for a learner, before it is known whether they hold it. `item` is the event that earns it."""

    learner: Learner
    award: NewAward
    occurred_at: datetime
    chain: tuple[str, ...]
    earned: int  # what the learner had earned in all before it
    item: Item | None = None
    detail: dict[str, Any] | None = None  # of the decision that gives it


async def follow(
    conn: Any, configuration: Configuration, items: Sequence[Item], now: datetime
) -> BadgeEffects:
    """Give and take back the badges that decided `items` earn or lose, and decide what follows from that.

    The learners' accounts are locked. The outcome's items are decided, but not written yet.
    """
    outcome = BadgeEffects()
    for _ in range(MAX_CHAIN + 1):
        lost = await _lost(conn, configuration, items)
        candidates = _by_rules(configuration, items)
        candidates += [
            _candidate(item.learner, badge_id, "criteria", item)
            for item, badge_id in await criteria.met(conn, configuration, items)
            if item.learner and len(chain_of(item)) < MAX_CHAIN
        ]
        if not lost and not candidates:
            break
        items = [
            *await _take_back(conn, configuration, lost, now, BY_RULES, _WITHDRAWN, outcome),
            *await give(conn, configuration, candidates, now),
        ]
        await _judge(conn, configuration, items)
        outcome.items += items
    return outcome


async def give(
    conn: Any, configuration: Configuration, candidates: Sequence[Candidate], now: datetime
) -> list[Item]:
    """Give badges to those who don't hold them; the event that each of them makes, claimed and not judged."""
    organisation_id = configuration.organisation_id
    made = await awards.add(conn, organisation_id, [one.award for one in candidates], now)
    items: list[Item] = []
    for one in candidates:
        given = one.award.award_id in made
        if one.detail is not None:
            one.detail["badge_status"] = "awarded" if given else "already_held"
        if given:
            if one.item is not None:
                one.item.badges.append(one.award.badge_id)
            items.append(_own_item(configuration, one))
    await events_store.claim(conn, organisation_id, {item.event.dedupe_key: item.event_id for item in items})
    return items


async def follow_by_hand(
    conn: Any, configuration: Configuration, candidates: Sequence[Candidate], now: datetime
) -> BadgeEffects:
    """Give badges by hand, or for points that moved by hand, and what follows; accounts are locked."""
    items = await give(conn, configuration, candidates, now)
    await _judge(conn, configuration, items)
    outcome = await follow(conn, configuration, items, now)
    outcome.items[:0] = items
    return outcome


async def take_back_by_hand(
    conn: Any, configuration: Configuration, award: Award, now: datetime, actor: str, reason: str
) -> BadgeEffects:
    """Take an award back, and what rules had given for it; the account is locked."""
    outcome = BadgeEffects()
    items = await _take_back(conn, configuration, [award], now, actor, reason, outcome)
    await _judge(conn, configuration, items)
    followed = await follow(conn, configuration, items, now)
    return BadgeEffects([*items, *followed.items], outcome.messages + followed.messages)


def candidate_by_hand(
    learner: Learner,
    badge_id: str,
    repeatable: bool,
    actor: str,
    metadata: dict[str, Any] | None,
    earned: int,
    now: datetime,
) -> Candidate:
    """A badge that somebody gives."""
    award = NewAward(
        uuid7(), learner.learner_id, badge_id, repeatable, "manual", uuid7(), actor=actor, metadata=metadata
    )
    return Candidate(learner, award, now, (), earned)


def candidate_by_points(learner: Learner, badge_id: str, actor: str, earned: int, now: datetime) -> Candidate:
    """A badge whose criteria points given by hand have met."""
    award = NewAward(uuid7(), learner.learner_id, badge_id, False, "criteria", uuid7(), actor=actor)
    return Candidate(learner, award, now, (), earned)


def reread_own(stored: StoredEvent) -> str | None:
    """Why an event of our own can't count any more; its badge was taken back."""
    if stored.source_kind == OWN_SOURCE and stored.status == "ignored":
        return stored.reason
    return None


def chain_of(item: Item) -> tuple[str, ...]:
    """The badges that an item follows from, also where it was stored before."""
    stored = item.event.metadata.get("chain") if item.event.source_kind == OWN_SOURCE else None
    return item.chain or (tuple(map(str, stored)) if isinstance(stored, list) else ())


def _by_rules(configuration: Configuration, items: Sequence[Item]) -> list[Candidate]:
    """The badges that rules give, without those that can't be given."""
    withdrawn = {event_id for item in items for event_id in item.withdrawn}
    candidates: list[Candidate] = []
    for item in items:
        chain = chain_of(item) if item.gifts else ()
        for gift in item.gifts:
            badge = configuration.badges.get(gift.badge_id)
            if badge is None or not badge.active:
                gift.detail["badge_status"] = "unknown_badge" if badge is None else "inactive_badge"
            elif gift.badge_id in chain:
                gift.detail["badge_status"] = "in_chain_already"
            elif item.event_id in withdrawn:
                gift.detail["badge_status"] = "withdrawn"
            elif item.learner is not None:
                one = _candidate(item.learner, gift.badge_id, "rule", item, gift, badge.repeatable)
                one.detail = gift.detail
                candidates.append(one)
        item.gifts = []
    return candidates


def _candidate(
    learner: Learner,
    badge_id: str,
    cause: Any,
    item: Item,
    gift: Gift | None = None,
    repeatable: bool = False,
) -> Candidate:
    award = NewAward(
        uuid7(),
        learner.learner_id,
        badge_id,
        repeatable,
        cause,
        uuid7(),
        item.event_id,
        gift.rule_id if gift else None,
        gift.rule_version if gift else None,
        gift.award_id if gift else None,
    )
    return Candidate(learner, award, item.event.occurred_at, chain_of(item), item.earned, item)


def _own_item(configuration: Configuration, one: Candidate) -> Item:
    """The event that a badge is. It happened when what earned it happened, so that caps count it there."""
    award = one.award
    badge = configuration.badges.get(award.badge_id)
    chain = (*one.chain, award.badge_id)
    properties: dict[str, Any] = {
        "badge_id": award.badge_id,
        "badge_name": badge.name if badge else award.badge_id,
        "award_id": award.award_id,
        "cause": award.cause,
    }
    if award.rule_id is not None:
        properties["rule_id"] = award.rule_id
    metadata: dict[str, Any] = {"chain": list(chain)}
    if award.event_id is not None:
        metadata["caused_by"] = award.event_id
    notes: tuple[str, ...] = ()
    if len(chain) >= MAX_CHAIN:
        notes = (f"Not judged: it is the {MAX_CHAIN}th badge in a row that followed from one event.",)
    event = Event(
        event=AWARDED,
        source=OWN_SOURCE,
        user_id=one.learner.user_id,
        occurred_at=one.occurred_at,
        properties=properties,
        metadata=metadata,
        dedupe_key=dedupe_key(OWN_SOURCE, AWARDED, award.award_id),
        source_event_id=award.award_id,
        source_kind=OWN_SOURCE,
        notes=notes,
    )
    return Item(event, award.own_event_id, learner=one.learner, chain=chain, earned=one.earned)


async def _judge(conn: Any, configuration: Configuration, items: Sequence[Item]) -> None:
    """Let the rules judge events of our own, as far as the bound of a chain allows."""
    heard = [
        item
        for item in items
        if item.stored is not None
        or (len(item.chain) < MAX_CHAIN and configuration.rules.triggered(item.event.event))
    ]
    if heard:
        await Awarding(configuration).decide(conn, heard, restores=False)


async def _lost(conn: Any, configuration: Configuration, items: Sequence[Item]) -> list[Award]:
    """Awards whose event was withdrawn, or was decided anew and gives them no more, or is another's now."""
    event_ids = {event_id for item in items for event_id in item.withdrawn}
    anew = {
        item.event_id: item
        for item in items
        if item.stored and (item.again is not None or _gave_badges(item.stored))
    }
    gone = {item.event_id for item in items if _is_anothers_now(item)}
    lost: list[Award] = []
    stay: dict[str, str] = {}
    whole = gone | anew.keys()
    for award in await awards.by_events(conn, configuration.organisation_id, event_ids, whole):
        item = None if award.event_id in gone else anew.get(award.event_id or "")
        if item is not None and _isnt_decided(award, item):
            item.badges.append(award.badge_id)
            continue
        kept = next((gift for gift in item.gifts if gift.badge_id == award.badge_id), None) if item else None
        if item is None or kept is None or award.event_id in event_ids:
            lost.append(award)
        else:
            kept.detail["badge_status"] = "awarded"
            item.badges.append(award.badge_id)
            item.gifts.remove(kept)
            stay[award.award_id] = kept.award_id
    await awards.relink(conn, configuration.organisation_id, stay)
    return lost


def _is_anothers_now(item: Item) -> bool:
    """Whether an event was stored as a learner's and turned out to be about another."""
    before = item.stored.learner_id if item.stored else None
    return before is not None and item.learner is not None and item.learner.learner_id != before


def _isnt_decided(award: Award, item: Item) -> bool:
    """Whether an award stays, however the rules decide about its event now: one by criteria, which are met
    once and for all, or one of a rule that isn't asked again."""
    return award.rule_id is None or (item.again is not None and award.rule_id not in item.again)


def _gave_badges(stored: StoredEvent) -> bool:
    return bool(stored.badges) or any("badge" in decision["detail"] for decision in stored.decisions)


async def _take_back(
    conn: Any,
    configuration: Configuration,
    lost: Sequence[Award],
    now: datetime,
    actor: str,
    reason: str,
    outcome: BadgeEffects,
) -> list[Item]:
    """Take awards back; the events that they had made, which count no more and are to be decided anew."""
    if not lost:
        return []
    organisation_id = configuration.organisation_id
    await awards.revoke(conn, organisation_id, [award.award_id for award in lost], now, actor, reason)
    # Behind the accounts, against the common order: who decides such an event by hand at the same moment may
    # run into a deadlock, which PostgreSQL breaks and the caller repeats.
    own = await events_store.lock(
        conn, organisation_id, [award.own_event_id for award in lost if award.own_event_id]
    )
    items: list[Item] = []
    for award in lost:
        stored = own.get(award.own_event_id or "")
        badge = configuration.badges.get(award.badge_id)
        outcome.messages.append(_revoked(award, badge.name if badge else award.badge_id, stored, now, reason))
        if stored is not None:
            items.append(_ignored(stored, f"{REVOKED_REASON}: {reason}"))
    return items


def _ignored(stored: StoredEvent, reason: str) -> Item:
    event = msgspec.structs.replace(as_event(stored), ignored=reason)
    return Item(event, stored.event_id, stored=stored, status="ignored", reason=reason)


def _revoked(award: Award, name: str, stored: StoredEvent | None, now: datetime, reason: str) -> Message:
    properties = {
        "badge_id": award.badge_id, "badge_name": name, "award_id": award.award_id, "reason": reason
    }  # fmt: skip
    return told(REVOKED, stored.user_id if stored else None, now, properties)
