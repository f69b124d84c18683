"""The delivery worker is killed at random moments, and PostgreSQL is stopped under it."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from rocket_server.delivery.outbox import delivery_id
from support import outbox
from support.installation import Installation, wait_until
from support.receiver import Answer, Call, Receiver
from support.work import Work

pytestmark = pytest.mark.reliability

KILLS = int(os.environ.get("ROCKET_TEST_KILLS", "8"))
_BATCH = 60
_SETTINGS = {
    "ROCKET_ALLOW_PRIVATE_WEBHOOKS": "1",
    "ROCKET_WEBHOOK_RETRY_BASE": "0.2",
    "ROCKET_BREAKER_OPEN": "0.5",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of mixed manners: some calls fail, some wait, a few wait for longer than they may. No id
    fails more than twice, for each wait is five times as long as the one before."""
    rng = random.Random()
    failed: Counter[str] = Counter()

    def answer(call: Call) -> Answer:
        luck = rng.random()
        if luck < 0.1 and failed[call.webhook_id] < 2:
            failed[call.webhook_id] += 1
            return Answer(rng.choice((500, 503, 404, 429)))
        if luck < 0.3:
            return Answer(after_s=rng.uniform(0, 0.4))
        return Answer(after_s=1.5) if luck < 0.31 else Answer()

    listening = Receiver(answer)
    yield listening
    listening.close()


class Sending:
    """An installation with two endpoints, and the events that were sent to it."""

    def __init__(self, installation: Installation, receiver: Receiver) -> None:
        self.installation = installation
        self.events: list[str] = []
        # Many tries and a short time-out: nothing may be given up, and leases end soon.
        self.endpoints = [
            installation.query(
                lambda conn, path=path: outbox.make_endpoint(  # type: ignore[misc]
                    conn,
                    installation.organisation_id,
                    receiver.url(path),
                    timeout_ms=1000,
                    max_attempts=20,
                )
            )
            for path in ("/one", "/two")
        ]

    def send(self) -> None:
        """Send events, of which each is told to both endpoints."""
        batch = [
            {
                "event": "course.completed",
                "user_id": f"learner-{number % 7}",
                "timestamp": 1767225600,
                "event_id": f"e{len(self.events) + number}",
                "properties": {"course_id": f"{number}"},
            }
            for number in range(_BATCH)
        ]
        answer = httpx.post(
            f"http://127.0.0.1:{self.installation.port}/v1/events/batch",
            headers={"Authorization": f"Bearer {self.installation.api_key}"},
            json={"events": batch},
            timeout=60,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        self.events.extend(result["event_id"] for result in answer.json()["results"])

    def expected(self) -> dict[str, str]:
        """Each delivery's id and its event's."""
        return {delivery_id(event, one): event for event in self.events for one in self.endpoints}

    def waiting(self) -> int:
        """Deliveries that aren't settled."""
        return int(self.installation.fetch("SELECT count(*) FROM deliveries WHERE status = 'pending'")[0][0])


def test_no_delivery_is_lost_by_kill_9(
    install: Callable[..., Installation], receiver: Receiver, tmp_path: Path
) -> None:
    """However often workers are killed in mid-delivery, each delivery of each event reaches the receiver,
    every time under the same `webhook-id`, ends as delivered, and the log of attempts adds up."""
    installation = install()
    sending = Sending(installation, receiver)
    settings = {**_SETTINGS, "ROCKET_DATABASE_URL": installation.database_url}
    rng = random.Random()
    sending.send()
    work = Work(settings, tmp_path / "work.log")
    try:
        for _ in range(KILLS):
            sending.send()
            came = len(receiver.calls)
            wait_until(lambda seen=came: len(receiver.calls) > seen, 60, "a delivery")
            time.sleep(rng.uniform(0, 0.3))
            work.kill()
            work = Work(settings, tmp_path / "work.log")
        wait_until(lambda: not sending.waiting(), 180, "everything to be delivered")
    finally:
        work.close()
    _check(sending, receiver)
    lost = installation.fetch(
        "SELECT sum(attempts) - (SELECT count(*) FROM delivery_attempts) FROM deliveries"
    )
    assert lost[0][0] > 0, "the kills met no delivery"
    assert "Traceback" not in work.output()


def test_a_stopped_database_is_waited_for(
    install: Callable[..., Installation], receiver: Receiver, tmp_path: Path
) -> None:
    """While PostgreSQL is away nothing ends and nothing is lost; when it is back the worker goes on by
    itself, and results of what was under way are written or their deliveries are sent again."""
    installation = install()
    sending = Sending(installation, receiver)
    settings = {**_SETTINGS, "ROCKET_DATABASE_URL": installation.database_url}
    sending.send()
    work = Work(settings, tmp_path / "work.log")
    try:
        wait_until(lambda: bool(receiver.calls), 60, "a delivery")
        for mode in ("fast", "immediate"):
            installation.stop_database(mode)
            time.sleep(1)  # for the worker to meet it
            assert work.process.poll() is None
            installation.start_database()
            wait_until(installation.is_healthy, 60, "the server to be healthy")
            sending.send()
            wait_until(lambda: not sending.waiting(), 120, "everything to be delivered")
        assert work.stop() == 0
    finally:
        work.close()
    _check(sending, receiver)


def _check(sending: Sending, receiver: Receiver) -> None:
    """Each delivery arrived at least once under its id, and ended as delivered; the log adds up."""
    expected = sending.expected()
    seen = {call.webhook_id: json.loads(call.body)["id"] for call in receiver.calls}
    assert seen == expected
    calls = Counter(receiver.ids())
    rows = sending.installation.fetch(
        """SELECT d.delivery_id::text AS id, d.status, d.leased, d.attempts, d.tries,
            array_agg(a.number ORDER BY a.number) AS numbers, bool_or(a.delivered) AS delivered
        FROM deliveries d LEFT JOIN delivery_attempts a USING (organisation_id, endpoint_id, delivery_id)
        GROUP BY 1, 2, 3, 4, 5"""
    )
    assert {row["id"] for row in rows} == expected.keys()
    for row in rows:
        assert (row["status"], row["leased"], row["delivered"]) == ("delivered", False, True)
        # Numbers that are missing are those of workers that were lost; the last one settled the delivery.
        assert row["numbers"][-1] == row["attempts"]
        assert row["tries"] <= len(row["numbers"]) <= row["attempts"]
        # Every attempt that was logged was a call. One whose worker was lost may have been one too.
        assert calls[row["id"]] >= len(row["numbers"])
