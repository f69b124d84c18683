"""What a test lacks before it is published, and what may change once somebody has taken it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from rocket_server.assessments.publish_checks import (
    FROZEN,
    Draft,
    Placed,
    Section,
    check,
    refused_changes,
)
from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.rules import Candidate, Criteria, Rule
from rocket_server.assessments.selection import choose

NOW = datetime(2026, 3, 2, tzinfo=UTC)
QUESTION = parse_question(
    {"type": "true_false", "text": "z", "marks": 2, "status": "published",
     "options": [{"text": "True", "isCorrect": True}, {"text": "False"}]},
    question_id="q",
)  # fmt: skip
GOOD = Draft(
    "Unit 1", "plain", "quiz", Decimal(2), Decimal(1), sections=(Section("s", "S", (Placed(QUESTION),)),)
)


def _with(question):
    return replace(GOOD, sections=(Section("s", "S", (Placed(question),)),))


def test_a_complete_test_may_be_published():
    """A test with a section, a complete question and consistent marks lacks nothing."""
    assert check(GOOD, NOW) == []


@pytest.mark.parametrize(
    ("draft", "code", "path"),
    [
        (replace(GOOD, sections=()), "NO_SECTION", "sections"),
        (replace(GOOD, sections=(Section("s", "S"),)), "NO_QUESTION", "sections"),
        (replace(GOOD, title="  "), "NO_TITLE", "title"),
        (replace(GOOD, attempts=0), "LIMIT_NOT_POSITIVE", "attempts"),
        (replace(GOOD, time_duration=-1), "LIMIT_NOT_POSITIVE", "timeDuration"),
        (replace(GOOD, start_date=NOW, end_date=NOW), "WINDOW_EMPTY", "endDate"),
        (replace(GOOD, total_marks=Decimal(-5)), "MARKS_NEGATIVE", "totalMarks"),
        (replace(GOOD, passing_marks=Decimal(3)), "PASSING_ABOVE_TOTAL", "passingMarks"),
        (_with(replace(QUESTION, status="draft")), "QUESTION_DRAFT", "sections[0].questions[0]"),
        (_with(replace(QUESTION, options=())), "QUESTION_INCOMPLETE", "sections[0].questions[0].options"),
        (_with(replace(QUESTION, marks=Decimal(0))), "QUESTION_INCOMPLETE", "sections[0].questions[0].marks"),
        (
            replace(GOOD, sections=(*GOOD.sections, Section("t", "T", (Placed(QUESTION),)))),
            "QUESTION_TWICE",
            "sections[1].questions[0]",
        ),
        (replace(GOOD, test_type="rule_based", sections=(Section("s", "S"),)), "NO_RULE", "rules"),
    ],
)
def test_what_is_missing_is_named(draft, code, path):
    """Each thing that keeps a test from being published has a code of its own and its place."""
    blocking = [(finding.code, finding.path) for finding in check(draft, NOW) if finding.blocking]
    assert (code, path) in blocking


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (replace(GOOD, end_date=NOW - timedelta(days=1)), "WINDOW_OVER"),
        (replace(GOOD, total_marks=Decimal(20)), "TOTAL_DIFFERS"),
        (replace(GOOD, total_marks=Decimal(20), passing_marks=Decimal(5)), "PASS_OUT_OF_REACH"),
        (_with(replace(QUESTION, status="archived")), "QUESTION_ARCHIVED"),
        (_with(replace(QUESTION, grading_type="feedback")), "GRADING_TYPE_DIFFERS"),
    ],
)
def test_what_may_be_meant_is_told_and_does_not_block(draft, code):
    """What an author may have overlooked or may mean is said, and the test can be published."""
    found = check(draft, NOW)
    assert code in [finding.code for finding in found]
    assert not any(finding.blocking for finding in found)


def test_a_pool_that_does_not_suffice_is_named_by_its_rule():
    """A rule without enough questions blocks publishing and says what it found; so does a missing section."""
    rule = Rule("r", "hard ones", 2, 2, section_id="x", criteria=Criteria(levels=frozenset({"hard"})))
    bank = [Candidate("a", "mcq", "hard", Decimal(1)), Candidate("b", "mcq", "easy", Decimal(1))]
    draft = replace(GOOD, test_type="rule_based", chosen=tuple(choose([rule], bank, "seed")))
    found = {finding.code: finding for finding in check(draft, NOW)}
    assert found["POOL_TOO_SMALL"].message == (
        "hard ones: needs 2 questions and finds 1; without difficultyLevels it would find 2."
    )
    assert found["SECTION_UNKNOWN"].path == "rules[0].sectionId"


BEFORE = {
    "title": "a", "passingMarks": 5, "attempts": 2, "timeDuration": None, "endDate": NOW,
    "attemptsGrading": "highest", "showCorrectAnswer": True,
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "b"},
        {"passingMarks": 5},
        {"attempts": 3},
        {"attempts": None},
        {"endDate": NOW + timedelta(days=1)},
        {"attemptsGrading": "average"},
        {"showCorrectAnswer": False},
        {"endDate": None},
    ],
)
def test_what_harms_no_taker_may_change(changes):
    """Names, what results show, and more attempts, time or days are free while there are attempts."""
    assert refused_changes(BEFORE, changes, 1) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"passingMarks": 6},
        {"attempts": 1},
        {"timeDuration": 60},
        {"endDate": NOW - timedelta(days=1)},
        {"gradingType": "feedback"},
        {"sections": []},
    ],
)
def test_what_takers_began_under_stays(changes):
    """Marks, structure and limits that would shrink are refused once there are attempts, and free before."""
    assert [fault.path for fault in refused_changes(BEFORE, changes, 1)] == list(changes)
    assert refused_changes(BEFORE, changes, 0) == []


def test_a_refusal_says_why():
    """The message names the attempts and the limit that stands."""
    assert refused_changes(BEFORE, {"attempts": 1}, 7)[0].message == (
        "can only grow while the test has 7 attempts; it is 2"
    )
    assert "passingMarks" in FROZEN
