"""Random histories of an organisation, sent to the server and to the plain model, which have to agree."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from support import plain_rules
from support.organisation import Organisation
from support.plain_engine import Answer, Body, Entry, Event, PlainEngine, Rule, Said
from support.plain_people import identities_of

# Mornings two days before the clocks of Paris change, in spring and in autumn, and before a year ends.
STARTS = (
    datetime(2026, 3, 27, 8, tzinfo=UTC),
    datetime(2025, 10, 24, 8, tzinfo=UTC),
    datetime(2025, 12, 30, 8, tzinfo=UTC),
)
EVENTS = ("quiz.completed", "forum.posted", "course.viewed", "lesson.completed")
# The first three are in every organisation; rules give the later ones for the earlier ones.
BADGES = ("quiz_master", "course_master", "course_completion_expert", "b4", "b5")


class Writer:
    """Draws rules and events at random; `names` are the learners that it writes about. With `best`, most is
    about things that can be withdrawn, of which the best counts."""

    def __init__(
        self,
        rng: random.Random,
        names: Sequence[str],
        prefix: str = "",
        *,
        best: bool = False,
        addresses: Sequence[str] = (),
    ) -> None:
        self.rng = rng
        self.names = names
        self.prefix = prefix
        self.best = best
        self.addresses = addresses
        self.start = rng.choice(STARTS)
        self._sent: list[tuple[Body, datetime | None]] = []

    # ---- rules ----

    def rules(self) -> list[Callable[[], Rule]]:
        """Some rules about events, and some about the badges that they give, each to be drawn."""
        rules = [partial(self.rule, f"r{number}") for number in range(self.rng.randint(4, 7))]
        if self.rng.random() < 0.7:
            rules += [partial(self.badge_rule, f"b{number}") for number in range(self.rng.randint(1, 5))]
        return list(rules)

    def rule(self, rule_id: str) -> Rule:
        """A rule of that id; the server may still refuse it for limits that never matter."""
        rng = self.rng
        event = rng.choice(EVENTS[1::2] if self.best else EVENTS)
        actions = self._actions(event)
        rule: Rule = {
            "rule_id": rule_id,
            "trigger": {"event": event, "conditions": self._conditions()},
            "actions": actions,
            "constraints": self._constraints("award_points" in actions),
            "active": rng.random() < 0.9,
        }
        points = actions.get("award_points")
        if isinstance(points, dict) and points.get("best"):
            rule["constraints"].pop("once", None)
            rule["constraints"].setdefault("unique_by", [rng.choice(["course_id", "lesson_id", "@day"])])
        if rng.random() < 0.2:
            rule["priority"] = rng.choice([-2, -1, 1, 2])
        if rng.random() < 0.2:
            rule["starts_at"] = self._bound(rng.randint(0, 2 * 24 * 60))
        if rng.random() < 0.2:
            rule["ends_at"] = self._bound(rng.randint(3 * 24 * 60, 6 * 24 * 60))
        return rule

    def badge_rule(self, rule_id: str) -> Rule:
        """A rule that hears a badge, and may give the next."""
        rng = self.rng
        place = rng.randrange(len(BADGES) - 1)
        actions: dict[str, Any] = {"award_points": rng.randint(1, 20)}
        if rng.random() < 0.6:
            actions["issue_badge"] = BADGES[place + 1] if rng.random() < 0.8 else BADGES[0]
        trigger: dict[str, Any] = {"event": "badge.awarded", "conditions": {"badge_id": BADGES[place]}}
        if rng.random() < 0.5:
            trigger["source"] = "rocket"
        if rng.random() < 0.2:
            trigger["conditions"] = {}
        return {
            "rule_id": rule_id,
            "trigger": trigger,
            "actions": actions,
            "constraints": self._constraints(True) if rng.random() < 0.4 else {},
            "active": rng.random() < 0.9,
        }

    def _actions(self, event: str) -> dict[str, Any]:
        rng = self.rng
        kind = rng.random()
        if kind < 0.15:
            return {"multiplier": rng.choice([0.1, 0.5, 1.15, 1.5, 2, 2.5, 7.5])}
        actions: dict[str, Any] = {}
        if kind < 0.85:
            actions["award_points"] = rng.randint(1, 12)
        if (0.25 if self.best else 0.65) < kind < 0.85:
            low = rng.choice([0, 0, 3])
            written = {"from": "properties.score", "multiply": rng.choice([0.1, 0.25]), "min": low}
            written |= {"max": 15} if rng.random() < 0.5 else {}
            is_best = rng.random() < (0.9 if self.best else 0.4)
            actions["award_points"] = written | ({"best": True} if is_best else {})
        if kind > 0.85 or rng.random() < 0.2:
            actions["issue_badge"] = rng.choice([*BADGES[:2], BADGES[0], "nobody_knows"])
        return actions

    def _conditions(self) -> dict[str, Any]:
        return dict(
            self.rng.choice(
                [
                    {}, {}, {}, {},
                    {"score": {"gte": 50}},
                    {"passed": True},
                    {"course_id": {"in": ["1", "2"]}},
                    {"lesson_id": {"exists": True}, "score": {"lt": 90}},
                    {"any": [{"score": {"gt": 70}}, {"course_id": "1"}]},
                    {"not": {"course_id": {"not_in": ["2", "3"]}}},
                    {"score": {"ne": 80}},
                ]
            )
        )  # fmt: skip

    def _constraints(self, has_points: bool) -> dict[str, Any]:
        rng = self.rng
        drawn = self._limits()
        if not has_points:
            del drawn["max_points_per_day"]
        names = rng.sample(sorted(drawn), rng.choice([0, 1, 1, 2, 2, 3]))
        if "once" in names:
            names = ["once"]
        return {name: drawn[name]() for name in names}

    def other_limits(self, constraints: dict[str, Any]) -> dict[str, Any]:
        """The same constraints with other limits."""
        drawn = self._limits()
        return {name: drawn[name]() for name in constraints}

    def _limits(self) -> dict[str, Callable[[], Any]]:
        rng = self.rng
        return {
            "once": lambda: True,
            "unique_by": lambda: rng.choice(
                [
                    ["course_id"],
                    ["lesson_id"],
                    ["course_id", "@day"],
                    ["@day"],
                    ["lesson_id", "course_id"],
                    ["@week"],
                    ["course_id", "@month"],
                    ["@year", "lesson_id"],
                ]
            ),
            "max_per_course": lambda: rng.randint(1, 3),
            "max_per_lesson": lambda: rng.randint(1, 2),
            "max_per_hour": lambda: rng.randint(1, 2),
            "max_per_day": lambda: rng.randint(1, 3),
            "max_per_week": lambda: rng.randint(2, 5),
            "max_per_month": lambda: rng.randint(2, 8),
            "max_per_year": lambda: rng.randint(2, 9),
            "cooldown_minutes": lambda: rng.choice([1, 30, 90, 600, 1500]),
            "max_points_per_day": lambda: rng.randint(4, 30),
        }

    def _bound(self, minutes: int) -> str:
        moment = self.start + timedelta(minutes=minutes)
        if self.rng.random() < 0.5:
            return moment.astimezone(plain_rules.PARIS).date().isoformat()
        return moment.isoformat()

    # ---- events ----

    def events(self, size: int) -> list[tuple[Body, datetime | None]]:
        """Events with the time that their timestamp means; None where they are faulty."""
        return [self._event() for _ in range(size)]

    def _event(self) -> tuple[Body, datetime | None]:
        rng = self.rng
        if self._sent and rng.random() < 0.12:
            return self._again(*rng.choice(self._sent))
        occurred_at = self.moment()
        lessons, posts = ("lesson.completed", "lesson.reopened"), ("forum.posted", "forum.post_deleted")
        name = rng.choice([*EVENTS, *EVENTS, "lesson.completed", *lessons, *posts])
        if self.best:
            name = rng.choice([lessons[0], *lessons, posts[0], *posts])
        properties: dict[str, Any] = {}
        if rng.random() < 0.8:
            properties["course_id"] = rng.choice(["1", "2", "3", 1, "", None])
        if (rng.random() < 0.9 and name.startswith("lesson.")) or rng.random() < 0.3:
            # Unlike those of courses: an award's key under `unique_by` has values and not the fields' names.
            properties["lesson_id"] = rng.choice(["l1", "l2"])
        if name in posts and rng.random() < 0.7:
            properties["object_id"] = rng.choice(["p1", "p2", 3])
        if rng.random() < 0.8:
            properties["score"] = rng.choice([0, 1, 50, 80, 80.5, 100, "80", "x", "", None])
        if self.best and rng.random() < 0.6:
            properties["score"] = rng.randrange(0, 100, 10)
        if rng.random() < 0.3:
            properties["passed"] = rng.choice([True, False, "1", "true", 0])
        body: Body = {
            "event": name,
            "user_id": rng.choice(self.names),
            "timestamp": self._spelt(occurred_at),
            "properties": properties,
        }
        if self.addresses:
            body["user"] = {"id": body.pop("user_id")}
            if rng.random() < 0.6:
                body["user"]["email"] = rng.choice(self.addresses)
        if rng.random() < 0.8:
            body["event_id"] = f"{self.prefix}e{len(self._sent)}"
        else:
            properties["number"] = len(self._sent)
        if rng.random() < 0.03:
            del body["timestamp"]
            return body, None
        self._sent.append((body, occurred_at))
        return body, occurred_at

    def _again(self, body: Body, occurred_at: datetime | None) -> tuple[Body, datetime | None]:
        """The same event again; under its own id also with another body."""
        if "event_id" not in body or occurred_at is None or self.rng.random() < 0.5:
            return body, occurred_at
        other = self.moment()
        changed = {
            **{name: value for name, value in body.items() if name != "user"},
            "user_id": self.rng.choice(self.names),
            "timestamp": self._spelt(other),
            "properties": {"score": 100},
        }
        return changed, other

    def moment(self) -> datetime:
        """A time of a week, often near the change of the clocks or the same as before."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.1 and self._sent and (earlier := rng.choice(self._sent)[1]) is not None:
            return earlier
        night = 36 * 60 + rng.randrange(0, 8 * 60, 5)  # from 20:00 to 04:00 UTC
        return self.start + timedelta(minutes=night if kind < 0.5 else rng.randrange(0, 7 * 24 * 60, 15))

    def _spelt(self, moment: datetime) -> Any:
        kind = self.rng.random()
        if kind < 0.2:
            return int(moment.timestamp())
        return (moment.astimezone(plain_rules.PARIS) if kind < 0.4 else moment).isoformat()


class Play:
    """Sends what a writer writes to server and model, step by step, and compares what they answer.

    `doors` are the same organisation through different server processes; each step takes one of them.
    """

    def __init__(self, writer: Writer, doors: Sequence[Organisation], engine: PlainEngine) -> None:
        self.writer = writer
        self.rng = writer.rng
        self.doors = doors
        self.engine = engine
        self.log: list[str] = []

    @property
    def api(self) -> Any:
        return self.rng.choice(self.doors).api

    # ---- steps ----

    def put_rule(self, make: Callable[[], Rule]) -> None:
        """Make a rule or a version of it; one that the server refuses is drawn again."""
        for _ in range(50):
            rule = make()
            is_new = rule["rule_id"] not in self.engine.rules
            method, path = ("POST", "") if is_new else ("PUT", f"/{rule['rule_id']}")
            answer = self.api.request(method, f"/v1/rules{path}", json=rule)
            if answer.status_code in (200, 201):
                self.log.append(f"rule {json.dumps(rule)}")
                self.engine.put_rule(rule)
                return
            assert answer.status_code == 400, answer.text
        raise AssertionError(f"no rule is taken: {answer.text}")

    def reset_course(self) -> None:
        """A course begins anew, at a time about which there may have been events."""
        course_id, at = self.rng.choice(["1", "2"]), self.writer.moment()
        self.log.append(f"reset {course_id} at {at.isoformat()}")
        answer = self.api.post(f"/v1/courses/{course_id}/reset", {"at": at.isoformat()})
        assert answer.status_code == 200, answer.text
        is_new = self.engine.reset_course(course_id, at)
        assert answer.json()["status"] == ("reset" if is_new else "already_reset")

    def change_a_rule(self) -> None:
        # What a mapping makes is changed with it.
        rule_id = self.rng.choice([one for one in sorted(self.engine.rules) if ":" not in one])
        before = self.engine.rules[rule_id][1]
        kind = self.rng.choice(["limits", "limits", "constraints", "active", "all"])

        def make() -> Rule:
            """Something about it, and the rest as it was, or all of it."""
            made = self.writer.badge_rule(rule_id) if rule_id.startswith("b") else self.writer.rule(rule_id)
            if kind == "limits":
                return {**before, "constraints": self.writer.other_limits(before["constraints"])}
            return made if kind == "all" else {**before, kind: made[kind]}

        self.put_rule(make)

    def send(self) -> None:
        """One event, or several in a batch."""
        size = self.rng.choice([1, 1, 1, 2, 5, 12])
        sent = self.writer.events(size)
        is_batch = size > 1 or self.rng.random() < 0.1
        self.log.append(f"{'batch' if is_batch else 'event'} {json.dumps([body for body, _ in sent])}")
        known = len(self.engine.events)
        expected = self.engine.receive(sent)
        if is_batch:
            self._compare_batch(sent, expected)
        else:
            self._compare_one(sent[0][0], expected[0])
        self._compare_own([event for event in self.engine.events[known:] if event.cause is not None])

    def _compare_one(self, body: Body, expected: Answer) -> None:
        response = self.api.post("/v1/events", body)
        if expected.event is None:
            assert response.status_code == 400, response.text
            return
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["status"] == expected.status, answer
        event = expected.event
        if expected.status == "duplicate":
            assert answer["event_id"] == event.event_id
            assert answer["points_awarded"] == 0
            return
        assert answer["points_awarded"] == event.points, (answer, event)
        event.event_id = answer["event_id"]
        self._compare_event(event, answer)

    def _compare_batch(self, sent: Sequence[tuple[Body, Any]], expected: Sequence[Answer]) -> None:
        response = self.api.post("/v1/events/batch", {"events": [body for body, _ in sent]})
        assert response.status_code == 200, response.text
        answer = response.json()
        results = answer["results"]
        assert [result["status"] for result in results] == [one.status for one in expected], answer
        counts = Counter(one.status for one in expected)
        assert (answer["processed"], answer["duplicates"], answer["failed"]) == (
            counts["processed"],
            counts["duplicate"],
            counts["failed"],
        )
        new = [one.event for one in expected if one.event is not None and one.status == "processed"]
        for result, one in zip(results, expected, strict=True):
            if one.event is not None and one.status == "processed":
                one.event.event_id = result["event_id"]
        for result, one in zip(results, expected, strict=True):
            if one.event is not None:
                assert result["event_id"] == one.event.event_id
        for event in new:
            self._compare_event(event, self.api.read(str(event.event_id)))
        assert answer["points_awarded"] == sum(event.points for event in new), answer

    def _compare_event(self, event: Event, seen: dict[str, Any]) -> None:
        """Badges and decisions of an event, and the entries that they name."""
        # That nothing was taken back need not be told: what is said instead is why such a rule gave nothing.
        heard = {rule_id for rule_id, _, outcome, points in event.said if outcome != "reversed" or points}
        said, found = list(event.said), []
        for one in seen["decisions"]:
            if one["detail"].get("reason") == "decided anew":
                continue  # what is said instead is compared
            if one["rule_id"] in heard or one["outcome"] in ("awarded", "reversed"):
                found.append((one["rule_id"], one["rule_version"], one["outcome"], one["points"]))
            if one["outcome"] == "awarded" and (entry_id := one["detail"].get("entry_id")):
                for award in event.awards:
                    if award.rule_id == one["rule_id"] and award.entry is not None:
                        award.entry.entry_id = entry_id
        assert seen["badges"] == event.badges, (event, seen["decisions"])
        seen_only, said_only = _without(found, said), _without(said, found)
        assert (seen_only, said_only) == ([], []), (
            f"{seen['event']} of {seen['user_id']}, {seen['timestamp']} {seen['properties']}:"
            f" the server says {seen_only}, the model {said_only}"
        )

    def _compare_own(self, events: Sequence[Event]) -> None:
        """The events that badges are."""
        for user_id in sorted({event.user_id for event in events}):
            page = self.api.get(f"/v1/users/{user_id}/events", limit=500).json()
            seen = {
                (one["metadata"]["caused_by"], one["properties"]["badge_id"]): one
                for one in page["events"]
                if one["source"] == "rocket"
            }
            for event in events:
                if event.user_id == user_id and event.cause is not None:
                    one = seen[event.cause.event_id, event.properties["badge_id"]]
                    event.event_id = one["event_id"]
                    assert one["status"] == event.status, one
                    if event.status == "processed":
                        self._compare_event(event, one)

    def by_hand(self) -> None:
        """Award or deduct points."""
        kind = self.rng.choice(["award", "deduct", "deduct"])
        user_id, points = self.rng.choice(self.writer.names), self.rng.randint(1, 40)
        self.log.append(f"{kind} {points} {user_id}")
        made = getattr(self.engine, kind)(user_id, points)
        response = self.api.post(
            f"/v1/points/{kind}", {"user_id": user_id, "points": points, "reason": "by hand"}
        )
        answer = response.json()
        if isinstance(made, str):
            assert (response.status_code, answer.get("error")) == (_STATUS[made], made), (answer, made)
            return
        assert response.status_code == 200, (answer, made)
        made.entry_id = answer["entry_id"]
        assert answer["balance"] == made.person.points

    def reverse(self) -> None:
        """Reverse an entry, now and then one that was reversed before."""
        mine = {id(self.engine.people[name]) for name in self.writer.names if name in self.engine.people}
        entries: list[Entry] = [
            entry
            for entry in self.engine.entries
            if entry.entry_id is not None
            and id(entry.person) in mine
            and (not entry.is_reversed or self.rng.random() < 0.1)
        ]
        if not entries:
            return
        entry = self.rng.choice(entries)
        self.log.append(f"reverse {entry.kind} {entry.points} {entry.award and entry.award.rule_id}")
        refused = self.engine.reverse(entry)
        response = self.api.post("/v1/points/reverse", {"entry_id": entry.entry_id, "reason": "a mistake"})
        if refused is not None:
            assert (response.status_code, response.json()["error"]) == (409, refused), response.text
            return
        assert response.status_code == 200, response.text
        assert response.json()["balance"] == entry.person.points, (response.text, entry.person.points)

    def suspend(self) -> None:
        user_id = self.rng.choice(self.writer.names)
        if user_id in self.engine.people:
            status = self.rng.choice(["suspended", "active", "active"])
            self.log.append(f"{status} {user_id}")
            self.engine.set_status(user_id, status)
            response = self.api.patch(f"/v1/users/{user_id}", {"status": status})
            assert response.status_code == 200, response.text

    def merge(self) -> None:
        into, other = self.rng.sample(list(self.writer.names), 2)
        if into not in self.engine.people or other not in self.engine.people:
            return
        self.log.append(f"merge {other} into {into}")
        is_new = self.engine.merge(into, other)
        response = self.api.post(f"/v1/users/{into}/merge", {"from": other})
        if is_new:
            assert (response.status_code, response.json()["status"]) == (200, "merged"), response.text
        else:
            # The one way round it was done already; the other way round they are one person.
            assert response.status_code == 409 or response.json()["status"] == "already_merged", response.text

    def split(self) -> None:
        """Some identities of a learner become one of their own."""
        of_several = [
            (person, others)
            for person in self.engine.everybody()
            if not person.is_suspended
            and (others := [one for one in identities_of(self.engine, person) if one != person.user_id])
        ]
        if not of_several:
            return
        person, others = self.rng.choice(of_several)
        identities = self.rng.sample(others, self.rng.randint(1, len(others)))
        self.log.append(f"split {identities} from {person.user_id}")
        self.engine.split(person.user_id, identities)
        response = self.api.post(f"/v1/users/{person.user_id}/split", {"identities": identities})
        assert response.status_code == 200, response.text
        assert response.json()["status"] == "split", response.text
        self.compare_learners()

    def compare_people(self) -> None:
        """Who is one person, and the address that is shown of each."""
        for identity, person in self.engine.people.items():
            seen = self.api.get(f"/v1/users/{identity}").json()
            mine = sorted(identities_of(self.engine, person))
            assert (seen["user_id"], sorted(seen["identities"]), seen["email"]) == (
                person.user_id,
                mine,
                person.email,
            ), (identity, seen)

    # ---- the end ----

    def compare_learners(self) -> None:
        """Balances, history, badges and what is used of caps by course and lesson, of every learner; and what
        their events are worth."""
        self.compare_people()
        self.compare_events()
        for user_id in self.writer.names:
            person = self.engine.people.get(user_id)
            balance = self.api.get(f"/v1/users/{user_id}/balance")
            if person is None:
                assert balance.status_code == 404, balance.text
                continue
            seen = balance.json()
            assert (seen["points"], seen["earned"], seen["spent"]) == (
                person.points,
                person.earned,
                person.spent,
            ), (seen, person)
            held = self.api.get(f"/v1/users/{user_id}/badges", limit=500).json()["badges"]
            assert sorted(badge["badge_id"] for badge in held) == person.held(), user_id
            self._compare_ledger(user_id)
            self._compare_limits(user_id)

    def compare_events(self) -> None:
        """What each event is worth in the end, and which rules gave it."""
        for event in self.engine.events:
            is_known = event.event_id is not None and event.user_id in self.writer.names
            if not is_known or event.status == "ignored":
                continue
            seen = self.api.read(str(event.event_id))
            given = sorted(
                (one["rule_id"], one["rule_version"], one["points"])
                for one in seen["decisions"]
                if one["outcome"] == "awarded"
            )
            said = sorted((one[0], one[1], one[3]) for one in event.said if one[2] == "awarded")
            assert (seen["points_awarded"], given) == (event.points, said), (seen, event.said)

    def _compare_ledger(self, user_id: str) -> None:
        person = self.engine.people[user_id]
        ledger = self._pages(f"/v1/users/{user_id}/ledger", "entries")
        found = Counter(
            (one["kind"], abs(one["points"]), None if one["kind"] == "reversal" else one["rule_id"])
            for one in ledger
            if one["kind"] != "transfer"
        )
        assert found == person.ledger, (user_id, found - person.ledger, person.ledger - found)

    def _compare_limits(self, user_id: str) -> None:
        person = self.engine.people[user_id]
        rows = self._pages(f"/v1/users/{user_id}/limits", "limits")
        for scope in ("course", "lesson"):
            found = {
                (row["rule_id"], row["key"][f"{scope}_id"] or ""): row["used"]
                for row in rows
                if row["constraint"] == f"max_per_{scope}"
            }
            holding = {row["rule_id"] for row in rows}
            used = {key: times for key, times in self.engine.used(person, scope).items() if key[0] in holding}
            if scope == "lesson" and self.engine.resets:
                # What is told of a lesson is about the course of its latest award.
                found, used = dict.fromkeys(found, 0), dict.fromkeys(used, 0)
            assert found == used, (user_id, scope, found, used)

    def _pages(self, path: str, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        for _ in range(100):
            page = self.api.get(path, limit=500, **cursor).json()
            found += page[name]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}
        raise AssertionError(f"{path} has no end")


_STATUS = {"conflict": 409, "insufficient_points": 422}


def _without(these: Sequence[Said], those: Sequence[Said]) -> list[Said]:
    """The decisions of these that aren't among those. That nothing was taken back need not be told."""
    left = Counter(these) - Counter(those)
    return [one for one in left.elements() if one[2] != "reversed" or one[3]]
