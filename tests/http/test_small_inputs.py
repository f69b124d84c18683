"""Small things that clients send: a byte order mark, 25.0, a plus sign that became a blank, a wrong word."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

BOM = b"\xef\xbb\xbf"
EVENT = {
    "event": "assignment.submitted",
    "user_id": "anna",
    "timestamp": "2026-03-02T10:00:00Z",
    "properties": {"object_id": "1"},
}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/events", EVENT, 200),
        ("/v1/events/batch", {"events": [EVENT]}, 200),
        ("/v1/events/validate", EVENT, 200),
        ("/api/validate/event", EVENT, 200),
        ("/v1/points/award", {"user_id": "anna", "points": 25, "reason": "r"}, 200),
        ("/v1/users", {"user_id": "anna"}, 201),
        ("/v1/rules", {"rule_id": "a", "trigger": "x.y", "actions": {"award_points": 1}}, 201),
    ],
)
def test_a_byte_order_mark_before_json_is_no_fault(organisation, path, body, status):
    """Editors and some languages put a mark before UTF-8; the JSON behind it is read."""
    headers = {"Content-Type": "application/json"}
    response = organisation.api.request(
        "POST", path, content=BOM + json.dumps(body).encode(), headers=headers
    )
    assert response.status_code == status, response.text


def test_a_byte_order_mark_before_a_hooks_body(organisation):
    """A platform's body may begin with the mark as well."""
    body = {"eventname": r"\core\event\user_loggedin", "id": "1", "userid": "7", "timecreated": "1772445600"}
    assert organisation.hook(BOM + json.dumps(body).encode()).json()["points_awarded"] == 5


def test_a_whole_number_may_be_written_with_a_point(organisation):
    """25.0 points are 25, also as a repeat of 25 under one idempotency key; 25.5, "25" and true are none."""
    api = organisation.api

    def award(points):
        body = {"user_id": "anna", "points": points, "reason": "r"}
        return api.post("/v1/points/award", body, headers={"Idempotency-Key": "k"})

    assert award(25.0).json()["points"] == 25
    assert award(25).headers["Idempotency-Replayed"] == "true"
    for wrong in (25.5, "25", True, 1e300):
        response = award(wrong)
        assert response.status_code == 400, wrong
        assert response.json()["details"]["field"] == "points"
    assert api.points("anna") == 25
    assert api.patch("/v1/users/anna", {"weekly_goal": 80.0}).json()["weekly_goal"] == 80
    rule = {
        "rule_id": "a",
        "trigger": "x.y",
        "actions": {"award_points": 7.0},
        "constraints": {"max_per_day": 2.0},
    }
    assert api.post("/v1/rules", rule).status_code == 201
    badge = {"badge_id": "b", "name": "B", "criteria": {"points": 100.0}}
    assert api.post("/v1/badges", badge).status_code == 201


def test_a_plus_sign_that_became_a_blank_is_understood(organisation):
    """A query string's + is a blank: addresses and offsets are found as they were meant."""
    api = organisation.api
    api.post("/v1/users", {"user_id": "ada", "email": "ada+1@example.org"})
    api.post("/v1/events", EVENT)
    for query in ("email=ada+1@example.org", "email=ada%2B1@example.org", "q=ada+1@exam"):
        found = api.request("GET", f"/v1/users/search?{query}").json()["users"]
        assert [user["user_id"] for user in found] == ["ada"], query
    for since, number in (("2026-03-02T11:00:00+01:00", 1), ("2026-03-02T11:00:01+01:00", 0)):
        for query in (since, since.replace("+", "%2B")):
            found = api.request("GET", f"/v1/events?since={query}").json()["events"]
            assert len(found) == number, query
    refused = api.request("GET", "/v1/events?since=yesterday+noon")
    assert refused.status_code == 400


def test_a_plus_sign_in_a_learners_id(organisation):
    """Addresses and telephone numbers are ids as well: in a query string they name the same learner."""
    api = organisation.api
    for user_id in ("ada+1@example.org", "+49 170", "ben"):
        api.event("course.completed", user_id, properties={"course_id": "1"}, event_id=user_id)
    for sent, meant in (("ada+1@example.org", "ada+1@example.org"), ("%2B49+170", "+49 170"), ("ben", "ben")):
        found = api.request("GET", f"/v1/events?user_id={sent}").json()["events"]
        assert [event["user_id"] for event in found] == [meant]
        assert api.request("GET", f"/v1/leaderboard?around={sent}").status_code == 200
    for nobody, status in (("nobody+here", 404), ("nobody%00here", 400)):
        assert api.request("GET", f"/v1/leaderboard?around={nobody}").status_code == status


@pytest.mark.parametrize(
    ("path", "name", "meant"),
    [
        ("/v1/events?userid=7", "userid", "user_id"),
        ("/v1/events?User_Id=7", "User_Id", "user_id"),
        ("/v1/leaderboard?perod=week", "perod", "period"),
        ("/v1/users?state=active", "state", "status"),
        ("/v1/users/search?mail=a@b.c", "mail", "email"),
        ("/v1/users/anna/ledger?limits=5", "limits", "limit"),
        ("/v1/rules?x=1", "x", None),
        ("/v1/organisation?verbose=1", "verbose", None),
    ],
)
def test_an_unknown_query_parameter_is_refused_with_the_one_meant(organisation, path, name, meant):
    """A parameter that a path doesn't have is no filter that lets all pass: 400 names it and what is near."""
    response = organisation.api.request("GET", path)
    assert response.status_code == 400, response.text
    assert response.json()["details"]["field"] == name
    if meant:
        assert f"{meant} may be meant" in response.json()["message"]


def test_unknown_parameters_of_writes_store_nothing(organisation):
    """`?dry_run=1` where there is no dry run isn't taken for a wish that was heard."""
    api = organisation.api
    for path, body in (("/v1/events", EVENT), ("/v1/events/batch", {"events": [EVENT]})):
        assert api.post(f"{path}?dry_run=1", body).status_code == 400
    award = {"user_id": "anna", "points": 5, "reason": "r"}
    assert api.post("/v1/points/award?dry_run=1", award).status_code == 400
    assert api.get("/v1/events").json()["events"] == []
    assert api.get("/v1/users").json()["users"] == []


def test_what_is_added_to_a_hooks_url_costs_no_event(organisation):
    """A platform's URL may carry anything; its events are taken."""
    body = {"eventname": r"\core\event\user_loggedin", "id": "1", "userid": "7", "timecreated": "1772445600"}
    response = organisation.server.client.post(
        f"{organisation.moodle.path}?from=moodle",
        json=body,
        headers={"Authorization": f"Bearer {organisation.moodle.token}"},
    )
    assert response.json()["points_awarded"] == 5


def test_a_percentage_that_is_off_by_rounding_is_whole(organisation):
    """100.00000000000001 % is 100 %, and a hair below nothing is nothing; 100.1 is refused."""
    for number, (sent, kept) in enumerate(((100.00000000000001, 100), (-1e-15, 0), (99.5, 99.5))):
        answer = organisation.api.event(
            "course.completed", event_id=f"e{number}", properties={"progress_pct": sent}
        )
        assert organisation.api.read(answer["event_id"])["properties"]["progress_pct"] == kept
    refused = organisation.api.post("/v1/events", {**EVENT, "properties": {"progress_pct": 100.1}})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/events?user_id=anna&user_id=ben", "user_id"),
        ("/v1/events?limit=5&limit=5", "limit"),
        ("/v1/leaderboard?course=1&period=week&course=2", "course"),
        ("/v1/users/search?email=a@b.c&q=a&email=d@e.f", "email"),
        ("/v1/audit?actor=a&actor=", "actor"),
        ("/assessment/v1/tests?search=a&search=b", "search"),
    ],
)
def test_a_query_parameter_that_comes_twice_is_refused(organisation, path, name):
    """One of two values would count in silence, and the answer would be about somebody else: 400 names it."""
    response = organisation.api.request("GET", path)
    assert response.status_code == 400, response.text
    assert f"{name}: is given 2 times; give it once" in response.text


def test_a_link_to_a_public_page_may_be_tagged(organisation):
    """What networks and newsletters add to links is let be, once or twice, wherever anybody may look without
    a key; a platform may add what it likes to its hook's address."""
    award = {"user_id": "anna", "badge_id": "quiz_master"}
    organisation.api.post("/v1/badges/award", award)
    (badge,) = organisation.api.get("/v1/users/anna/badges").json()["badges"]
    page = urlsplit(badge["verification_url"]).path
    issuer = page.rpartition("/awards/")[0]
    shown = organisation.api.request("GET", page, headers={"Accept": "application/json"}).json()
    picture = urlsplit(shown["badge"]["image"]).path
    for path in (page, f"{page}/credential.json", f"{page}/badge.png", picture, issuer, "/", "/docs"):
        for tags in ("utm_source=feed&utm_medium=mail", "fbclid=1&fbclid=2", "v=3"):
            plain = organisation.api.request("GET", path)
            tagged = organisation.api.request("GET", f"{path}?{tags}")
            assert (tagged.status_code, tagged.content) == (plain.status_code, plain.content), path
            assert plain.status_code < 400, path
    body = {"eventname": r"\core\event\user_loggedin", "id": "1", "userid": "7", "timecreated": "1772445600"}
    hook = "/api/public/hook/moodle/event?utm_source=a&utm_source=b"
    token = {"Authorization": f"Bearer {organisation.moodle.token}"}
    sent = organisation.api.request("POST", hook, content=json.dumps(body), headers=token)
    assert sent.json()["points_awarded"] == 5


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/users/anna/split", {"identities": []}, "identities: must have at least one entry"),
        ("/v1/users/anna/identities", {"identities": []}, "identities: must have at least one entry"),
        ("/v1/rules/simulate", {"rules": [], "since": "90d"}, "rules: must have at least one entry"),
        ("/v1/users/anna/split", {"identities": [""]}, "identities[0]: must not be empty"),
        ("/v1/users/anna/split", {}, "identities: is required"),
        ("/v1/users/anna/split", {"identities": "x"}, "identities: must be a list"),
        ("/v1/users/anna/split", {"identities": ["x"], "all": 1}, "all: is no field that is known here"),
        (
            "/v1/users/anna/split",
            {"identities": ["x" * 401]},
            "identities[0]: must have at most 400 characters",
        ),
        ("/v1/points/award", {"user_id": 7, "points": 1, "reason": "r"}, "user_id: must be a text"),
        ("/v1/events/batch", {"events": []}, "events: must be a list of 1 to 10000 events"),
    ],
)
def test_what_a_body_lacks_is_said_in_our_words(organisation, path, body, said):
    """An empty list and its like name the field and what it must be, without the words of a library."""
    response = organisation.api.post(path, body)
    assert response.status_code == 400
    assert response.json()["message"] == said
