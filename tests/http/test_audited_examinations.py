"""No act of authors and reviewers is forgotten: each route of tests leaves its lines in the audit log."""

from __future__ import annotations

import uuid

import pytest

from rocket_server.app import api_routes
from support.acts import Route, Scenario, Stage
from support.examination import BASE, Hall, right

OWN = "what a learner does is kept with the attempt"
READS = "it only reads, by a body"
NO_ACTS = {
    ("POST", f"{BASE}/attempts/start/{{test_id}}"): OWN,
    ("POST", f"{BASE}/attempts/{{attempt_id}}/answers"): OWN,
    ("POST", f"{BASE}/attempts/{{attempt_id}}/submit"): OWN,
    ("POST", f"{BASE}/attempts/import/resultstatus"): READS,
    ("POST", f"{BASE}/tests/listsearch"): READS,
    ("POST", f"{BASE}/questions/rule-preview"): READS,
    ("POST", f"{BASE}/questions/associate-option"): "it is always refused",
}
TEST = {"title": "Unit 2", "type": "plain", "gradingType": "quiz"}
QUESTION = {"text": "Why?", "type": "essay", "marks": 2}
RULE = {
    "name": "two of all",
    "ruleType": "mixed",
    "numberOfQuestions": 1,
    "poolSize": 1,
    "testId": "{chosen_id}",
    "sectionId": "{chosen_section_id}",
}
PLACE = {"sectionId": "{section_id}", "questionId": "{other_id}"}
REVIEW = {"answers": [{"questionId": "{essay_id}", "score": 2, "remarks": "well said"}]}
PUBLISHED = Scenario(("test.published",))
UNPUBLISHED = Scenario(("test.unpublished",), before=(("POST", f"{BASE}/tests/{{test_id}}/publish", None),))
SCENARIOS: dict[Route, Scenario] = {
    ("POST", f"{BASE}/tests"): Scenario(("test.created",), TEST, again=("test.created",)),
    ("PATCH", f"{BASE}/tests/{{test_id}}"): Scenario(("test.changed",), {"title": "Unit 3"}),
    ("DELETE", f"{BASE}/tests/{{test_id}}"): Scenario(("test.deleted",), refused_again=True),
    ("POST", f"{BASE}/tests/{{test_id}}/publish"): PUBLISHED,
    ("POST", "/tests/{test_id}/publish"): PUBLISHED,
    ("POST", f"{BASE}/tests/{{test_id}}/unpublish"): UNPUBLISHED,
    ("POST", "/tests/{test_id}/unpublish"): UNPUBLISHED,
    ("POST", f"{BASE}/tests/{{test_id}}/clone"): Scenario(("test.created",), again=("test.created",)),
    ("POST", f"{BASE}/tests/{{test_id}}/questions"): Scenario(
        ("test.questions_added",), PLACE, refused_again=True
    ),
    ("POST", f"{BASE}/tests/{{test_id}}/questions/bulk"): Scenario(
        ("test.questions_added",),
        {"sectionId": "{section_id}", "questions": [{"questionId": "{other_id}"}]},
    ),
    ("DELETE", f"{BASE}/tests/{{test_id}}/question/{{question_id}}"): Scenario(
        ("test.question_removed",), refused_again=True
    ),
    ("PUT", f"{BASE}/tests/{{test_id}}/structure"): Scenario(
        ("test.arranged",), {"sections": [{"sectionId": "{section_id}", "order": 7}]}
    ),
    ("POST", f"{BASE}/sections"): Scenario(
        ("section.created",), {"title": "B", "testId": "{test_id}"}, again=("section.created",)
    ),
    ("PATCH", f"{BASE}/sections/{{section_id}}"): Scenario(("section.changed",), {"title": "C"}),
    ("DELETE", f"{BASE}/sections/{{section_id}}"): Scenario(("section.deleted",), refused_again=True),
    ("POST", f"{BASE}/questions"): Scenario(("question.created",), QUESTION, again=("question.created",)),
    ("POST", f"{BASE}/questions/import"): Scenario(
        ("question.created", "question.created"),
        content="Sun? {=yes ~no}\n\nMoon? {=yes ~no}\n",
        again=("question.created", "question.created"),
    ),
    ("PATCH", f"{BASE}/questions/{{question_id}}"): Scenario(("question.changed",), {"text": "3 + 3?"}),
    ("DELETE", f"{BASE}/questions/{{question_id}}"): Scenario(("question.changed",)),
    ("POST", f"{BASE}/questions/{{question_id}}/regrade"): Scenario(
        ("question.regraded",), {"question": {"marks": 5}, "reason": "anna said so"}, refused_again=True
    ),
    ("POST", f"{BASE}/rules"): Scenario(("test_rule.created",), RULE, again=("test_rule.created",)),
    ("PATCH", f"{BASE}/rules/{{rule_id}}"): Scenario(("test_rule.changed",), {"name": "other"}),
    ("DELETE", f"{BASE}/rules/{{rule_id}}"): Scenario(("test_rule.deleted",), refused_again=True),
    ("POST", f"{BASE}/rules/{{rule_id}}/questions"): Scenario(("test.questions_added",)),
    ("POST", f"{BASE}/attempts/{{attempt_id}}/review"): Scenario(("attempt.reviewed",), REVIEW),
    ("POST", f"{BASE}/attempts/review"): Scenario(
        ("attempt.reviewed",), {"testId": "{taken_id}", "userId": "anna", **REVIEW}
    ),
}
ROUTES = {
    (method, route.path)
    for route in api_routes()
    for method in route.methods
    if method != "GET" and route.path.startswith((BASE, "/tests/"))
}


@pytest.fixture
def stage(organisation) -> Stage:
    """A draft of one question, a rule-based draft with a rule, and an attempt that waits for a review."""
    hall = Hall(organisation)
    question, other = hall.question(), hall.question(text="3 + 1?")
    essay = hall.question(type="essay", text="write")
    test_id = hall.test([question], publish=False)
    chosen_id = hall.test([], type="rule_based", publish=False)
    taken_id = hall.test([essay, question])
    ids = {
        "test_id": test_id,
        "section_id": hall.get(f"/sections/test/{test_id}")[0]["sectionId"],
        "question_id": question["questionId"],
        "other_id": other["questionId"],
        "essay_id": essay["questionId"],
        "chosen_id": chosen_id,
        "chosen_section_id": hall.get(f"/sections/test/{chosen_id}")[0]["sectionId"],
        "taken_id": taken_id,
        "attempt_id": hall.start(taken_id, "anna"),
    }
    hall.save(ids["attempt_id"], "anna", {question["questionId"]: right(question)})
    hall.save(ids["attempt_id"], "anna", {essay["questionId"]: {"text": "because"}})
    hall.submit(ids["attempt_id"], "anna")
    made = Stage(organisation, ids)
    rule = made.ask("POST", f"{BASE}/rules", RULE | {"selectionMode": "PRESELECTED"})
    ids["rule_id"] = rule.json()["result"]["ruleId"]
    return made


def test_every_route_is_an_act_or_says_why_not():
    """Each route that isn't only read has a scenario here, or a reason; nothing is left over."""
    assert SCENARIOS.keys() | NO_ACTS.keys() == ROUTES
    assert not SCENARIOS.keys() & NO_ACTS.keys()


@pytest.mark.parametrize("route", SCENARIOS, ids=" ".join)
def test_each_act_leaves_its_lines_and_a_repetition_only_what_it_did(stage, owner, route):
    """An act leaves the lines that are listed for it, of its key and request; sent once more it leaves those
    of what it did then. Neither the learner nor the person who judges is named."""
    sent = (route[0], f"{route[1]}?format=gift") if route[1].endswith("/import") else route
    stage.try_twice(sent, SCENARIOS[route])
    written = owner.value(
        "SELECT string_agg(a::text, ' ') FROM audit a WHERE organisation_id = $1",
        stage.organisation.organisation_id,
    )
    assert "anna" not in written
    assert "because" not in written
    assert "well said" not in written


@pytest.mark.parametrize("route", SCENARIOS, ids=" ".join)
def test_what_is_refused_leaves_no_line(stage, route):
    """An act about something that isn't there, or of a body that means nothing, is a 4xx and no act."""
    before = stage.lines()
    stage.ids |= dict.fromkeys(stage.ids, str(uuid.uuid4()))
    body = {"nonsense": 1} if route[1] in (f"{BASE}/tests", f"{BASE}/questions") else SCENARIOS[route].body
    response = stage.ask(*route, body, content=None if body else "?")
    assert 400 <= response.status_code < 500
    assert stage.lines() == before


@pytest.mark.parametrize("route", NO_ACTS, ids=" ".join)
def test_what_is_no_act_leaves_no_line(stage, route):
    """What learners do with their own attempt, and what only reads, isn't in the log."""
    before = stage.lines()
    body = {"answers": [], "testId": stage.ids["taken_id"], "userId": "anna"}
    stage.ask(*route, body, **{"X-User-ID": "anna"})
    assert stage.lines() == before
