"""Who is one person, for the plain model of the engine: addresses that link, and splits.

Written from the reference (users.md), for reading `PlainEngine` beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.plain_engine import Badge, Event, Person, PlainEngine

_REFUSED = ("cap_reached", "cooldown", "already_awarded")
_NAMING = ("lesson_id", "object_id", "attempt_id")


def source_of(identity: str) -> str:
    """What stands before the colon; ids of the API are one source."""
    return identity.split(":")[0] if ":" in identity else ""


def identities_of(engine: PlainEngine, person: Person) -> list[str]:
    return [identity for identity, one in engine.people.items() if one is person]


def meet(engine: PlainEngine, identity: str, email: str | None) -> None:
    """An event names somebody: they are found, linked or made, and what is told of them is the latest."""
    from support.plain_engine import Person

    if identity not in engine.people:
        found = _linked(engine, identity, email)
        engine.people[identity] = found or Person(identity, email=email)
    if email is None or engine.told.get(identity) == email:
        return
    person, before = engine.people[identity], engine.told.get(identity)
    engine.told[identity] = email
    if person.email is None or (before or person.email) != email:
        person.email = email


def _linked(engine: PlainEngine, identity: str, email: str | None) -> Person | None:
    """The one learner who has an address now, unless they are known in the identity's source."""
    having = [
        person
        for person in engine.everybody()
        if email is not None
        and (
            person.email == email
            or any(engine.told.get(one) == email for one in identities_of(engine, person))
        )
    ]
    if len(having) != 1:
        return None
    sources = {source_of(one) for one in identities_of(engine, having[0])}
    return None if source_of(identity) in sources else having[0]


def split(engine: PlainEngine, stays: Person, identities: Sequence[str]) -> None:
    """Their events run again as a new learner's; then those of who stays that were decided beside them."""
    from support.plain_engine import Person

    told = [engine.told[one] for one in identities if one in engine.told]
    new = Person(identities[0], email=told[0] if told else None)
    for identity in identities:
        engine.people[identity] = new
    if stays.email in told:
        left = sorted({engine.told[one] for one in identities_of(engine, stays) if one in engine.told})
        if stays.email not in left:
            stays.email = left[0] if left else None
    moved = [event for event in _own_events(engine) if engine.person_of(event) is new]
    if not moved:
        return
    _run_again(engine, moved, stays)
    touched = _touched(engine, moved, stays)
    for about, module in list(stays.modules.items()):
        if any(module.said_by is event for event in touched + moved):
            del stays.modules[about]
    if touched:
        _run_again(engine, touched, stays)


def _own_events(engine: PlainEngine) -> list[Event]:
    return [event for event in engine.events if event.source != "rocket" and event.status == "processed"]


def _touched(engine: PlainEngine, moved: Sequence[Event], stays: Person) -> list[Event]:
    """Events that a rule refused which gave something for those that moved, or that these took something
    from; and all that are about the same things."""
    mine = [event for event in _own_events(engine) if engine.person_of(event) is stays]
    giving = {said[0] for event in moved for said in event.said if said[2] == "awarded"}
    giving |= {award.rule_id for event in moved for award in event.took}
    taken_from = [award.event for event in moved for award in event.took]
    beside = [
        event
        for event in mine
        if any(said[0] in giving and said[2] in _REFUSED for said in event.said)
        or any(event is one for one in taken_from)
    ]
    things = {thing for event in (*beside, *moved) for thing in _things(event)}
    return [
        event
        for event in mine
        if any(event is one for one in beside) or not things.isdisjoint(_things(event))
    ]


def _things(event: Event) -> set[tuple[str, str]]:
    return {(name, str(event.properties[name])) for name in _NAMING if name in event.properties}


def _run_again(engine: PlainEngine, events: Sequence[Event], before: Person) -> None:
    """Take back what events of `before` had earned, and decide them in their order as they are now."""
    lost = []
    for event in events:
        own = [award for award in event.awards if award.stands]
        for award in sorted(own, key=lambda one: one.entry is not None):
            engine.take_back(award)
            award.is_replaced = True
            lost.append(award)
            if award.entry is not None:
                event.took.append(award)
    badges = [
        badge
        for person in engine.everybody()
        for badge in person.badges
        if badge.stands and any(badge.cause is event for event in events)
    ]
    for event in events:
        event.said, event.awards, event.gifts, event.badges, event.withdrawn = [], [], [], [], []
    for event in events:
        engine.look_back(event, events)
    again: list[Event] = []
    for event in events:
        again += engine.decide(event)
    again += engine.restore(lost, engine.events[-1])
    gone = [badge for badge in badges if not _stays(engine, badge, before)]
    followed = [*events, *(event for event in again if not any(event is one for one in events))]
    engine.follow(followed, gone)


def _stays(engine: PlainEngine, badge: Badge, before: Person) -> bool:
    """Whether the rules give a badge for its event again; then it isn't given anew."""
    cause = badge.cause
    if engine.person_of(cause) is not before:
        return False
    gift = next((one for one in cause.gifts if one.badge_id == badge.badge_id), None)
    if gift is None or any(cause is one for event in engine.events for one in event.withdrawn):
        return False
    badge.award = gift
    cause.gifts.remove(gift)
    cause.badges.append(badge.badge_id)
    return True
