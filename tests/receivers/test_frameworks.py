"""Express, Django, Flask and plain Python take our webhooks, and nothing that isn't ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from rocket_server.delivery.headers import headers_of
from rocket_server.delivery.send import GuardedSender
from support.deliveries import DELIVERY_ID, NEWER_SECRET, SECRET, target
from support.programs import RECEIVERS, Program, express, python, running

LEARNING = {
    "id": "0199f3a2-7c41-7d2e-9b1f-3f6a0c5d8e70",
    "event": "course.completed",
    "user_id": "moodle:8774",
    "timestamp": "2026-03-01T09:30:00Z",
    "properties": {"course_id": "12", "course_title": "Süße Früchte \N{ROCKET}", "progress_pct": 100},
    "points_awarded": 50,
}
ASSESSMENT = {
    "name": "attempt.submitted",
    "context": {"tenantId": "tenant-123", "organisationId": "org-456", "userId": "user-789"},
    "data": {
        "attemptId": "attempt-abc",
        "testId": "test-def",
        "score": 85,
        "result": "pass",
        "timeSpent": 3600,
    },
    "timestamp": "2026-03-01T09:30:00.000Z",
    "id": "0199f3a2-7c41-7d2e-9b1f-3f6a0c5d8e72",
}
OTHER_ID = "0199f3a2-7c41-8d2e-9b1f-3f6a0c5d8e73"


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of receiving. `standard` checks Standard Webhooks, the others check X-Signature."""

    name: str
    path: str
    standard: bool

    def command(self) -> tuple[list[str], Path]:
        match self.name:
            case "express":
                return ["node", "receiver.js"], express()
            case "django":
                return python("django_site"), RECEIVERS
            case _:
                return python(f"{self.name}_receiver.py"), RECEIVERS


KINDS = (
    Kind("express", "/webhooks/rocket", standard=False),
    Kind("express", "/webhook", standard=True),
    Kind("django", "/webhooks/rocket", standard=False),
    Kind("flask", "/webhook", standard=True),
    Kind("plain", "/", standard=True),
)
Start = Callable[[str], Program]


def name_of(kind: Kind) -> str:
    return f"{kind.name}, {'standard' if kind.standard else 'plain'}"


@pytest.fixture(params=KINDS, ids=name_of)
def kind(request: pytest.FixtureRequest) -> Kind:
    """One way of receiving after the other."""
    return request.param


@pytest.fixture
def start(kind: Kind, tmp_path: Path) -> Iterator[Start]:
    """Starts the receiver with a secret."""
    with ExitStack() as stack:

        def started(secret: str) -> Program:
            command, cwd = kind.command()
            return stack.enter_context(running(command, cwd, kind.path, secret, tmp_path / "receiver.log"))

        yield started


def encoded(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def post(program: Program, body: bytes, headers: dict[str, str]) -> int:
    """The status of a request that no sender of ours makes."""
    return httpx.post(program.url, content=body, headers=headers, trust_env=False, timeout=60).status_code


async def test_takes_both_formats_once(sender: GuardedSender, start: Start):
    """Each delivery is answered with 200 however often it comes, and handled once."""
    program = start(SECRET)
    for _ in range(3):
        for delivery_id, body in ((DELIVERY_ID, LEARNING), (OTHER_ID, ASSESSMENT)):
            outcome = await sender.send(target(program.url), delivery_id, encoded(body))
            assert outcome.status == 200, (outcome, program.output())
    assert program.handled() == [
        ["course.completed", LEARNING["id"]],
        ["attempt.submitted", ASSESSMENT["id"]],
    ]


async def test_refuses_another_secret(sender: GuardedSender, start: Start):
    """What somebody else signed is answered with 401 and not handled."""
    program = start(SECRET)
    outcome = await sender.send(target(program.url, secrets=(NEWER_SECRET,)), DELIVERY_ID, encoded(LEARNING))
    assert (outcome.status, program.handled()) == (401, [])


async def test_refuses_what_nobody_signed(sender: GuardedSender, start: Start):
    """Without signatures: 401, also for a body that isn't there."""
    program = start(SECRET)
    outcome = await sender.send(target(program.url, secrets=()), DELIVERY_ID, encoded(LEARNING))
    assert outcome.status == 401
    assert post(program, b"", {"Content-Type": "application/json"}) == 401
    assert program.handled() == []


def test_refuses_what_was_changed(kind: Kind, start: Start):
    """A body that differs by a byte or is written in another way gets 401, and so does a broken signature."""
    program = start(SECRET)
    body = encoded(LEARNING)
    headers = headers_of(target(program.url), DELIVERY_ID, int(time.time()), body)
    changed = [
        body.replace(b'"points_awarded":50', b'"points_awarded":51'),
        body + b"\n",
        json.dumps(LEARNING).encode(),
        body[:-1] + b"\xff",
        b"",
    ]
    assert [post(program, one, headers) for one in changed] == [401] * len(changed)
    name = "webhook-signature" if kind.standard else "X-Signature"
    for value in (
        "",
        "sha256=",
        "v1,",
        "v1",
        "x" * 71,
        headers[name][:-1],
        headers[name].replace("=", "", 1),
    ):
        assert post(program, body, {**headers, name: value}) == 401
    if kind.standard:
        assert post(program, body, {**headers, "webhook-id": OTHER_ID}) == 401
        assert post(program, body, {**headers, "webhook-timestamp": str(int(time.time()) + 1)}) == 401
    assert program.handled() == []
    assert post(program, body, headers) == 200


# X-Signature has no time in it: there, duplicates are known by their id alone.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.standard], indirect=True, ids=name_of)
def test_refuses_what_was_sent_long_ago(start: Start):
    """A recorded delivery can't be sent again an hour later, nor one of tomorrow today."""
    program = start(SECRET)
    body = encoded(LEARNING)
    for seconds in (-3600, -301, 3600):
        headers = headers_of(target(program.url), DELIVERY_ID, int(time.time()) + seconds, body)
        assert post(program, body, headers) == 401
    assert program.handled() == []


async def test_takes_deliveries_while_the_secret_changes(kind: Kind, sender: GuardedSender, start: Start):
    """A receiver with the old secret works until that is retired; one with the new, as early as it can be."""
    body = encoded(LEARNING)
    during, afterwards = (SECRET, NEWER_SECRET), (NEWER_SECRET,)
    old = start(SECRET)
    assert (await sender.send(target(old.url, secrets=during), DELIVERY_ID, body)).status == 200
    assert (await sender.send(target(old.url, secrets=afterwards), OTHER_ID, body)).status == 401
    new = start(NEWER_SECRET)
    if kind.standard:
        assert (await sender.send(target(new.url, secrets=during), DELIVERY_ID, body)).status == 200
    assert (await sender.send(target(new.url, secrets=afterwards), OTHER_ID, body)).status == 200
