"""Teachers bring banks of questions as files and take them along: Moodle XML and GIFT."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.examination import BASE, Hall, code_of, details_of

FIXTURES = Path(__file__).parents[1] / "fixtures" / "assessments"
MADE = ("questionOptionId", "questionId", "createdAt", "tenantId", "organisationId")
FILES = {"moodle_xml": "bank.xml", "gift": "bank.gift"}


@pytest.fixture
def hall(organisation) -> Hall:
    """A fresh organisation's tests."""
    return Hall(organisation)


def _send(hall, form, data, **parameters):
    content = data if isinstance(data, bytes) else data.encode()
    return hall.organisation.api.request(
        "POST", f"{BASE}/questions/import", params={"format": form, **parameters}, content=content
    )


def _import(hall, form, data, **parameters):
    response = _send(hall, form, data, **parameters)
    assert response.is_success, response.text
    return response.json()["result"]


def _questions(hall, **parameters):
    """The bank without what another making of the same questions changes."""
    rows = hall.organisation.api.request("GET", f"{BASE}/questions", params={"limit": 500, **parameters})
    found = []
    for row in rows.json()["result"]["content"]:
        kept = ("type", "text", "textFormat", "marks", "negativeMarks", "alias", "level", "categoryId",
                "allowPartialScoring", "params", "feedback")  # fmt: skip
        options = [
            {name: value for name, value in option.items() if name not in MADE} for option in row["options"]
        ]
        found.append({**{name: row[name] for name in kept}, "options": options})
    return found


@pytest.mark.parametrize("form", FILES)
def test_a_bank_comes_in_goes_out_and_comes_in_again_the_same(hall, make_organisation, form):
    """Imported by one organisation, exported, and imported by another, a bank of every kind is the same."""
    result = _import(hall, form, (FIXTURES / FILES[form]).read_bytes())
    assert (result["refused"], result["imported"]) == (0, len(result["questions"]))
    out = hall.get(f"/questions/export?format={form}")
    assert (out["questions"], [note for note in out["notes"] if note["refused"]]) == (result["imported"], [])
    other = Hall(make_organisation())
    again = _import(other, form, out["text"])
    assert again["imported"] == result["imported"]
    assert _questions(other) == _questions(hall)
    assert other.get(f"/questions/export?format={form}")["text"] == out["text"]


def test_what_was_imported_is_taken_and_scored(hall):
    """Published by the import, questions stand in a test, are answered by a learner and scored."""
    result = _import(hall, "moodle_xml", (FIXTURES / "bank.xml").read_bytes(), publish=True)
    assert {one["status"] for one in result["questions"]} == {"published"}
    ids = {one["name"]: one["questionId"] for one in result["questions"]}
    asked = {name: hall.get(f"/questions/{question_id}") for name, question_id in ids.items()}
    test_id = hall.test([asked[name] for name in ("Thirds", "Capitals", "Multiplication sign")])
    thirds, capitals = asked["Thirds"], asked["Capitals"]
    picked = [one["questionOptionId"] for one in thirds["options"] if one["text"] in ("Po", "Arno")]
    pairs = [
        {"optionId": one["questionOptionId"], "matchWith": one["matchWith"]}
        for one in capitals["options"]
        if one["text"]
    ]
    answers = {
        thirds["questionId"]: {"selectedOptionIds": picked},
        capitals["questionId"]: {"matches": pairs},
        asked["Multiplication sign"]["questionId"]: {"blanks": ["mul(2, 3)"]},
    }
    assert hall.take(test_id, "anna", answers)["score"] == 0.67 + 4 + 1


@pytest.mark.parametrize(
    ("form", "file", "count"), [("moodle_xml", "refused.xml", 17), ("gift", "refused.gift", 8)]
)
def test_what_does_not_fit_is_named(hall, form, file, count):
    """Each question that isn't taken is named with its line and reason; the one that fits is kept."""
    result = _import(hall, form, (FIXTURES / file).read_bytes())
    assert (result["imported"], result["refused"]) == (1, count)
    refused = [note for note in result["notes"] if note["refused"]]
    assert all(note["name"] and note["line"] and note["message"] for note in refused)
    assert len(_questions(hall)) == 1


def test_a_file_can_be_tried(hall):
    """A dry run says what would come of a file and keeps nothing."""
    response = _send(hall, "gift", (FIXTURES / "bank.gift").read_bytes(), dryRun=True)
    result = response.json()["result"]
    assert (response.status_code, result["imported"], len(result["questions"])) == (200, 0, 11)
    assert {one["questionId"] for one in result["questions"]} == {None}
    assert _questions(hall) == []


def test_a_category_can_be_given(hall):
    """With `categoryId` all questions of a file stand under it, and are exported by it."""
    _import(hall, "gift", "::A::z{}\n", categoryId="physics")
    _import(hall, "gift", "$CATEGORY: other\n\n::B::z{}\n")
    out = hall.get("/questions/export?format=gift&categoryId=physics")
    assert (out["questions"], out["text"]) == (1, "$CATEGORY: physics\n\n::A::z{}\n\n")


@pytest.mark.parametrize(
    ("form", "data", "line"),
    [
        ("moodle_xml", '<!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]><quiz>&x;</quiz>', 1),
        ("moodle_xml", "<quiz>\n<question>\n</quiz>", 3),
        ("moodle_xml", "", 1),
        ("gift", b"a{}\n\n\xff", 3),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(hall, form, data, line):
    """A document type, broken XML, another encoding: refused as a whole, with the line."""
    refused = _send(hall, form, data)
    assert (refused.status_code, code_of(refused), details_of(refused)["line"]) == (
        400,
        "invalid_payload",
        line,
    )
    assert _questions(hall) == []


def test_a_file_is_bounded(hall):
    """More than five million bytes are refused before they are read, and so is a form that nobody knows."""
    assert _send(hall, "gift", b"x" * 5_000_001).status_code == 413
    assert _send(hall, "qti", "x").status_code == 400


def test_questions_are_told_of(hall):
    """What an import makes is told like what an author makes: events name each question."""
    hall.organisation.api.post(
        "/v1/webhooks", {"url": "https://receiver.example/", "events": ["question.created"]}
    )
    _import(hall, "gift", "::A::z{}\n\n::B::z{}\n")
    listed = hall.organisation.api.get("/v1/webhooks").json()
    webhook_id = listed["webhooks"][0]["id"]
    told = hall.organisation.api.get(f"/v1/webhooks/{webhook_id}/deliveries").json()["deliveries"]
    assert [one["event"] for one in told] == ["question.created"] * 2
