"""From an event to the receivers: the API, the outbox, a worker, and other people's frameworks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from rocket_server.db.pool import Database
from rocket_server.delivery import signing
from support.command import eventually
from support.deliveries import SECRET
from support.examination import Hall, right
from support.fixtures import Owner
from support.organisation import Organisation
from support.outbox import make_endpoint
from support.programs import Program, running
from support.receivers import Receivers, answers
from support.worker import working

from .test_frameworks import KINDS, Kind, name_of


@dataclass(frozen=True, slots=True)
class Registered:
    """A running receiver and the endpoint that leads to it."""

    program: Program
    endpoint_id: str


@pytest.fixture
def register(
    portal: BlockingPortal, store: Database, organisation: Organisation, tmp_path: Path
) -> Iterator[object]:
    """Starts a receiver and registers it for all events in a format."""
    with ExitStack() as stack:

        def registered(kind: Kind, form: str) -> Registered:
            command, cwd = kind.command()
            log = tmp_path / f"{name_of(kind)} {form}.log"
            program = stack.enter_context(running(command, cwd, kind.path, SECRET, log))

            async def work() -> str:
                async with store.transaction() as conn:
                    return await make_endpoint(
                        conn, organisation.organisation_id, program.url, format=form, timeout_ms=20_000
                    )

            return Registered(program, portal.call(work))

        yield registered


@pytest.mark.parametrize("form", ["rocket", "assessment"])
@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_an_event_reaches_the_receiver(
    kind: Kind,
    form: str,
    register,
    organisation: Organisation,
    worker_database: str,
    owner: Owner,
    tmp_path: Path,
):
    """Events that the API takes are handled by the receiver, each once and under the id that the API gave."""
    receiver = register(kind, form)
    with working(worker_database, tmp_path / "worker.log"):
        sent = [
            organisation.api.event(
                "course.completed",
                f"Zoë-{number}",
                event_id=f"e{number}",
                properties={"course_id": f"c{number}", "title": "Süße \N{ROCKET}"},
            )
            for number in range(5)
        ]
        again = organisation.api.event("course.completed", "Zoë-0", event_id="e0")
        assert again["status"] == "duplicate"
        eventually(lambda: len(receiver.program.handled()) >= 5, receiver.program.output)
        eventually(lambda: _open(owner, organisation) == 0, receiver.program.output)
    assert sorted(receiver.program.handled()) == sorted(["course.completed", one["event_id"]] for one in sent)
    assert {one["points_awarded"] for one in sent} == {50}


def _open(owner: Owner, organisation: Organisation) -> int:
    count: int = owner.value(
        "SELECT count(*) FROM deliveries WHERE organisation_id = $1 AND status <> 'delivered'",
        organisation.organisation_id,
    )
    return count


def test_a_receiver_that_comes_back_gets_what_it_missed(
    portal: BlockingPortal,
    store: Database,
    organisation: Organisation,
    worker_database: str,
    owner: Owner,
    receivers: Receivers,
    tmp_path: Path,
):
    """What was refused is sent again under the same id, signed anew for the time of each try."""
    receiver = receivers.open(answers(503))

    async def work() -> str:
        async with store.transaction() as conn:
            return await make_endpoint(
                conn, organisation.organisation_id, receiver.url, timeout_ms=20_000, max_attempts=20
            )

    portal.call(work)
    settings = {"ROCKET_WEBHOOK_RETRY_BASE": "0.05", "ROCKET_BREAKER_OPEN": "0.2"}
    with working(worker_database, tmp_path / "worker.log", settings):
        organisation.api.event("course.completed", properties={"course_id": "c"})
        receiver.wait_for(3)
        receiver.behaviour = answers(200)
        eventually(lambda: _open(owner, organisation) == 0, lambda: receiver.requests)
    tries = receiver.requests
    assert len({one.headers["webhook-id"] for one in tries}) == 1
    assert len({one.body for one in tries}) == 1
    times = [int(one.headers["webhook-timestamp"]) for one in tries]
    assert times == sorted(times)
    for one in tries:
        verdict = signing.verify_standard(
            SECRET,
            one.headers["webhook-id"],
            one.headers["webhook-timestamp"],
            one.headers["webhook-signature"],
            one.body,
            now_s=int(one.headers["webhook-timestamp"]),
        )
        assert verdict == "fits"


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_what_a_learner_does_with_a_test_reaches_the_receiver(
    kind: Kind, register, organisation: Organisation, worker_database: str, owner: Owner, tmp_path: Path
):
    """A test that is published and taken is told to Express, Flask and the others, each fact once."""
    receiver = register(kind, "assessment")
    with working(worker_database, tmp_path / "worker.log"):
        _take_a_test(organisation)
        eventually(lambda: len(receiver.program.handled()) >= len(_TOLD), receiver.program.output)
        eventually(lambda: _open(owner, organisation) == 0, receiver.program.output)
    assert sorted(name for name, _ in receiver.program.handled()) == sorted(_TOLD)


def test_the_guides_payloads_arrive_as_they_stand_there(
    portal: BlockingPortal,
    store: Database,
    organisation: Organisation,
    worker_database: str,
    owner: Owner,
    receivers: Receivers,
    tmp_path: Path,
):
    """Name, context, data, a time in milliseconds and an id: field for field what the guide shows."""
    receiver = receivers.open(answers(200))

    async def work() -> str:
        async with store.transaction() as conn:
            return await make_endpoint(
                conn, organisation.organisation_id, receiver.url, format="assessment", timeout_ms=20_000
            )

    portal.call(work)
    with working(worker_database, tmp_path / "worker.log"):
        test_id, attempt_id = _take_a_test(organisation)
        eventually(lambda: _open(owner, organisation) == 0, lambda: receiver.requests)
    told = {body["name"]: body for body in (json.loads(one.body) for one in receiver.requests)}
    model = organisation.model
    ids = {"attemptId": attempt_id, "testId": test_id}
    expected = {
        "attempt.started": ("anna", {**ids, "attemptNumber": 1}),
        "test.published": (
            None,
            {
                "testId": test_id,
                "testTitle": "Unit 1",
                "testType": "plain",
                "totalMarks": 2,
                "questionCount": 1,
            },
        ),
        "attempt.submitted": ("anna", {**ids, "score": 2, "result": "pass", "timeSpent": 60}),
    }
    for name, (user_id, data) in expected.items():
        body = told[name]
        assert set(body) == {"name", "context", "data", "timestamp", "id"}
        assert (body["context"]["tenantId"], body["context"]["organisationId"]) == (
            model.tenant_id,
            model.organisation_id,
        )
        assert user_id is None or body["context"]["userId"] == user_id
        assert data.items() <= body["data"].items()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])


# What a test that is made, published and taken tells, the learning events of it included.
_TOLD = (
    *("question.created", "question.published", "test.created", "test.published"),
    *("attempt.started", "quiz.started", "answer.submitted", "attempt.submitted", "quiz.completed"),
)


def _take_a_test(organisation: Organisation) -> tuple[str, str]:
    """A test of one question, taken; the ids of test and attempt."""
    hall = Hall(organisation)
    one = hall.question()
    test_id = hall.test([one])
    attempt_id = hall.start(test_id, "anna")
    hall.save(attempt_id, "anna", {one["questionId"]: right(one)}, timeSpent=60)
    hall.submit(attempt_id, "anna")
    return test_id, attempt_id
