"""Histories in which events come by detours: by a platform's hook, before their mapping, filtered, or held
until an event brings the identity; some are run again, and a webhook is told of all that count."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from support import plain_people
from support.engine_histories import Play, Writer
from support.organisation import Organisation
from support.plain_engine import Event, PlainEngine

# Types of the platform's own: the first is always mapped, the second only when `map_late` says so.
KNOWN, LATE = "\\local_game\\event\\entered", "\\local_game\\event\\played"
_MEANS = {"event": "course.viewed", "learner": "userid", "once_per": "event"}
# A third one, whose mapping gives points itself, now more, now fewer, now none; and the rule that this makes.
_GIVING = "\\local_game\\event\\finished"
_GIVING_RULE = "mapping:moodle:local_game.event.finished"
_LIMITS: dict[str, dict[str, Any]] = {"event": {}, "course": {"max_per_course": 1}}
NUMBERS = ("31", "32")  # of the platform's learners
_FILTERED = "9"  # the course that the filter leaves out; the others are let pass
COURSES = ("1", "2", "3", _FILTERED)
# What is told and is no learner's event.
_MESSAGES = ("points.awarded", "badge.revoked")


class Detours(Play):
    """A play whose events may wait for something before they count. What waits is a stored event of which the
    model says nothing; when it counts, it counts as one that arrives now, at the time at which it
    occurred."""

    def __init__(self, writer: Writer, doors: Sequence[Organisation], engine: PlainEngine) -> None:
        super().__init__(writer, doors, engine)
        self._numbers = iter(range(1, 1_000_000))
        self._late: list[Event] = []
        self._giving: dict[str, Any] = {"event": "quiz.completed", "learner": "userid", "once_per": "event"}
        answer = self.api.post("/v1/webhooks", {"url": "https://receiver.example/hook", "events": ["*"]})
        assert answer.status_code == 201, answer.text
        self._webhook = answer.json()["id"]
        self._map()
        self.change_points_of_a_mapping()

    # ---- steps ----

    def by_hook(self) -> None:
        """An event of the platform's that is understood at once."""
        event = self._post(KNOWN, self.rng.choice(NUMBERS), self.rng.choice(COURSES), "success")
        self._counts(event)

    def before_the_mapping(self) -> None:
        """An event of a type that nobody has mapped yet."""
        event = self._post(LATE, self.rng.choice(NUMBERS), self.rng.choice(COURSES), "ignored")
        self._late.append(event)

    def map_late(self) -> None:
        """The type is mapped, and what came before is run again, in the order in which it came; then the
        mapping goes again, for the next ones."""
        self._map({LATE: _MEANS})
        waiting, self._late = self._late, []
        for event in waiting:
            self._run_again(event)
        self._map()

    def change_points_of_a_mapping(self) -> None:
        """A mapping gives other points than before, or none, under another limit, or stays as it is."""
        before = self._giving
        once_per = self.rng.choice(sorted(_LIMITS))
        self._giving = {"event": "quiz.completed", "learner": "userid", "once_per": once_per}
        if self.rng.random() < 0.8:
            self._giving["points"] = self.rng.randint(1, 3)
        self._map()
        if "points" in self._giving:
            self.engine.put_rule(_rule_of(self._giving))
        elif "points" in before:
            self.engine.put_rule(_rule_of(before) | {"active": False})

    def by_giving_hook(self) -> None:
        """An event for which its mapping may give something."""
        number, course_id = self.rng.choice(NUMBERS), self.rng.choice(COURSES)
        self._counts(self._post(_GIVING, number, course_id, "success", "quiz.completed"))

    def filtered(self) -> None:
        """An event that a filter leaves out is run again when the filter is gone; one that the filter let
        pass isn't touched by it."""
        self._set(filters={"course_ids": [one for one in COURSES if one != _FILTERED]})
        out = self._post(KNOWN, self.rng.choice(NUMBERS), _FILTERED, "ignored")
        self.by_hook_in(self.rng.choice(COURSES[:-1]))
        self._set(filters={})
        self._run_again(out)

    def by_hook_in(self, course_id: str) -> None:
        self._counts(self._post(KNOWN, self.rng.choice(NUMBERS), course_id, "success"))

    def held(self) -> None:
        """An event of somebody unknown is held, until another event says whose the identity is."""
        number, name = str(100 + next(self._numbers)), self.rng.choice(self.writer.names)
        self._policy("hold")
        event = self._post(KNOWN, number, self.rng.choice(COURSES), "ignored")
        self._policy("create")
        moment = self.writer.moment()
        body = {
            "event": "course.viewed",
            "occurred_at": moment.isoformat(),
            "user": {"id": name, "external_ids": {"moodle": number}},
            "context": {"course": {"id": "1"}},
            "trace": {"lms_event_id": f"{self.writer.prefix}meets {number}"},
        }
        self.log.append(f"tells whose it is {json.dumps(body)}")
        answer = self.api.post("/v1/events", body)
        assert (answer.status_code, answer.json()["status"]) == (200, "processed"), answer.text
        told = self._event(str(answer.json()["event_id"]), name, "api", moment)
        plain_people.meet(self.engine, name, None)
        self.engine.people[f"moodle:{number}"] = self.engine.people[name]
        self._counts(told)
        self._run_again(event)

    def run_the_last_again(self) -> None:
        """What was just decided is worth the same when it is run again at once."""
        known = len(self.engine.events)
        self.send()
        new = [event for event in self.engine.events[known:] if event.cause is None and event.event_id]
        if not new:
            return
        event_id = str(new[-1].event_id)
        self.log.append(f"again {event_id}")
        before = self.api.read(event_id)
        answer = self.api.post(f"/v1/events/{event_id}/retry")
        assert answer.status_code == 200, answer.text
        after = self.api.read(event_id)
        assert after["points_awarded"] == before["points_awarded"], (before, after)
        self._compare_event(new[-1], after)
        details = [one["detail"] for one in before["decisions"]]
        badges = {detail.get("badge_status", "awarded") for detail in details}
        if badges <= {"awarded", "already_held"} and any("entry_id" in detail for detail in details):
            assert after == before

    # ---- the end ----

    def compare_deliveries(self) -> None:
        """Each event that counts was told once, and none that never did."""
        rows = self._pages(f"/v1/webhooks/{self._webhook}/deliveries", "deliveries")
        told = Counter(row["event_id"] for row in rows if row["event"] not in _MESSAGES)
        counting = {event.event_id for event in self.engine.events if event.status == "processed"}
        assert counting - {None} <= told.keys()
        assert not {event.event_id for event in self._late} & told.keys()
        assert set(told.values()) <= {1}

    def compare_all(self) -> None:
        """Learners, those whom only the platform knows included, and what was told."""
        self.writer.names = [*self.writer.names, *(f"moodle:{number}" for number in NUMBERS)]
        self.compare_learners()
        self.compare_deliveries()

    # ---- how ----

    def _map(self, more: dict[str, Any] | None = None) -> None:
        self._set(mappings={KNOWN: _MEANS, _GIVING: self._giving, **(more or {})})

    def _set(self, **settings: Any) -> None:
        self.log.append(f"source {json.dumps(settings)}")
        answer = self.api.patch(f"/v1/sources/{self.doors[0].moodle.source_id}", settings)
        assert answer.status_code == 200, answer.text

    def _policy(self, policy: str) -> None:
        answer = self.api.patch("/v1/organisation", {"unknown_learner": policy})
        assert answer.status_code == 200, answer.text

    def _post(
        self, eventname: str, number: str, course_id: str, status: str, name: str = "course.viewed"
    ) -> Event:
        """Post a body of the platform's; the event as it is stored, of which the model says nothing yet."""
        moment = self.writer.moment().replace(microsecond=0)
        body = {
            "eventname": eventname,
            "id": str(next(self._numbers)),
            "timecreated": str(int(moment.timestamp())),
            "userid": number,
            "courseid": course_id,
        }
        self.log.append(f"hook {json.dumps(body)}")
        response = self.rng.choice(self.doors).hook(json.dumps(body))
        assert response.status_code == 200, response.text
        assert response.json()["status"] == status, (response.json(), status)
        event = self._event(str(response.json()["event_id"]), f"moodle:{number}", "moodle", moment, name)
        event.status = "processed" if status == "success" else "ignored"
        return event

    def _event(
        self, event_id: str, user_id: str, source: str, moment: datetime, name: str = "course.viewed"
    ) -> Event:
        properties = self.api.read(event_id)["properties"]
        event = Event(name, user_id, moment, properties, source=source)
        event.event_id = event_id
        self.engine.events.append(event)
        return event

    def _run_again(self, event: Event) -> None:
        """Run a stored event that waited; now it counts."""
        self.log.append(f"run {event.event_id}")
        answer = self.api.post(f"/v1/events/{event.event_id}/retry")
        assert (answer.status_code, answer.json()["status"]) == (200, "processed"), answer.text
        event.properties = self.api.read(str(event.event_id))["properties"]
        event.status = "processed"
        self._counts(event)

    def _counts(self, event: Event) -> None:
        """Let the model decide about an event, and compare."""
        engine = self.engine
        known = len(engine.events)
        plain_people.meet(engine, event.user_id, None)
        engine.look_back(event, [event])
        again = engine.decide(event)
        engine.follow([event, *(one for one in again if one is not event)])
        seen = self.api.read(str(event.event_id))
        assert seen["points_awarded"] == event.points, (seen, event)
        self._compare_event(event, seen)
        self._compare_own([one for one in engine.events[known:] if one.cause is not None])


def _rule_of(mapping: dict[str, Any]) -> dict[str, Any]:
    """The rule that a mapping with points makes. No other event of the source has its name."""
    return {
        "rule_id": _GIVING_RULE,
        "trigger": {"event": mapping["event"], "source": "moodle", "conditions": {}},
        "actions": {"award_points": mapping["points"]},
        "constraints": _LIMITS[mapping["once_per"]],
    }


def steps(play: Detours) -> list[Callable[[], None]]:
    """What may happen in such a history."""
    return [
        *[play.by_hook] * 3,
        *[play.by_giving_hook] * 3,
        *[play.change_points_of_a_mapping] * 2,
        *[play.before_the_mapping] * 3,
        *[play.map_late, play.filtered, play.held] * 2,
        *[play.run_the_last_again] * 3,
    ]
