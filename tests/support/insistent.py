"""Clients that send the same requests until they are acknowledged, and remember every answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

Answer = tuple[int, http.client.HTTPMessage, dict[str, Any]]  # status, headers, body

LEARNERS = 40
BATCH = 20
_LESSONS = 5
_QUIZ_POINTS = 20  # each attempt
_LESSON_POINTS = 10  # each lesson once
_GIVEN_POINTS = 7  # by hand
_PAUSE_S = 0.05
_TIMEOUT_S = 30
_INSIST_S = 300


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request: events, or points by hand under an idempotency key."""

    path: str
    body: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    idempotency_key: str | None = None


@dataclass(slots=True)
class Answers:
    """What the clients were told."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # the client's id → the server's
    given: dict[str, str] = field(default_factory=dict)  # idempotency key → entry
    statuses: Counter[int] = field(default_factory=Counter)
    refusals: list[tuple[float, http.client.HTTPMessage, dict[str, Any]]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # how requests ended that got no answer
    abandoned: list[Parcel] = field(default_factory=list)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)  # events by id
    gifts: dict[str, dict[str, Any]] = field(default_factory=dict)  # by idempotency key


class Clients:
    """Some threads, of which each sends an event, a batch and points by hand in turn, one at a time."""

    def __init__(self, port: int, api_key: str, clients: int = 6) -> None:
        self.answers = Answers()
        self._port = port
        self._api_key = api_key
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._giving_up = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(clients)
        ]

    def start(self) -> None:
        """Begins to send."""
        for thread in self._threads:
            thread.start()

    def finish(self, timeout_s: float) -> None:
        """Sends nothing new, and waits until everything that was sent is acknowledged."""
        self._ending.set()
        self._join(timeout_s)

    def abandon(self, timeout_s: float) -> None:
        """Stops at once: what isn't acknowledged yet is listed as abandoned."""
        self._giving_up.set()
        self.finish(timeout_s)

    def send_again(self) -> None:
        """Sends what was abandoned, until it is acknowledged."""
        self._giving_up.clear()
        abandoned, self.answers.abandoned = self.answers.abandoned, []
        connection = _Connection(self._port, self._api_key)
        for parcel in abandoned:
            self._send(connection, parcel)
        connection.close()

    def _join(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), (
            f"not everything was acknowledged in {timeout_s} s: {self.answers.statuses}"
        )

    def _work(self, number: int) -> None:
        connection = _Connection(self._port, self._api_key)
        for parcel in _parcels(number):
            if self._ending.is_set():
                break
            with self._lock:
                self.answers.sent.update((event["event_id"], event) for event in parcel.events)
                if parcel.idempotency_key is not None:
                    self.answers.gifts[parcel.idempotency_key] = parcel.body
            self._send(connection, parcel)
        connection.close()

    def _send(self, connection: _Connection, parcel: Parcel) -> None:
        deadline = time.monotonic() + _INSIST_S
        while not self._giving_up.is_set() and time.monotonic() < deadline:
            began = time.monotonic()
            answer = connection.post(parcel)
            if self._take(parcel, began, answer):
                return
            time.sleep(_PAUSE_S)
        with self._lock:
            self.answers.abandoned.append(parcel)

    def _take(self, parcel: Parcel, began: float, answer: Answer | str) -> bool:
        """Notes an answer; whether it acknowledges the request."""
        with self._lock:
            if isinstance(answer, str):
                self.answers.broken.append(answer)
                return False
            status, headers, body = answer
            self.answers.statuses[status] += 1
            if status != 200:
                self.answers.refusals.append((began, headers, body))
                return False
            if parcel.idempotency_key is not None:
                self._note(self.answers.given, parcel.idempotency_key, body["entry_id"])
                return True
            for event, result in zip(parcel.events, body.get("results", [body]), strict=True):
                if result["status"] not in ("processed", "duplicate"):
                    self.answers.unexpected.append(f"{event['event_id']}: {result}")
                self._note(self.answers.acknowledged, event["event_id"], result["event_id"])
            return True

    def _note(self, known: dict[str, str], name: str, made: str) -> None:
        earlier = known.setdefault(name, made)
        if earlier != made:
            self.answers.unexpected.append(f"{name} is {earlier} and {made}")


class _Connection:
    """A keep-alive connection that is made anew after it broke."""

    def __init__(self, port: int, api_key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def post(self, parcel: Parcel) -> Answer | str:
        """The answer, or how the connection was refused or broke."""
        key = {"Idempotency-Key": parcel.idempotency_key} if parcel.idempotency_key is not None else {}
        try:
            self._connection.request("POST", parcel.path, json.dumps(parcel.body), {**self._headers, **key})
            response = self._connection.getresponse()
            return response.status, response.headers, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            return repr(error)

    def close(self) -> None:
        self._connection.close()


def _parcels(client: int) -> Iterator[Parcel]:
    """Requests in turn, for ever. Clients share learners and lessons, so that they meet."""
    for parcel in count():
        match parcel % 3:
            case 0:
                event = _event(client, parcel, 0)
                yield Parcel("/v1/events", event, [event])
            case 1:
                events = [_event(client, parcel, number) for number in range(BATCH)]
                yield Parcel("/v1/events/batch", {"events": events}, events)
            case _:
                learner, key = f"learner-{(parcel + client) % LEARNERS}", f"{client}-{parcel}"
                gift = {"user_id": learner, "points": _GIVEN_POINTS, "reason": key}
                yield Parcel("/v1/points/award", gift, idempotency_key=key)


def _event(client: int, parcel: int, number: int) -> dict[str, Any]:
    name = f"{client}-{parcel}-{number}"
    place = parcel * 7 + number
    return {
        "event_id": name,
        "event": "quiz.completed" if place % 2 else "lesson.completed",
        "user_id": f"learner-{(place + client) % LEARNERS}",
        "timestamp": "2026-03-02T10:00:00Z",
        "properties": {
            "attempt_id": name,
            "lesson_id": str(place % _LESSONS),
            "parcel": f"{client}-{parcel}",
        },
    }


def points_of(answers: Answers) -> dict[str, int]:
    """Each learner's points: by the default rules, once all events are stored, and by hand."""
    awards = {
        (event["user_id"], event["event"], _once_per(event)): _points(event["event"])
        for event in answers.sent.values()
    }
    points: Counter[str] = Counter()
    for gift in answers.gifts.values():
        points[gift["user_id"]] += gift["points"]
    for (user, _, _), worth in awards.items():
        points[user] += worth
    return dict(points)


def _once_per(event: dict[str, Any]) -> str:
    return str(event["properties"]["attempt_id" if event["event"] == "quiz.completed" else "lesson_id"])


def _points(event: str) -> int:
    return _QUIZ_POINTS if event == "quiz.completed" else _LESSON_POINTS
