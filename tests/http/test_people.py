"""People as administrators keep them: made, found, changed, suspended, given identities."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest


def create(organisation, user_id="anna", **fields):
    return organisation.api.post("/v1/users", {"user_id": user_id, **fields})


def moodle_login(organisation, moodle_id, number=1, day=2):
    """A login of a Moodle user, as its plugin sends it; what was answered."""
    at = int(datetime(2026, 3, day, 10, tzinfo=UTC).timestamp())
    body = (
        f'{{"eventname": "\\\\core\\\\event\\\\user_loggedin", "id": "{number}",'
        f' "userid": "{moodle_id}", "timecreated": "{at}"}}'
    )
    response = organisation.hook(body)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_learner_is_made_and_read_by_any_identity(organisation):
    """All that is sent is kept, answered with 201, and read under each identity."""
    response = create(
        organisation,
        email="Anna@Example.org",
        name="Anna Berg",
        identities=["crm:77"],
        external_ids={"moodle": 8774},
        weekly_goal=80,
        metadata={"cohort": "2026"},
    )
    made = response.json()
    assert response.status_code == 201
    assert made.pop("released") == {"events": 0, "points_awarded": 0, "more": False}
    assert made.pop("created_at").endswith("Z")
    assert made == {
        "user_id": "anna",
        "email": "Anna@Example.org",
        "name": "Anna Berg",
        "status": "active",
        "weekly_goal": 80,
        "leaderboard": "shown",
        "metadata": {"cohort": "2026"},
        "identities": ["anna", "crm:77", "moodle:8774"],
    }
    for identity in made["identities"]:
        assert organisation.api.get(f"/v1/users/{identity}").json()["user_id"] == "anna"
    assert organisation.api.get("/v1/users/anna/balance").json()["points"] == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"user_id": "anna"}, "user_id"),
        ({"user_id": "other", "identities": ["moodle:1"]}, "identities"),
        ({"user_id": "other", "email": "ANNA@example.org"}, "email"),
    ],
)
def test_what_is_taken_is_a_conflict(organisation, fields, field):
    """A user_id, identity or address that somebody has is a 409 that names the field; nobody is made."""
    assert create(organisation, email="anna@example.org", identities=["moodle:1"]).status_code == 201
    response = create(organisation, **fields)
    assert (response.status_code, response.json()["details"]["field"]) == (409, field)
    assert organisation.api.get("/v1/users/other").status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"user_id": "a/b"}, "user_id"),
        ({"user_id": "search"}, "user_id"),
        ({"user_id": "x" * 256}, "user_id"),
        ({"email": "nobody"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"weekly_goal": 0}, "weekly_goal"),
        ({"weekly_goal": "50"}, "weekly_goal"),
        ({"identities": ["a/b"]}, "identities[0]"),
        ({"identities": [f"x:{number}" for number in range(21)]}, "identities"),
        ({"external_ids": {"moodle": []}}, "external_ids.moodle"),
        ({"external_ids": "moodle:1"}, "external_ids"),
        ({"metadata": {"a": "\x00"}}, "metadata.a"),
        ({"metadata": {"a": "x" * 20_000}}, "metadata"),
        ({"surname": "Berg"}, "surname"),
    ],
)
def test_a_faulty_field_is_named(organisation, fields, field):
    """Every field is bounded; a 400 names the one at fault and nobody is made."""
    response = organisation.api.post("/v1/users", {"user_id": "anna", **fields})
    details = response.json()["details"]
    assert response.status_code == 400
    found = [details["field"], *(error["path"] for error in details["errors"])]
    assert any(path == field or path.startswith(f"{field}.") for path in found), found
    assert organisation.api.get("/v1/users").json()["users"] == []


def test_learners_are_listed_by_pages_and_filters(organisation):
    """The latest made comes first; pages go on where the last one ended; status and time filter."""
    for name in ("a", "b", "c", "d", "e"):
        create(organisation, name)
    organisation.api.patch("/v1/users/c", {"status": "suspended"})
    first = organisation.api.get("/v1/users", limit=3).json()
    rest = organisation.api.get("/v1/users", limit=3, cursor=first["next_cursor"]).json()
    assert [user["user_id"] for user in first["users"] + rest["users"]] == ["e", "d", "c", "b", "a"]
    assert rest["next_cursor"] is None
    (suspended,) = organisation.api.get("/v1/users", status="suspended").json()["users"]
    assert suspended["user_id"] == "c"
    since = organisation.api.get("/v1/users/c").json()["created_at"]
    later = organisation.api.get("/v1/users", since=since).json()["users"]
    earlier = organisation.api.get("/v1/users", until=since).json()["users"]
    assert {user["user_id"] for user in later} >= {"d", "e"}
    assert {user["user_id"] for user in earlier} >= {"a"}
    assert len(later) + len(earlier) == 5
    assert organisation.api.get("/v1/users", status="happy").status_code == 400
    assert organisation.api.get("/v1/users", since="yesterday").status_code == 400


def test_search_by_address_and_by_beginnings(organisation):
    """An address is found whatever its case; a beginning finds names, addresses and ids, as plain text."""
    create(organisation, "anna", email="Anna@Example.org", name="Anna Berg", identities=["moodle:8774"])
    create(organisation, "ben", email="ben@example.org", name="Annabel Low")
    create(organisation, "100%_x")

    def found(**query):
        response = organisation.api.get("/v1/users/search", **query)
        assert response.status_code == 200, response.text
        return [user["user_id"] for user in response.json()["users"]]

    assert found(email="aNNa@example.ORG") == ["anna"]
    assert found(email="anna@example") == []
    assert found(q="ANNA") == ["anna", "ben"]
    assert found(q="ben@") == ["ben"]
    assert found(q="moodle:87") == ["anna"]
    assert found(q="100%_") == ["100%_x"]
    assert found(q="%") == found(q="_") == found(q="\\") == []
    assert len(found(q="ann", limit=1)) == 1
    for query in ({}, {"email": "a@b", "q": "a"}, {"q": ""}):
        assert organisation.api.get("/v1/users/search", **query).status_code == 400


def test_a_search_goes_by_index(organisation, owner):
    """None of the searches reads all learners: each branch of the plan is an index scan."""
    from rocket_server.learners.people import SQL

    statement = SQL["search"].replace("$1", f"'{organisation.organisation_id}'")
    statement = statement.replace("$2", "'ann%'").replace("$3", "50")
    owner.execute("SET enable_seqscan = off")
    try:
        plan = "\n".join(row["QUERY PLAN"] for row in owner.fetch(f"EXPLAIN {statement}"))
    finally:
        owner.execute("RESET enable_seqscan")
    assert "Seq Scan" not in plan
    for index in ("learners_by_name", "learners_by_email", "identities_by_beginning"):
        assert f"{index}" in plan
    assert plan.count("~>=~") == 3, plan


def test_fields_are_changed_one_by_one(organisation):
    """What isn't sent stays, null takes away, and who changed which field is kept without the values."""
    create(organisation, email="anna@example.org", name="Anna", weekly_goal=80, metadata={"a": 1})
    changed = organisation.api.patch("/v1/users/anna", {"name": "Anna Berg", "weekly_goal": None}).json()
    assert (changed["name"], changed["weekly_goal"], changed["email"], changed["metadata"]) == (
        "Anna Berg",
        None,
        "anna@example.org",
        {"a": 1},
    )
    assert organisation.api.patch("/v1/users/anna", {"email": None}).json()["email"] is None
    changes = organisation.api.get("/v1/users/anna/changes").json()["changes"]
    assert [(change["action"], change["detail"]) for change in changes] == [
        ("changed", {"fields": ["email"]}),
        ("changed", {"fields": ["name", "weekly_goal"]}),
        ("created", {}),
    ]
    assert all(change["actor"].startswith("key:rk_") for change in changes)
    assert organisation.api.patch("/v1/users/nobody", {"name": "x"}).status_code == 404
    for body in ({"status": None}, {"status": "anonymised"}, {"name": ""}, {"email": "x"}, {"user_id": "b"}):
        assert organisation.api.patch("/v1/users/anna", body).status_code == 400


def test_an_address_that_is_taken_stays(organisation):
    """Changing to somebody's address is a 409 and changes nothing, not even the other fields."""
    create(organisation, email="anna@example.org")
    create(organisation, "ben", name="Ben")
    response = organisation.api.patch("/v1/users/ben", {"email": "Anna@example.org", "name": "Benjamin"})
    assert (response.status_code, response.json()["details"]["field"]) == (409, "email")
    assert organisation.api.get("/v1/users/ben").json()["name"] == "Ben"


def test_a_new_identity_releases_what_was_held_for_it(organisation, adds_up):
    """Events wait for an unknown learner; given to somebody by REST, they are run at once, each once."""
    organisation.api.patch("/v1/organisation", {"unknown_learner": "hold"})
    assert create(organisation).status_code == 201
    for number in (1, 2, 3):
        assert moodle_login(organisation, 8774, number, day=number)["status"] == "ignored"
    moodle_login(organisation, 9, 4)
    answer = organisation.api.post("/v1/users/anna/identities", {"identities": ["moodle:8774"]})
    assert answer.status_code == 201
    assert answer.json()["identities"] == ["anna", "moodle:8774"]
    assert answer.json()["released"] == {"events": 3, "points_awarded": 15, "more": False}
    assert organisation.api.points("anna") == 15
    again = organisation.api.post("/v1/users/anna/identities", {"identities": ["moodle:8774"]}).json()
    assert again["released"]["events"] == 0
    assert len(organisation.api.get("/v1/events", status="held").json()["events"]) == 1
    made = create(organisation, "ben", external_ids=["moodle:9"]).json()
    assert made["released"] == {"events": 1, "points_awarded": 5, "more": False}
    adds_up(organisation)


def test_an_identity_of_somebody_else_is_not_taken(organisation):
    """Another learner's identity is a 409, also beside free ones, and nothing is linked."""
    create(organisation)
    create(organisation, "ben", identities=["moodle:9"])
    response = organisation.api.post("/v1/users/anna/identities", {"identities": ["crm:1", "moodle:9"]})
    assert (response.status_code, response.json()["details"]["field"]) == (409, "identities")
    assert organisation.api.get("/v1/users/crm:1").status_code == 404
    assert organisation.api.post("/v1/users/nobody/identities", {"identities": ["x:1"]}).status_code == 404
    assert organisation.api.post("/v1/users/anna/identities", {"identities": []}).status_code == 400


def test_identities_are_added_and_removed(organisation):
    """PATCH adds and removes; one that isn't the learner's, or his user_id, can't be removed."""
    create(organisation, identities=["moodle:1"])
    body = {"add_identities": ["moodle:2"], "remove_identities": ["moodle:1"]}
    changed = organisation.api.patch("/v1/users/moodle:1", body).json()
    assert changed["identities"] == ["anna", "moodle:2"]
    assert organisation.api.get("/v1/users/moodle:1").status_code == 404
    for gone in ("moodle:1", "anna"):
        response = organisation.api.patch("/v1/users/anna", {"remove_identities": [gone]})
        assert (response.status_code, response.json()["details"]["field"]) == (400, "remove_identities")


def test_a_suspended_learner_is_given_nothing(organisation, adds_up):
    """Events are kept, with the outcome suspended; points by hand are refused; later he earns again."""
    organisation.api.event("course.completed", properties={"course_id": "1"})
    assert organisation.api.patch("/v1/users/anna", {"status": "suspended"}).json()["status"] == "suspended"
    kept = organisation.api.event("course.completed", properties={"course_id": "2"}, event_id="kept")
    assert (kept["points_awarded"], kept["decisions"][0]["outcome"]) == (0, "suspended")
    body = {"user_id": "anna", "points": 5, "reason": "x"}
    for action in ("award", "deduct"):
        response = organisation.api.post(f"/v1/points/{action}", body)
        assert (response.status_code, response.json()["error"]) == (409, "conflict")
    assert organisation.api.points("anna") == 50
    organisation.api.patch("/v1/users/anna", {"status": "active"})
    organisation.api.event("course.completed", properties={"course_id": "3"})
    assert organisation.api.points("anna") == 100
    again = organisation.api.post(f"/v1/events/{kept['event_id']}/retry").json()
    assert again["points_awarded"] == 50
    changes = organisation.api.get("/v1/users/anna/changes").json()["changes"]
    assert [change["action"] for change in changes] == ["activated", "suspended"]
    adds_up(organisation)


def test_running_an_old_event_of_a_suspended_learner_takes_nothing_back(organisation, adds_up):
    """What was earned before the suspension stays, also where the event is run again meanwhile."""
    earned = organisation.api.event("course.completed", properties={"course_id": "1"})
    organisation.api.patch("/v1/users/anna", {"status": "suspended"})
    again = organisation.api.post(f"/v1/events/{earned['event_id']}/retry").json()
    assert again["points_awarded"] == 50
    assert organisation.api.points("anna") == 50
    adds_up(organisation)


def test_only_administrators_change_people(organisation, portal, store):
    """A key that may only read is refused everywhere where people are changed."""
    from rocket_server.organisations import keys

    async def make():
        async with store.transaction() as conn:
            return await keys.create(conn, organisation.model, name="reader", scopes=["read"])

    key, _ = portal.call(make)
    create(organisation)
    for method, path, body in (
        ("POST", "/v1/users", {"user_id": "x"}),
        ("PATCH", "/v1/users/anna", {"name": "x"}),
        ("POST", "/v1/users/anna/identities", {"identities": ["x:1"]}),
        ("POST", "/v1/users/anna/merge", {"from": "ben"}),
        ("DELETE", "/v1/users/anna", None),
        ("GET", "/v1/users/anna/changes", None),
    ):
        headers = {"Authorization": f"Bearer {key}"}
        response = organisation.server.client.request(method, path, json=body, headers=headers)
        assert response.status_code == 403, (method, path)


def test_a_learner_has_a_bound_of_identities(organisation, owner):
    """A thousand identities are enough for one person: by hand a further one is a 409, and so is a merge of
    two who have more together; an event that tells one more counts, without it."""
    create(organisation)
    create(organisation, "ben", identities=["crm:ben"])
    owner.execute(
        "INSERT INTO identities (organisation_id, identity, learner_id)"
        " SELECT l.organisation_id, 'x:' || n, l.learner_id FROM learners l, generate_series(1, 999) AS n"
        " WHERE l.organisation_id = $1 AND l.user_id = 'anna'",
        organisation.organisation_id,
    )
    api = organisation.api
    again = api.post("/v1/users/anna/identities", {"identities": ["x:1"]})
    assert again.status_code == 201
    more = api.post("/v1/users/anna/identities", {"identities": ["x:1000"]})
    assert (more.status_code, more.json()["details"]["limit"]) == (409, 1_000)
    assert api.post("/v1/users/anna/merge", {"from": "ben"}).status_code == 409
    assert api.get("/v1/users/ben").json()["identities"] == ["ben", "crm:ben"]

    event = {
        "event": "course.completed",
        "occurred_at": "2026-03-02T10:00:00Z",
        "user": {"id": "anna", "external_ids": ["x:1001"]},
        "context": {"course": {"id": "c1"}},
    }
    answer = api.post("/v1/events", event).json()
    assert (answer["status"], answer["points_awarded"]) == ("processed", 50)
    assert api.get("/v1/users/x:1001").status_code == 404
    event["user"] = {"id": "x:1001", "external_ids": ["x:2"]}
    assert api.post("/v1/events", event).json()["points_awarded"] == 50
    assert api.get("/v1/users/x:1001").json()["user_id"] == "x:1001"
    assert api.points("anna") == 50
