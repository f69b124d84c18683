"""A plain model of the whole engine: dictionaries and lists that say what becomes of each request.

It is written from the reference, shares no code with the server, and is only meant to be right: every
question is answered by looking through everything. `PlainEngine` takes what a client sends and answers what
the server should answer; learners, balances, badges and counts can be read from it afterwards.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import prod
from typing import Any

from support import plain_people, plain_rules

MAX_CHAIN = 4

Body = dict[str, Any]
Rule = dict[str, Any]
Said = tuple[str, int, str, int]  # rule_id, version, outcome, points


@dataclass(slots=True, eq=False)
class Entry:
    """An award or a deduction; `entry_id` is the server's, as soon as somebody has seen it."""

    person: Person
    kind: str
    points: int
    award: Award | None = None
    entry_id: str | None = None
    is_reversed: bool = False


@dataclass(slots=True, eq=False)
class Award:
    """What a rule gave for an event: it counts against the rule's caps as long as it stands."""

    rule_id: str
    event: Event
    given: plain_rules.Given
    is_multiplier: bool
    version: int
    badge_id: str | None = None
    entry: Entry | None = None
    stands: bool = True
    is_replaced: bool = False  # the rule decided again about the event
    owner: Person | None = None

    @property
    def person(self) -> Person:
        """Whose it is, after all merges."""
        person = self.owner
        assert person is not None
        while person.merged_into is not None:
            person = person.merged_into
        return person


@dataclass(slots=True, eq=False)
class Badge:
    """A badge that somebody has, or had. One that both of two merged learners had is held once, as the one
    who is left got it; the other can still be taken back, with what it gave."""

    badge_id: str
    cause: Event
    own: Event
    award: Award
    stands: bool = True
    is_held: bool = True


@dataclass(slots=True, eq=False)
class Event:
    """An event that was stored, with what became of it."""

    name: str
    user_id: str
    occurred_at: datetime
    properties: dict[str, Any]
    source: str = "api"
    status: str = "processed"
    chain: tuple[str, ...] = ()
    cause: Event | None = None
    event_id: str | None = None  # the server's
    said: list[Said] = field(default_factory=list)
    badges: list[str] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)
    gifts: list[Award] = field(default_factory=list)
    withdrawn: list[Event] = field(default_factory=list)
    took: list[Award] = field(default_factory=list)  # what it ever took back, and what it lost when run again
    owner: Person | None = None  # of an event of our own

    @property
    def points(self) -> int:
        return sum(said[3] for said in self.said)


# What takes back what, and by which property both say what they are about.
WITHDRAWN_BY = {
    "lesson.completed": ("lesson.reopened", "lesson_id"),
    "forum.posted": ("forum.post_deleted", "object_id"),
}
WITHDRAWS = {name: (made, by) for made, (name, by) in WITHDRAWN_BY.items()}


def subject(event: Event) -> tuple[str, str] | None:
    """What an event says to stand, or to stand no more: a lesson or a post."""
    made, by = WITHDRAWS.get(event.name) or (event.name, WITHDRAWN_BY.get(event.name, ("", ""))[1])
    value = event.properties.get(by)
    return None if value is None else (made, str(value))


@dataclass(slots=True)
class Module:
    """The latest statement about a lesson or a post, and the events whose awards it may take back."""

    occurred_at: datetime
    name: str
    completions: list[Event] = field(default_factory=list)
    said_by: Event | None = None


@dataclass(slots=True, eq=False)
class Person:
    """A learner."""

    user_id: str
    is_suspended: bool = False
    email: str | None = None
    merged_into: Person | None = None
    earned: int = 0
    spent: int = 0
    awards: list[Award] = field(default_factory=list)
    badges: list[Badge] = field(default_factory=list)
    modules: dict[tuple[str, str], Module] = field(default_factory=dict)
    ledger: Counter[tuple[str, int, str | None]] = field(default_factory=Counter)

    @property
    def points(self) -> int:
        return self.earned - self.spent

    def holds(self, badge_id: str) -> bool:
        return any(badge.stands and badge.is_held and badge.badge_id == badge_id for badge in self.badges)

    def held(self) -> list[str]:
        return sorted({badge.badge_id for badge in self.badges if badge.stands and badge.is_held})


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered for one event."""

    status: str
    event: Event | None


class PlainEngine:
    """One organisation. `badges` are the ids of the badges that there are."""

    def __init__(self, badges: Sequence[str]) -> None:
        self.badge_ids = frozenset(badges)
        self.rules: dict[str, tuple[int, Rule]] = {}
        self.versions: dict[tuple[str, int], Rule] = {}
        self.people: dict[str, Person] = {}
        self.events: list[Event] = []
        self.entries: list[Entry] = []
        self.resets: list[tuple[str, datetime]] = []
        self.told: dict[str, str] = {}  # the address that is told of an identity
        self._keys: dict[str, Event] = {}

    # ---- what administrators do ----

    def put_rule(self, rule: Rule) -> None:
        """A new version, unless the rule says what it said before."""
        version, before = self.rules.get(rule["rule_id"], (0, None))
        if rule != before:
            self.rules[rule["rule_id"]] = version + 1, deepcopy(rule)
            self.versions[rule["rule_id"], version + 1] = deepcopy(rule)

    def set_status(self, user_id: str, status: str) -> None:
        self.people[user_id].is_suspended = status == "suspended"

    def merge(self, into: str, other: str) -> bool:
        """Make two one; False where they are."""
        kept, gone = self.people[into], self.people[other]
        if kept is gone:
            return False
        gone.merged_into = kept
        kept.email = kept.email or gone.email
        kept.earned += gone.earned
        kept.spent += gone.spent
        kept.awards += gone.awards
        kept.ledger += gone.ledger
        for badge in gone.badges:
            badge.is_held = badge.is_held and not kept.holds(badge.badge_id)
            kept.badges.append(badge)
        for lesson_id, theirs in gone.modules.items():
            ours = kept.modules.setdefault(lesson_id, theirs)
            if ours is not theirs:
                latest = theirs if theirs.occurred_at > ours.occurred_at else ours
                completions = ours.completions + theirs.completions
                kept.modules[lesson_id] = Module(latest.occurred_at, latest.name, completions, latest.said_by)
        for entry in self.entries:
            if entry.person is gone:
                entry.person = kept
        for user_id, person in self.people.items():
            if person is gone:
                self.people[user_id] = kept
        return True

    def reset_course(self, course_id: str, at: datetime) -> bool:
        """Let a course begin anew; False where it did at that very time."""
        if (course_id, at) in self.resets:
            return False
        self.resets.append((course_id, at))
        return True

    def split(self, user_id: str, identities: Sequence[str]) -> None:
        """Make identities of a learner one of their own."""
        plain_people.split(self, self.people[user_id], identities)

    # ---- points by hand ----

    def award(self, user_id: str, points: int) -> Entry | str:
        """The entry, or the code of the refusal."""
        person = self._person(user_id)
        if person.is_suspended:
            return "conflict"
        person.earned += points
        return self._entry(person, "award", points)

    def deduct(self, user_id: str, points: int) -> Entry | str:
        person = self.people.get(user_id)
        if person is None:
            return "insufficient_points"
        if person.is_suspended:
            return "conflict"
        if person.points < points:
            return "insufficient_points"
        person.spent += points
        return self._entry(person, "deduction", points)

    def reverse(self, entry: Entry) -> str | None:
        """Undo an entry, with the badge that came with it; the code of the refusal, if it is refused."""
        if entry.is_reversed:
            return "conflict"
        self._undo(entry)
        award = entry.award
        if award is not None:
            award.stands = False
            badges = [badge for badge in entry.person.badges if badge.award is award and badge.is_held]
            self.follow(self._revoke(badges))
        return None

    # ---- events ----

    def receive(self, bodies: Sequence[tuple[Body, datetime | None]]) -> list[Answer]:
        """Events that were sent together, each with the time that its timestamp means; None: a faulty one."""
        answers: list[Answer] = []
        for body, occurred_at in bodies:
            if occurred_at is None:
                answers.append(Answer("failed", None))
                continue
            key = _key(body, occurred_at)
            if key in self._keys:
                answers.append(Answer("duplicate", self._keys[key]))
                continue
            properties = {
                name: value for name, value in body.get("properties", {}).items() if value not in (None, "")
            }
            user_id, email = whose(body)
            event = Event(body["event"], user_id, occurred_at, properties)
            self._keys[key] = event
            plain_people.meet(self, user_id, email)
            self.events.append(event)
            answers.append(Answer("processed", event))
        new = [answer.event for answer in answers if answer.status == "processed" and answer.event]
        for event in new:
            self.look_back(event, new)
        again: list[Event] = []
        for event in new:
            again += self.decide(event)
        self.follow(new + [event for event in again if not any(event is one for one in new)])
        return answers

    def decide(self, event: Event) -> list[Event]:
        """Decide about an event; others about which rules for the best of several decide again for it."""
        person = self.person_of(event)
        rules = self._hearing(event)
        if person.is_suspended:
            event.said = [(rule["rule_id"], version, "suspended", 0) for version, rule in rules]
            return []
        module, is_withdrawn_later = self._state(person, event)
        if is_withdrawn_later:
            event.said = [(rule["rule_id"], version, "condition_not_met", 0) for version, rule in rules]
            return []
        if event.name in WITHDRAWS and subject(event) is not None and module is None:
            return []  # a later completion stands: it withdraws nothing, and states nothing
        again: list[Event] = []
        if event.name in WITHDRAWS and module is not None:
            again = self.restore(self._withdraw(event, module), event)
        self._judge(person, event, rules)
        if event.name in WITHDRAWN_BY and module is not None:
            module.completions.append(event)
        return again

    def look_back(self, event: Event, new: Sequence[Event]) -> None:
        """What is withdrawn and was never stated is found in the past."""
        person, about = self.person_of(event), subject(event)
        if event.name not in WITHDRAWS or event.name == "lesson.reopened" or about in person.modules:
            return
        for past in self.events:
            if (
                about is not None
                and past.status == "processed"
                and past.name == about[0]
                and subject(past) == about
                and not any(past is one for one in new)
                and self.person_of(past) is person
            ):
                module = person.modules.setdefault(about, Module(past.occurred_at, past.name, [], past))
                if past.occurred_at > module.occurred_at:
                    module.occurred_at, module.said_by = past.occurred_at, past
                module.completions.append(past)

    def _state(self, person: Person, event: Event) -> tuple[Module | None, bool]:
        """The module or post that an event is about, None for a withdrawal that comes late; and whether the
        event is older than a withdrawal that is known."""
        about = subject(event)
        if about is None or about[0] not in WITHDRAWN_BY:
            return None, False
        module = person.modules.get(about)
        is_lesson = about[0] == "lesson.completed"
        if module and is_lesson and not plain_rules.in_one_run(event, module.occurred_at, self.resets):
            # Its course has begun anew in between: what was stated before is over.
            if module.occurred_at > event.occurred_at:
                return None, False
            module.completions = []
        if module is not None and module.occurred_at > event.occurred_at:
            if module.name in WITHDRAWS:
                return module, True
            return (None if event.name in WITHDRAWS else module), False
        if module is None:
            module = person.modules[about] = Module(event.occurred_at, event.name)
        module.occurred_at, module.name, module.said_by = event.occurred_at, event.name, event
        return module, False

    def _withdraw(self, event: Event, module: Module) -> list[Award]:
        """Take back what the completions of a lesson, or a post, had earned."""
        lost: list[Award] = []
        for completion in module.completions:
            for award in completion.awards:
                if award.stands and not award.is_multiplier:
                    self.take_back(award)
                    lost.append(award)
                    event.took.append(award)
                    event.said.append((award.rule_id, award.version, "reversed", -award.given.points))
            event.withdrawn.append(completion)
        module.completions = []
        return lost

    # ---- the best of several ----

    def restore(self, lost: Sequence[Award], now: Event) -> list[Event]:
        """What was taken back may have been the best of several: let the rule decide again about the best
        that is left, or the next best where another limit refuses that. The events that got something so."""
        again: list[Event] = []
        for award in lost:
            person = award.entry.person if award.entry else award.person
            for worth, attempt, rule, key in self._attempts(person, award, now):
                same = [
                    one
                    for one in plain_rules.counted(
                        "unique_by", rule["constraints"], self._given(person, award.rule_id)
                    )
                    if self._is_same(rule["constraints"], key, one.event, attempt)
                ]
                if same and worth <= sum(one.points for one in same):
                    break
                if self._give_again(person, attempt, award.rule_id, rule):
                    again.append(attempt)
                    break
        return again

    def _attempts(self, person: Person, lost: Award, now: Event) -> list[tuple[int, Event, Rule, list[str]]]:
        """The events that the rule of an award compares with the award's, by what they are worth: the worth,
        the event, the version that decided it, the key."""
        found = []
        for place, event in enumerate(self.events):
            if event.status != "processed" or self.person_of(event) is not person:
                continue
            said = [one for one in event.said if one[0] == lost.rule_id and one[2] in _ATTEMPTED]
            if not said:
                continue
            rule = _flat(self.versions[lost.rule_id, said[-1][1]])
            key = plain_rules.best_of(rule, event)
            paths = rule["constraints"].get("unique_by")
            if key is None or paths != lost.given.constraints.get("unique_by"):
                continue
            if self._is_same(rule["constraints"], key, lost.event, event) and self._may_count(
                event, lost.rule_id, now
            ):
                found.append((-_worth(rule, event, self._factor(event)), place, event, rule, key))
        found.sort(key=lambda one: one[:2])
        return [(-worth, event, rule, key) for worth, _, event, rule, key in found]

    def _is_same(self, limits: Mapping[str, Any], key: list[str], one: Any, other: Event) -> bool:
        """Whether an event has the key, in the run of the course in which the other is."""
        if plain_rules.unique_key(limits["unique_by"], one) != key:
            return False
        by_course = plain_rules.by_course("unique_by", limits)
        return not by_course or plain_rules.in_one_run(other, one.occurred_at, self.resets)

    def _may_count(self, event: Event, rule_id: str, now: Event) -> bool:
        """Whether what the rule gave for an event wasn't taken back, and the event wasn't withdrawn."""
        own = [award for award in event.awards if award.rule_id == rule_id and not award.is_replaced]
        if own:
            return all(award.stands for award in own)
        about = subject(event)
        if event.name not in WITHDRAWN_BY or about is None:
            return True
        known = [*self.events[: self._place(now)], now]
        return not any(
            other.name in WITHDRAWS
            and subject(other) == about
            and self.person_of(other) is self.person_of(event)
            and (other.occurred_at, self._place(other)) > (event.occurred_at, self._place(event))
            and (
                about[0] != "lesson.completed"
                or plain_rules.in_one_run(event, other.occurred_at, self.resets)
            )
            for other in known
        )

    def _place(self, event: Event) -> int:
        return next(place for place, one in enumerate(self.events) if one is event)

    def _factor(self, event: Event) -> Fraction | None:
        """What multiplied the event."""
        factors = [
            Fraction(str(multiplier))
            for rule_id, version, outcome, _ in event.said
            if outcome == "awarded"
            and (multiplier := self.versions[rule_id, version]["actions"].get("multiplier"))
        ]
        if not factors:
            return None
        return min(Fraction(10), max(Fraction(1, 10), prod(factors)))

    def _give_again(self, person: Person, event: Event, rule_id: str, rule: Rule) -> bool:
        """Let a rule decide about an event in the place of what it gave; False where that isn't more."""
        own = [one for one in event.awards if one.rule_id == rule_id and one.stands]
        others = [
            one.given for one in person.awards if one.stands and one.rule_id == rule_id and one not in own
        ]
        outcome, points = plain_rules.decision(rule, event, others, self._factor(event), self.resets)
        if outcome != "awarded" or (own and points <= sum(one.given.points for one in own)):
            return False
        version = next(
            said[1] for said in reversed(event.said) if said[0] == rule_id and said[2] in _ATTEMPTED
        )
        event.said = [said for said in event.said if said[0] != rule_id or said[2] == "reversed"]
        event.gifts = [gift for gift in event.gifts if gift not in own]
        for one in own:
            self.take_back(one)
            one.is_replaced = True
        award = self._award_for(person, event, rule, version, points)
        for badge in person.badges:
            if badge.stands and any(badge.award is one for one in own):
                badge.award = award
                event.gifts = [gift for gift in event.gifts if gift is not award]
        return True

    def _judge(self, person: Person, event: Event, rules: Sequence[tuple[int, Rule]]) -> None:
        """Let the rules decide, and write down what they give."""
        given = {rule["rule_id"]: self._given(person, rule["rule_id"]) for _, rule in rules}
        decided = plain_rules.decisions([rule for _, rule in rules], event, given, self.resets)
        for version, rule in rules:
            rule_id = rule["rule_id"]
            outcome, points = decided[rule_id]
            if outcome == "awarded":
                self._award_for(person, event, rule, version, points)
            else:
                event.said.append((rule_id, version, outcome, points))

    def _award_for(self, person: Person, event: Event, rule: Rule, version: int, points: int) -> Award:
        """Write down what a rule gives for an event."""
        rule_id = rule["rule_id"]
        event.said.append((rule_id, version, "awarded", points))
        award = Award(
            rule_id,
            event,
            plain_rules.Given(event, points, rule.get("constraints", {})),
            "multiplier" in rule["actions"],
            version,
            owner=person,
        )
        if points:
            person.earned += points
            award.entry = self._entry(person, "award", points, award)
        person.awards.append(award)
        event.awards.append(award)
        if badge_id := rule["actions"].get("issue_badge"):
            award.badge_id = badge_id
            event.gifts.append(award)
        return award

    def _given(self, person: Person, rule_id: str) -> list[plain_rules.Given]:
        """The awards of a rule that stand."""
        return [award.given for award in person.awards if award.stands and award.rule_id == rule_id]

    def _hearing(self, event: Event) -> list[tuple[int, Rule]]:
        """The active rules for an event, those that multiply first, in their order."""
        found = [
            (version, _flat(rule))
            for version, rule in self.rules.values()
            if rule.get("active", True)
            and rule["trigger"]["event"] == event.name
            and rule["trigger"].get("source", event.source) == event.source
        ]
        return sorted(
            found,
            key=lambda one: (
                "multiplier" not in one[1]["actions"],
                -one[1].get("priority", 0),
                one[1]["rule_id"],
            ),
        )

    # ---- badges ----

    def everybody(self) -> list[Person]:
        """All learners, those who were merged into others left out."""
        return list({id(person): person for person in self.people.values()}.values())

    def follow(self, events: Sequence[Event], gone: Sequence[Badge] = ()) -> None:
        """Badges in rounds: what was withdrawn is taken back, then what was earned is given, and the events
        that both are, are judged; until nothing follows any more. `gone` are badges that are lost beside."""
        while events:
            withdrawn = [one for event in events for one in event.withdrawn]
            causes = withdrawn + [event for event in events if event.status == "ignored"]
            lost = [
                badge
                for person in self.everybody()
                for badge in person.badges
                if badge.stands and any(badge.cause is cause for cause in causes)
            ] + list(gone)
            gone = ()
            own = self._revoke(lost)
            for event in events:
                gifts, event.gifts = event.gifts, []
                for award in gifts:
                    if any(event is one for one in withdrawn) or event.status == "ignored":
                        continue
                    made = self._give(event, award)
                    if made is not None:
                        own.append(made)
            for event in own:
                if event.status == "processed" and len(event.chain) < MAX_CHAIN:
                    self.decide(event)
                event.withdrawn = []
            events = own

    def person_of(self, event: Event) -> Person:
        person = event.owner or self.people[event.user_id]
        while person.merged_into is not None:
            person = person.merged_into
        return person

    def _revoke(self, badges: Sequence[Badge]) -> list[Event]:
        """Take badges back that stand, and what the events that they are gave; these events."""
        lost = [badge for badge in badges if badge.stands]
        for badge in lost:
            badge.stands = False
            self._ignore(badge.own)
        return [badge.own for badge in lost]

    def _give(self, event: Event, award: Award) -> Event | None:
        """Give a badge for an event; the event that it is, or None where it isn't given."""
        person, badge_id = self.person_of(event), award.badge_id
        if (
            badge_id is None
            or badge_id not in self.badge_ids
            or badge_id in event.chain
            or person.holds(badge_id)
        ):
            return None
        chain = (*event.chain, badge_id)
        own = Event(
            "badge.awarded",
            person.user_id,
            event.occurred_at,
            {"badge_id": badge_id},
            source="rocket",
            chain=chain,
            cause=event,
            owner=person,
        )
        self.events.append(own)
        person.badges.append(Badge(badge_id, event, own, award))
        event.badges.append(badge_id)
        return own

    def _ignore(self, own: Event) -> None:
        """An event whose badge was taken back counts no more, nor does anything that it gave."""
        own.status = "ignored"
        for award in own.awards:
            if award.stands:
                self.take_back(award)

    # ---- entries ----

    def take_back(self, award: Award) -> None:
        award.stands = False
        if award.entry is not None and not award.entry.is_reversed:
            self._undo(award.entry)

    def _undo(self, entry: Entry) -> None:
        entry.is_reversed = True
        if entry.kind == "award":
            entry.person.earned -= entry.points
        else:
            entry.person.spent -= entry.points
        entry.person.ledger["reversal", entry.points, None] += 1

    def _entry(self, person: Person, kind: str, points: int, award: Award | None = None) -> Entry:
        entry = Entry(person, kind, points, award)
        self.entries.append(entry)
        person.ledger[kind, points, award.rule_id if award else None] += 1
        return entry

    def _person(self, user_id: str) -> Person:
        if user_id not in self.people:
            self.people[user_id] = Person(user_id)
        return self.people[user_id]

    def used(self, person: Person, scope: str) -> dict[tuple[str, str], int]:
        """How many awards that stand count for each active rule and each course or lesson."""
        name, found = f"max_per_{scope}", Counter[tuple[str, str]]()
        for award in person.awards:
            _, rule = self.rules[award.rule_id]
            limited = rule.get("active", True) and name in rule.get("constraints", {})
            if award.stands and limited and name in award.given.constraints:
                value = plain_rules.key_text(award.event.properties.get(f"{scope}_id"))
                now = [at for course, at in self.resets if scope == "course" and course == value]
                found[award.rule_id, value] += all(award.event.occurred_at >= at for at in now)
        return dict(found)


_ATTEMPTED = ("awarded", "already_awarded", "cap_reached", "cooldown")


def _worth(rule: Rule, event: Event, factor: Fraction | None) -> int:
    """The points without any limit."""
    points = plain_rules.base_points(rule, event)
    if factor is None or not points:
        return points
    return max(1, min(plain_rules.MAX_POINTS, plain_rules.half_up(points * factor)))


def _flat(rule: Rule) -> Rule:
    """A rule with its conditions beside the trigger, as the plain reading of rules has them."""
    return {**rule, "conditions": rule["trigger"].get("conditions", {})}


def whose(body: Mapping[str, Any]) -> tuple[str, str | None]:
    """The identity that an event names, and the address that it tells."""
    user = body.get("user") or {"id": body["user_id"]}
    return user["id"], user.get("email")


def _key(body: Mapping[str, Any], occurred_at: datetime) -> str:
    """What two sendings of one event have in common."""
    user_id, _ = whose(body)
    if body.get("event_id") not in (None, ""):
        return f"id {body['event_id']}"
    properties = {
        name: value for name, value in body.get("properties", {}).items() if value not in (None, "")
    }
    return json.dumps([user_id, body["event"], occurred_at.timestamp(), properties], sort_keys=True)
