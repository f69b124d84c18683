"""Receivers that are down, slow, broken or hostile, all at once, beside one that isn't."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from rocket_server.db.pool import Database
from support import receivers as zoo
from support.command import eventually
from support.fixtures import Owner
from support.organisation import Organisation
from support.outbox import make_endpoint
from support.receivers import Receiver, Receivers, answers
from support.worker import working

pytestmark = pytest.mark.reliability

EVENTS = 30
BASE_S = 0.05
TIMEOUT_MS = 400
SETTINGS = {
    "ROCKET_WEBHOOK_RETRY_BASE": str(BASE_S),
    "ROCKET_BREAKER_FAILURES": "5",
    "ROCKET_BREAKER_OPEN": "0.3",
}
ASKED_S = 3
MORE_BYTES = 96 * 1024 * 1024  # that the worker may hold at its largest, beyond an idle one


def _until_a_date() -> zoo.Behaviour:
    """429 with a date that lies ASKED_S ahead whenever it is asked, rounded up to whole seconds."""

    async def behave(call: zoo.Call) -> bool:
        later = datetime.now(UTC) + timedelta(seconds=ASKED_S + 1)
        return await answers(429, {"Retry-After": format_datetime(later, usegmt=True)})(call)

    return behave


# Each with what the log has to say of its tries: a status or an error.
FAILING: dict[str, tuple[zoo.Behaviour, int | str]] = {
    "thinks for ever": (zoo.hangs, "timeout"),
    "header drop by drop": (zoo.slow_header, "timeout"),
    "500": (answers(500), 500),
    "503 with a long page": (answers(503, body=b"x" * 100_000), 503),
    "301": (answers(301, {"Location": "http://127.0.0.1:9/"}), 301),
    "404": (answers(404), 404),
    "429, Retry-After in seconds": (answers(429, {"Retry-After": str(ASKED_S)}), 429),
    "429, Retry-After as a date": (_until_a_date(), 429),
    "resets": (zoo.resets, "reset"),
    "closes": (zoo.closes, "reset"),
    "no HTTP": (zoo.garbage, "protocol"),
    "endless header": (zoo.endless_header, "too_large"),
    "endless headers": (zoo.endless_headers, "too_large"),
    "500 with an endless body": (zoo.endless_failure, 500),
}
TAKING: dict[str, zoo.Behaviour] = {
    "takes everything": answers(200),
    "200 with an endless body": zoo.endless_body,
    "200 with a gzip bomb": zoo.gzip_bomb(),
    "200 in chunks for ever": zoo.endless_chunks,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver and its endpoint."""

    receiver: Receiver
    endpoint_id: str


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    """Opens receivers on this machine."""
    with Receivers() as opened:
        yield opened


def test_bad_receivers_harm_nobody_else_and_lose_nothing(
    portal: BlockingPortal,
    store: Database,
    organisation: Organisation,
    worker_database: str,
    owner: Owner,
    receivers: Receivers,
    tmp_path: Path,
):
    """The good ones get everything while others fail; these are tried as planned, and served in the end."""

    def register(receiver: Receiver) -> Endpoint:
        async def work() -> str:
            async with store.transaction() as conn:
                return await make_endpoint(
                    conn,
                    organisation.organisation_id,
                    receiver.url,
                    timeout_ms=TIMEOUT_MS,
                    max_attempts=20,
                )

        return Endpoint(receiver, portal.call(work))

    failing = {name: register(receivers.open(behaviour)) for name, (behaviour, _) in FAILING.items()}
    taking = {name: register(receivers.open(behaviour)) for name, behaviour in TAKING.items()}
    gone = register(receivers.open(answers(410)))
    down = register(receivers.down())

    with working(worker_database, tmp_path / "worker.log", SETTINGS) as worker:
        idle_bytes = worker.resident_bytes()
        events = [
            {"event": "course.completed", "user_id": f"u{number}", "timestamp": "2026-03-02T10:00:00Z"}
            for number in range(EVENTS)
        ]
        answer = organisation.api.post("/v1/events/batch", {"events": events})
        assert answer.json()["processed"] == EVENTS

        for endpoint in taking.values():
            eventually(lambda one=endpoint: _delivered(owner, one) == EVENTS, worker.output)
        still = {name: _delivered(owner, endpoint) for name, endpoint in failing.items()}
        assert set(still.values()) == {0}

        for endpoint in (*failing.values(), down):
            eventually(lambda one=endpoint: _was_opened(worker.output(), one), worker.output)
            eventually(lambda one=endpoint: _retried(owner, one), worker.output)
        largest_bytes = worker.resident_bytes()

        for endpoint in failing.values():
            endpoint.receiver.behaviour = answers(200)
        for endpoint in failing.values():
            eventually(lambda one=endpoint: _delivered(owner, one) == EVENTS, worker.output)
            eventually(lambda one=endpoint: _breaker(owner, one) == "closed", worker.output)
        eventually(lambda: not _enabled(owner, gone), worker.output)
        told_gone = len(gone.receiver.requests)

    _print_table(owner, {**taking, **failing, "410": gone, "down": down})
    print(f"memory of the worker: {idle_bytes >> 20} MiB idle, {largest_bytes >> 20} MiB among all of these")
    for name, (_, expected) in FAILING.items():
        # On a machine that is busy enough, anybody may take too long.
        assert _results(owner, failing[name]) - {"timeout"} == {expected, 200} - {"timeout"}, name
        _check_schedule(owner, failing[name], ASKED_S if "Retry-After" in name else 0)
        assert len({one.headers["webhook-id"] for one in failing[name].receiver.requests}) == EVENTS, name
    assert _results(owner, down) - {"timeout"} == {"refused"}
    assert _results(owner, gone) - {"timeout"} == {410}
    assert told_gone == len(gone.receiver.requests) <= EVENTS
    assert largest_bytes - idle_bytes < MORE_BYTES


def _check_schedule(owner: Owner, endpoint: Endpoint, asked_s: float) -> None:
    """No try comes before the one before had said, and that had left as long as it should."""
    rows = owner.fetch(
        "SELECT delivery_id, number, started_at, delivered, next_at FROM delivery_attempts"
        " WHERE endpoint_id = $1 ORDER BY delivery_id, number",
        endpoint.endpoint_id,
    )
    tries: dict[str, int] = {}
    planned: dict[str, datetime] = {}
    for row in rows:
        delivery = str(row["delivery_id"])
        tries[delivery] = tries.get(delivery, 0) + 1
        assert row["started_at"] >= planned.get(delivery, row["started_at"])
        if not row["delivered"]:
            wait_s = max(BASE_S * 5 ** (tries[delivery] - 1), asked_s)
            assert row["next_at"] - row["started_at"] >= timedelta(seconds=wait_s) * 0.99
            planned[delivery] = row["next_at"]


def _print_table(owner: Owner, endpoints: dict[str, Endpoint]) -> None:
    """What was seen of each, for `pytest -s`."""
    print(f"\n{'receiver':30}{'delivered':>10}{'tries':>7}{'most':>6}{'longest':>9}  results")
    for name, endpoint in endpoints.items():
        (row,) = owner.fetch(
            "SELECT count(*) AS tries, max(number) AS most, max(duration_ms) AS longest_ms"
            " FROM delivery_attempts WHERE endpoint_id = $1",
            endpoint.endpoint_id,
        )
        results = ", ".join(sorted(map(str, _results(owner, endpoint))))
        print(
            f"{name:30}{_delivered(owner, endpoint):>10}{row['tries']:>7}{row['most']:>6}"
            f"{row['longest_ms']:>6} ms  {results}"
        )


def _delivered(owner: Owner, endpoint: Endpoint) -> int:
    count: int = owner.value(
        "SELECT count(*) FROM deliveries WHERE endpoint_id = $1 AND status = 'delivered'",
        endpoint.endpoint_id,
    )
    return count


def _retried(owner: Owner, endpoint: Endpoint) -> bool:
    return bool(
        owner.value(
            "SELECT EXISTS (SELECT FROM delivery_attempts WHERE endpoint_id = $1 AND number > 1)",
            endpoint.endpoint_id,
        )
    )


def _results(owner: Owner, endpoint: Endpoint) -> set[int | str]:
    rows = owner.fetch(
        "SELECT DISTINCT status, error FROM delivery_attempts WHERE endpoint_id = $1", endpoint.endpoint_id
    )
    return {row["error"] or row["status"] for row in rows}


def _breaker(owner: Owner, endpoint: Endpoint) -> str:
    state: str = owner.value(
        "SELECT breaker FROM endpoint_states WHERE endpoint_id = $1", endpoint.endpoint_id
    )
    return state


def _enabled(owner: Owner, endpoint: Endpoint) -> bool:
    return bool(owner.value("SELECT enabled FROM endpoints WHERE endpoint_id = $1", endpoint.endpoint_id))


def _was_opened(log: str, endpoint: Endpoint) -> bool:
    return any("breaker_opened" in line and endpoint.endpoint_id in line for line in log.splitlines())
