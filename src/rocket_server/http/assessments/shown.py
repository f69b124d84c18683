"""Tests, questions, rules and attempts in the spelling of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rocket_server.assessments.answers import empty, stored_answer
from rocket_server.assessments.attempts.store import Attempt
from rocket_server.assessments.authoring.store import KeptRule, KeptSection, Link, Test
from rocket_server.assessments.bank.store import Kept
from rocket_server.assessments.model import number
from rocket_server.assessments.taker import answer_as_shown, correct_answer, for_taker
from rocket_server.http.assessments.envelope import time
from rocket_server.http.auth import Principal
from rocket_server.usecases.examination.looking import Standing, Taken

_SUBMISSIONS = {"self": "self", "expired": "auto"}


def test(principal: Principal, one: Test) -> dict[str, Any]:
    """A test as lists show it."""
    definition = one.definition
    settings = definition.as_json()
    settings.pop("gradingType")
    return {
        "testId": one.test_id,
        "parentId": settings.pop("parentId"),
        "type": definition.type,
        **_place(principal),
        "ordering": settings.pop("ordering"),
        "attempts": definition.attempts,
        "attemptsGrading": settings.pop("attemptsGrading"),
        "status": one.status,
        "title": definition.title,
        **settings,
        "startDate": time(definition.starts_at),
        "endDate": time(definition.ends_at),
        "gradingType": definition.grading_type,
        "isObjective": one.is_objective,
        "checkedOutTime": None,
        **_made(one),
    }


def section(principal: Principal, one: KeptSection) -> dict[str, Any]:
    """A section without its questions."""
    said = one.section
    return {
        "sectionId": one.section_id,
        **_place(principal),
        "title": said.title,
        "description": said.description,
        "testId": one.test_id,
        "ordering": said.ordering,
        "status": said.status,
        "minQuestions": said.min_questions,
        "maxQuestions": said.max_questions,
        **_made(one),
    }


def question(principal: Principal, one: Kept) -> dict[str, Any]:
    """A question with its key."""
    shown = one.question.as_json()
    options = [
        {**option, **_place(principal), "questionId": one.question_id, "createdAt": time(one.created_at)}
        for option in shown.pop("options")
    ]
    return {
        **shown,
        **_place(principal),
        "ordering": 0,
        "parentId": None,
        **_made(one),
        "options": options,
    }


def rule(principal: Principal, one: KeptRule) -> dict[str, Any]:
    """A rule."""
    return {**one.content, "ruleId": one.rule_id, **_place(principal), **_made(one)}


def link(one: Link) -> dict[str, Any]:
    """A question's place in a test."""
    return {
        "testQuestionId": one.test_question_id,
        "testId": one.test_id,
        "questionId": one.question_id,
        "ordering": one.ordering,
        "sectionId": one.section_id,
        "ruleId": one.rule_id,
        "isCompulsory": one.is_compulsory,
    }


def outline(
    principal: Principal, one: Link, kept: Kept, *, with_key: bool, seed: str | None = None
) -> dict[str, Any]:
    """A question within a test; without its key nothing tells what is right, and `seed` shuffles its
    options."""
    said = kept.question
    shown: dict[str, Any] = {
        **link(one),
        **_place(principal),
        "createdAt": time(kept.created_at),
        "updatedAt": time(kept.updated_at),
        "isConditional": False,
        "text": said.text,
        "description": said.description,
        "type": said.kind,
        "marks": number(said.marks),
        "params": None,
        "status": said.status,
    }
    seen = for_taker(said, seed)
    more = {"createdAt": time(kept.created_at), "hasChildQuestion": False}
    if not with_key:
        shown["params"] = seen["params"]
        shown["options"] = [{**option, **more} for option in seen["options"]]
    else:
        whole = said.as_json()
        shown["params"] = whole["params"]
        shown["options"] = [{**option, **more} for option in whole["options"]]
    if "matchWithOptions" in seen:
        shown["matchWithOptions"] = [
            {**target, "ordering": place} for place, target in enumerate(seen["matchWithOptions"])
        ]
    return shown


def standing(one: Standing) -> dict[str, Any]:
    """How a learner stands with a test."""
    graded = None
    if one.graded is not None and one.graded_attempt is not None:
        graded = {
            "attemptId": one.graded.attempt_id,
            "status": "S",
            "score": _number(one.graded.score),
            "result": one.graded.result,
            "submittedAt": time(one.graded_attempt.submitted_at),
        }
    last = None
    if one.resumable is not None:
        last = {
            "attemptId": one.resumable.attempt_id,
            "status": status(one.resumable),
            "resumeAllowed": True,
        }
    definition = one.test.definition
    return {
        "testId": one.test.test_id,
        "totalAttemptsAllowed": definition.attempts,
        "attemptsMade": one.begun,
        "canAttempt": one.attempts_left,
        "canResume": one.resumable is not None,
        "attemptGrading": definition.attempts_grading,
        "gradedAttempt": graded,
        "lastAttempt": last,
        "showCorrectAnswers": definition.show_correct_answer,
        "canStart": one.reason is None,
        "reason": one.reason,
    }


def questions(principal: Principal, taken: Taken) -> list[dict[str, Any]]:
    """The questions of an attempt, in its order; nothing tells what is right."""
    seed = taken.paper.options_seed(taken.attempt.attempt_id)
    shown = []
    for place, question_id in enumerate(taken.attempt.question_ids):
        entry = taken.paper.entries[question_id]
        shown.append(
            {
                **for_taker(entry.question, seed),
                **_place(principal),
                "ordering": place,
                "sectionId": entry.section_id,
                "isCompulsory": entry.is_compulsory,
                "parentId": None,
            }
        )
    return shown


def resumed(taken: Taken) -> dict[str, Any]:
    """An attempt and what was answered so far, in the learner's own words."""
    attempt = taken.attempt
    return {
        "attempt": {
            "attemptId": attempt.attempt_id,
            "testId": attempt.test_id,
            "userId": attempt.user_id,
            "attempt": attempt.number,
            "startedAt": time(attempt.started_at),
            "currentPosition": len(taken.answers) or None,
            "timeSpent": attempt.time_spent_s,
            "status": status(attempt),
            "expiresAt": time(attempt.deadline),
        },
        "answers": [
            {"questionId": question_id, "answer": one.answer} for question_id, one in taken.answers.items()
        ],
    }


def sheet(principal: Principal, taken: Taken, *, with_key: bool) -> dict[str, Any]:
    """A submitted attempt with what each answer earned; with the key, also what would have been right."""
    attempt = taken.attempt
    return {
        "attempt": {
            "attemptId": attempt.attempt_id,
            "testId": attempt.test_id,
            "resolvedTestId": None,
            **_place(principal),
            "userId": attempt.user_id,
            "attempt": attempt.number,
            "startedAt": time(attempt.started_at),
            "submittedAt": time(attempt.submitted_at),
            "status": status(attempt),
            "reviewStatus": attempt.review,
            "score": _number(attempt.score),
            "submissionType": _SUBMISSIONS[attempt.submission or "self"],
            "result": attempt.result,
            "currentPosition": len(taken.answers) or None,
            "timeSpent": attempt.time_spent_s,
            "updatedBy": attempt.updated_by,
            "totalMarks": number(attempt.max_score),
            "remarks": attempt.remarks,
        },
        "answers": [
            _answered(taken, question_id, with_key=with_key)
            for question_id in taken.attempt.question_ids
            if question_id in taken.answers
        ],
    }


def _answered(taken: Taken, question_id: str, *, with_key: bool) -> dict[str, Any]:
    said = taken.paper.question(question_id)
    one = taken.answers[question_id]
    read = stored_answer(said.kind, one.answer) or empty(said.kind)
    shown: dict[str, Any] = {
        "questionId": question_id,
        "userAnswer": answer_as_shown(said, read, with_correct=with_key),
        "score": _number(one.score),
        "isCorrect": one.is_correct,
        "remarks": one.remarks,
        "criteria": one.rubric,
    }
    if with_key:
        shown["correctAnswer"] = correct_answer(said)
        shown["feedback"] = said.feedback
    return shown


def status(attempt: Attempt) -> str:
    """`I` while an attempt runs, `S` once it is submitted."""
    return "S" if attempt.status == "submitted" else "I"


def page(name: str, rows: Sequence[Any], total: int, limit: int, offset: int) -> dict[str, Any]:
    """A page of a list."""
    return {
        name: list(rows),
        "totalElements": total,
        "totalPages": -(-total // limit),
        "currentPage": offset // limit + 1,
        "size": limit,
    }


def by_section(links: Iterable[Link]) -> dict[str, list[Link]]:
    """Questions' places by section."""
    found: dict[str, list[Link]] = {}
    for one in links:
        found.setdefault(one.section_id, []).append(one)
    return found


def _number(value: Decimal | None) -> int | float | None:
    return None if value is None else number(value)


def _place(principal: Principal) -> dict[str, str]:
    return {"tenantId": principal.tenant_id, "organisationId": principal.organisation_id}


def _made(one: Any) -> Mapping[str, Any]:
    return {
        "createdBy": one.created_by,
        "createdAt": time(one.created_at),
        "updatedBy": one.updated_by,
        "updatedAt": time(one.updated_at),
    }
