"""Every request that a real Moodle sent, posted to the hook: who gets what, once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from support.captures import Capture, all_captures, capture, expectations, site, stream
from support.organisation import Organisation

UNREADABLE = "scenario.unquoted-numbers.1.seed-template.json"
REDIRECTED = "scenario.redirect-302.2.form.json"
EXPECTED = expectations()
STAFF = sorted(number for number, user in site()["users"].items() if user["role"] != "learner")
GROUPS: dict[str, list[Capture]] = {"moodle-4.5": []}
for found in all_captures():
    if found.name not in {UNREADABLE, REDIRECTED}:
        group = "moodle-4.5" if found.name.startswith("moodle-4.5") else found.variant
        GROUPS.setdefault(group, []).append(found)


@pytest.fixture(scope="module")
def capture_server(start_server):
    """A server that takes the captures at any date, however long before them."""
    return start_server("captures", ROCKET_MAX_CLOCK_SKEW="1000000000")


@pytest.fixture
def fresh(make_organisation, capture_server):
    """Makes a fresh organisation on that server."""
    return lambda staff_ids=tuple(EXPECTED["staff_ids"]): make_organisation(staff_ids=staff_ids).on(
        capture_server
    )


def post(organisation: Organisation, sent: Capture) -> dict[str, Any]:
    """Post a capture, which has to be answered with 200."""
    response = organisation.server.client.post(
        organisation.moodle.path,
        content=sent.body.encode(),
        headers={"Authorization": f"Bearer {organisation.moodle.token}", **sent.headers},
    )
    assert response.status_code == 200, (sent.name, response.text)
    return dict(response.json())


def balances(organisation: Organisation, owner) -> dict[str, int]:
    rows = owner.fetch(
        "SELECT l.user_id, a.points FROM learners l JOIN accounts a"
        " ON a.organisation_id = l.organisation_id AND a.account_id = l.learner_id"
        " WHERE l.organisation_id = $1",
        organisation.organisation_id,
    )
    return {row["user_id"]: row["points"] for row in rows}


def check_row(organisation: Organisation, row: dict[str, Any]) -> None:
    """Post one capture and compare what became of it with the row worked out by hand."""
    answer = post(organisation, capture(row["file"]))
    words = {"processed": "success", "ignored": "ignored", "duplicate": "duplicate"}
    assert (answer["status"], answer["points_awarded"]) == (words[row["status"]], row["points"]), row["file"]
    stored = organisation.api.read(answer["event_id"])
    assert stored["user_id"] == row["learner"]
    if row["event"] is not None:
        assert stored["event"] == row["event"]
    if row["reason"] is not None:
        assert stored["reason"].startswith(f"{row['reason']}:")
    for name in ("module", "lesson_id", "course_id"):
        if name in row:
            assert stored["properties"][name] == row[name]


@pytest.mark.parametrize("row", EXPECTED["alone"], ids=lambda row: row["file"])
def test_one_capture_alone(row, fresh):
    """Posted into a fresh organisation, a capture is the event, learner and points worked out by hand."""
    check_row(fresh(), row)


@pytest.mark.parametrize("sequence", EXPECTED["sequences"], ids=lambda sequence: sequence["name"])
def test_captures_in_sequence(sequence, fresh, adds_up):
    """Posted in their order into one organisation, captures are worth what was worked out by hand."""
    organisation = fresh(sequence.get("staff_ids", EXPECTED["staff_ids"]))
    for row in sequence["expected"]:
        check_row(organisation, row)
    adds_up(organisation)


def check_all(organisation: Organisation, sent: list[Capture], owner, adds_up) -> None:
    """Post everything twice: all answered with 200, the second time duplicates; staff get nothing."""
    answers = [post(organisation, one) for one in sent]
    assert {answer["status"] for answer in answers} <= {"success", "ignored", "duplicate"}
    before = balances(organisation, owner)
    # Everything that was awarded stands in some answer. Fewer than awarded: a merge decided anew.
    assert sum(before.values()) == sum(answer["points_awarded"] for answer in answers) > 0
    again = [post(organisation, one) for one in sent]
    assert {(answer["status"], answer["points_awarded"]) for answer in again} == {("duplicate", 0)}
    assert [answer["event_id"] for answer in again] == [answer["event_id"] for answer in answers]
    assert balances(organisation, owner) == before
    assert not {f"moodle:{number}" for number in (*STAFF, "0", "1", "-1")} & before.keys()
    adds_up(organisation)


@pytest.mark.parametrize("variant", sorted(GROUPS))
def test_every_capture_of_a_variant(variant, fresh, owner, adds_up):
    """All captures of a variant are taken; posted again they are duplicates and no balance moves."""
    # The users of the Moodle 4.5 site are others: 5 is a learner there.
    organisation = fresh(["2"]) if variant == "moodle-4.5" else fresh(STAFF)
    if variant == "moodle-4.5":
        answers = [post(organisation, one) for one in GROUPS[variant]]
        assert {answer["status"] for answer in answers} <= {"success", "ignored", "duplicate"}
        before = balances(organisation, owner)
        assert set(before) == {"moodle:5"}
        again = [post(organisation, one) for one in GROUPS[variant]]
        assert {(answer["status"], answer["points_awarded"]) for answer in again} == {("duplicate", 0)}
        assert balances(organisation, owner) == before
        adds_up(organisation)
    else:
        check_all(organisation, GROUPS[variant], owner, adds_up)


@pytest.mark.parametrize("variant", ["rich-template", "seed-template"])
def test_whole_stream(variant, fresh, owner, adds_up):
    """A whole recorded site, in its order of arrival: three learners have points, staff have none."""
    organisation = fresh(STAFF)
    sent = [one for one in stream(variant) if one.method == "POST" and '"relateduserid": ,' not in one.body]
    check_all(organisation, sent, owner, adds_up)
    learners = {f"moodle:{number}" for number, user in site()["users"].items() if user["role"] == "learner"}
    assert learners <= {user_id for user_id, points in balances(organisation, owner).items() if points > 0}


def test_a_template_without_quotes_is_explained(fresh):
    """The body that isn't JSON is refused and kept, with words for the person who wrote the template."""
    organisation = fresh()
    body = capture(UNREADABLE).body
    response = organisation.hook(body)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_payload"
    (logged,) = organisation.api.get(f"/v1/sources/{organisation.moodle.source_id}/requests").json()[
        "requests"
    ]
    assert (logged["status"], logged["outcome"], logged["body"]) == (400, "refused", body)
    assert "relateduserid" in logged["reason"]
    assert re.search(r"quotes around each placeholder", logged["reason"])
    assert logged["request_id"] == response.json()["request_id"]


def test_a_redirected_get_is_refused(fresh):
    """Moodle follows a redirect with a GET: the hook answers 405 in JSON, so that it shows."""
    organisation = fresh()
    response = organisation.server.client.request(
        capture(REDIRECTED).method,
        organisation.moodle.path,
        headers={"Authorization": f"Bearer {organisation.moodle.token}"},
    )
    assert response.status_code == 405
    assert response.json()["error"] == "method_not_allowed"
