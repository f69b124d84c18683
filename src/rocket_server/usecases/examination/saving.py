"""Answers are kept as they are given, while the attempt runs; a late one is refused, whoever's clock says
so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from rocket_server.assessments.answers import parse_answer
from rocket_server.assessments.attempts import store
from rocket_server.assessments.papers import Paper
from rocket_server.assessments.refusals import AlreadySubmitted, TimeOver
from rocket_server.caches import Cache
from rocket_server.configuration.snapshot import Configuration
from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Message
from rocket_server.errors import NotFound, RocketError
from rocket_server.ids import uuid7
from rocket_server.usecases.examination import owning, told
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.submitting import as_submitted

ANSWERED = "answer.submitted"
_REMEMBERED = 20_000  # attempts


class Save(msgspec.Struct, frozen=True):
    """Answers that a learner gave, by question, as they were sent; and the time since the last ones."""

    attempt_id: str
    user_id: str
    answers: Mapping[str, Any]
    time_spent_s: int = 0


class Running(msgspec.Struct, frozen=True):
    """What hardly ever changes of an attempt while it runs: a paper may take the place of its own, and its
    learner turn out to be another."""

    attempt_id: str
    test_id: str
    paper_id: str
    learner_id: str
    user_id: str
    question_ids: frozenset[str]


class RunningAttempts:
    """Attempts that this process has seen: so that keeping an answer costs no look-up before."""

    def __init__(self, max_attempts: int = _REMEMBERED) -> None:
        self._known: Cache[tuple[str, str], Running] = Cache(max_attempts)

    async def get(self, conn: Any, organisation_id: str, attempt_ids: Sequence[str]) -> dict[str, Running]:
        """Attempts by id, whether or not they still run."""
        found = {
            attempt_id: known
            for attempt_id in attempt_ids
            if (known := self._known.get((organisation_id, attempt_id))) is not None
        }
        missing = [attempt_id for attempt_id in attempt_ids if attempt_id not in found]
        if missing:
            found |= await self.read(conn, organisation_id, missing)
        return found

    async def read(self, conn: Any, organisation_id: str, attempt_ids: Sequence[str]) -> dict[str, Running]:
        """As `get`, and as they are now."""
        found: dict[str, Running] = {}
        if attempt_ids:
            for attempt_id, one in (await store.find(conn, organisation_id, attempt_ids)).items():
                found[attempt_id] = running = Running(
                    attempt_id,
                    one.test_id,
                    one.paper_id,
                    one.learner_id,
                    one.user_id,
                    frozenset(one.question_ids),
                )
                self._known.put((organisation_id, attempt_id), running)
        return found


async def save(
    conn: Any,
    configuration: Configuration,
    papers: Papers,
    attempts: RunningAttempts,
    wanted: Sequence[Save],
) -> list[int | RocketError]:
    """Keep answers; how many of each request, in their order, or why none of them. Of several answers to one
    question the last one counts."""
    organisation_id = configuration.organisation_id
    known = await attempts.get(conn, organisation_id, [one.attempt_id for one in wanted])
    sheets = await papers.get(conn, organisation_id, {one.paper_id for one in known.values()})
    # Whose an attempt is may have changed since, with who somebody is.
    named_otherwise = [one.attempt_id for one in wanted if _is_named_otherwise(one, known)]
    known |= await attempts.read(conn, organisation_id, named_otherwise)
    mine = [(index, known[one.attempt_id]) for index, one in enumerate(wanted) if one.attempt_id in known]
    foreign = await owning.foreign(
        conn, organisation_id, [(wanted[index].user_id, attempt) for index, attempt in mine]
    )
    own = {index for place, (index, _) in enumerate(mine) if place not in foreign}

    answers: list[int | RocketError] = []
    given: dict[str, dict[str, dict[str, Any]]] = {}
    spent: dict[str, int] = {}
    for index, one in enumerate(wanted):
        if index not in own:
            answers.append(NotFound("There is no such attempt.", {"field": "attemptId"}))
            continue
        attempt = known[one.attempt_id]
        try:
            read = _read(attempt, sheets[attempt.paper_id], one.answers)
        except RocketError as error:
            answers.append(error)
            continue
        given.setdefault(one.attempt_id, {}).update(read)
        spent[one.attempt_id] = spent.get(one.attempt_id, 0) + one.time_spent_s
        answers.append(len(read))
    if not given:
        return answers
    kept = await store.save(conn, organisation_id, given)
    spent = {attempt_id: seconds for attempt_id, seconds in spent.items() if seconds and attempt_id in kept}
    await store.spend(conn, organisation_id, spent)
    if len(kept) < len(given):
        refused = await _refusals(conn, organisation_id, [one for one in given if one not in kept])
        for index, one in enumerate(wanted):
            if one.attempt_id in refused and isinstance(answers[index], int):
                answers[index] = refused[one.attempt_id]
    await _tell(conn, configuration, {attempt_id: known[attempt_id] for attempt_id in kept}, kept)
    return answers


def _is_named_otherwise(one: Save, known: Mapping[str, Running]) -> bool:
    return one.attempt_id in known and known[one.attempt_id].user_id != one.user_id


def _read(attempt: Running, paper: Paper, answers: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Answers in the form in which they are kept. Raises NotFound for a question that isn't the attempt's,
    InvalidPayload for an answer that doesn't fit its question."""
    read: dict[str, dict[str, Any]] = {}
    for place, (question_id, answer) in enumerate(answers.items()):
        if question_id not in attempt.question_ids:
            raise NotFound(
                "There is no such question in this attempt.", {"field": f"answers[{place}].questionId"}
            )
        fitting = parse_answer(paper.question(question_id), answer, f"answers[{place}].answer")
        read[question_id] = fitting.as_json()
    return read


async def _refusals(conn: Any, organisation_id: str, attempt_ids: Sequence[str]) -> dict[str, RocketError]:
    """Why attempts took no answers."""
    found: dict[str, RocketError] = {}
    for attempt_id, attempt in (await store.find(conn, organisation_id, attempt_ids)).items():
        if attempt.status == "submitted" and attempt.submission == "self":
            found[attempt_id] = AlreadySubmitted(
                "This attempt was submitted, and takes no more answers.", as_submitted(attempt).as_json()
            )
        else:
            found[attempt_id] = TimeOver(
                "The time for this attempt is over. What was answered before counts.",
                {"attemptId": attempt_id},
            )
    return found


async def _tell(
    conn: Any,
    configuration: Configuration,
    attempts: Mapping[str, Running],
    kept: Mapping[str, Sequence[str]],
) -> None:
    """Tell of answers, where somebody wants to hear of them: they are many, so nothing is kept for a receiver
    that may come later."""
    if not any(endpoint.wants(ANSWERED) for endpoint in configuration.endpoints):
        return
    now = datetime.now(UTC)
    messages: list[Message] = [
        told.message(
            uuid7(),
            ANSWERED,
            attempts[attempt_id].user_id,
            {"attemptId": attempt_id, "testId": attempts[attempt_id].test_id, "questionId": question_id},
            now,
        )
        for attempt_id, question_ids in kept.items()
        for question_id in question_ids
    ]
    if messages:
        await outbox.enqueue(conn, configuration.organisation_id, configuration.endpoints, messages, now)
