"""The proof works in short transactions, and what changes between them shows neither as a difference nor
hides one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import pytest
from anyio.from_thread import BlockingPortal

from rocket_server.db.pool import Database
from rocket_server.verify import badges, proof
from rocket_server.verify.proof import Difference, verify_apart
from support.fixtures import Owner
from support.organisation import Organisation

Between = Callable[[int], None]


@pytest.fixture
def verified(portal: BlockingPortal, store: Database, monkeypatch: pytest.MonkeyPatch):
    """What is found, learner by learner, where something happens before each snapshot; and the statements of
    each snapshot."""
    monkeypatch.setattr(proof, "_LEARNERS_AT_ONCE", 1)
    monkeypatch.setattr(badges, "_LEARNERS_AT_ONCE", 1)

    def find(organisation: Organisation, between: Between) -> tuple[list[Difference], int]:
        opened = 0

        @asynccontextmanager
        async def snapshot() -> AsyncIterator[Any]:
            nonlocal opened
            opened += 1
            await anyio.to_thread.run_sync(between, opened)
            async with (
                store.connection() as conn,
                conn.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield conn

        async def work() -> tuple[list[Difference], int]:
            return await verify_apart(snapshot, organisation.organisation_id), opened

        return portal.call(work)

    return find


NAMES = ("anna", "ben", "cleo", "dora")


def complete(organisation: Organisation, name: str, course: str, number: int = 0) -> None:
    organisation.api.event(
        "course.completed", name, properties={"course_id": course}, event_id=f"{name} {course} {number}"
    )


def test_what_changes_between_two_moments_is_no_difference(organisation: Organisation, verified: Any) -> None:
    """Events, merges, courses that begin anew, rules and people that come while the proof runs differ from
    nothing."""
    for name in NAMES:
        complete(organisation, name, "1")

    def happens(number: int) -> None:
        api = organisation.api
        complete(organisation, NAMES[number % 4], f"c{number}")
        complete(organisation, f"new-{number}", "1")
        if number % 5 == 0:
            rule = {
                "rule_id": "course_completed",
                "trigger": {"event": "course.completed"},
                "actions": {"award_points": 50 + number},
                "constraints": {"max_per_course": 1},
            }
            assert api.request("PUT", "/v1/rules/course_completed", json=rule).status_code == 200
        if number % 7 == 0:
            assert api.post("/v1/courses/1/reset", {}).status_code == 200
            complete(organisation, "anna", "1", number)
        if number == 13:
            assert api.post("/v1/users/anna/merge", {"from": "dora"}).status_code == 200

    happens_until = 40
    found, opened = verified(organisation, lambda n: happens(n) if n < happens_until else None)
    assert found == []
    assert opened > happens_until


def test_what_is_moved_while_it_is_looked_for_is_found(
    organisation: Organisation, verified: Any, owner: Owner
) -> None:
    """A learner who is merged into one that was looked at already takes no difference out of sight."""
    for name in ("anna", "ben"):
        complete(organisation, name, "1")
    owner.execute(
        "DELETE FROM award_marks m USING learners l"
        " WHERE m.organisation_id = $1 AND l.learner_id = m.learner_id AND l.organisation_id = $1"
        " AND l.user_id = 'ben'",
        organisation.organisation_id,
    )
    looked, _ = verified(organisation, lambda _: None)
    assert [one.kind for one in looked] == ["award"]
    snapshots = []

    def merge_once(number: int) -> None:
        snapshots.append(number)
        seen = [call for call in snapshots if call >= first_of_learners + 1]
        if len(seen) == 1:
            answer = organisation.api.post("/v1/users/anna/merge", {"from": "ben"})
            assert answer.status_code == 200, answer.text

    # One snapshot for each kind of rows and one for the time come before the first learner.
    first_of_learners = _before_learners(verified, organisation)
    found, _ = verified(organisation, merge_once)
    assert any(one.kind == "award" and "is counted under" in one.message for one in found)


def _before_learners(verified: Any, organisation: Organisation) -> int:
    """The number of the snapshot in which the first learner is looked at."""
    read, numbers, opened = proof._learners, [], 0

    async def learners(*arguments: Any) -> Any:
        numbers.append(opened)
        return await read(*arguments)

    def count(number: int) -> None:
        nonlocal opened
        opened = number

    proof._learners = learners
    try:
        verified(organisation, count)
    finally:
        proof._learners = read
    return numbers[0]
