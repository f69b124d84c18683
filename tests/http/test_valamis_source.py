"""Valamis, by xAPI: statements become events and points, once, and what is voided gives them back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from support.platforms import SECRET, Sample, headers_of, samples

SAMPLES = {sample.name: sample for sample in samples("valamis")}
COURSE, LESSON, QUIZ = (
    SAMPLES[name].body for name in ("course_completed", "lesson_completed", "quiz_passed")
)
LEARNER = "valamis:8774"
VERSION = {"X-Experience-API-Version": "1.0.3"}


class Store:
    """A learning record store that sends its statements on."""

    def __init__(self, organisation: Any) -> None:
        made = organisation.api.post("/v1/sources", {"kind": "valamis"})
        assert made.status_code == 201, made.text
        self.organisation, self.source = organisation, made.json()
        self.bearer = {"Authorization": f"Bearer {self.source['token']}"}

    def send(self, body: Any, what: str = "event", method: str = "POST", **options: Any) -> Any:
        headers = self.bearer | VERSION | options.pop("headers", {})
        path = f"/api/public/hook/valamis/{what}"
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.organisation.server.client.request(method, path, content=raw, headers=headers, **options)

    def taken(self, body: Any) -> dict[str, Any]:
        """The answer to a statement that has to be taken."""
        response = self.send(body)
        assert response.status_code == 200, response.text
        return dict(response.json())


@pytest.fixture
def lrs(organisation):
    """A source of the kind `valamis`, with a token."""
    return Store(organisation)


def voids(statement: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """A statement of an administrator that voids another."""
    return SAMPLES["voiding"].body | {
        "id": f"99999999-0000-4000-8000-{number:012d}",
        "actor": {"mbox": "mailto:admin@example.org"},
        "object": {"objectType": "StatementRef", "id": statement["id"]},
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_becomes_an_event_and_points(lrs, adds_up, name):
    """A statement is stored once with what it is worth by the default rules; the same statement again is a
    duplicate, and without a good token it is a 401 that stores nothing."""
    sample: Sample = SAMPLES[name]
    expected, api = sample.expected, lrs.organisation.api
    assert lrs.send(sample.body, headers={"Authorization": "Bearer nobody's"}).status_code == 401
    assert lrs.send(sample.body, headers={"Authorization": ""}).status_code == 401
    answer = lrs.taken(sample.body)
    assert (answer["status"], answer["points_awarded"]) == (expected["status"], expected["points"])
    stored = api.read(answer["event_id"])
    assert (stored["event"], stored["user_id"]) == (expected["event"], expected["user_id"])
    assert (stored["properties"], stored["timestamp"]) == (expected["properties"], expected["timestamp"])
    assert (stored["reason"] or "").split(":")[0] == expected.get("reason", "")
    again = lrs.taken(sample.body)
    assert (again["status"], again["event_id"]) == ("duplicate", answer["event_id"])
    assert len(api.get("/v1/events").json()["events"]) == 1
    adds_up(lrs.organisation)


@pytest.mark.parametrize("statement", [COURSE, LESSON, QUIZ], ids=["course", "lesson", "quiz"])
def test_a_voided_statement_gives_its_points_back(lrs, adds_up, statement):
    """Voided by whomever, the points are taken back once, and what they counted against is free again."""
    api = lrs.organisation.api
    first = lrs.taken(statement)
    points = first["points_awarded"]
    assert api.points(LEARNER) == points > 0
    answer = lrs.taken(voids(statement))
    assert (answer["points_awarded"], answer["event_id"]) == (0, first["event_id"])
    assert api.points(LEARNER) == 0
    entries = api.get(f"/v1/users/{LEARNER}/ledger").json()["entries"]
    assert [one["points"] for one in entries] == [-points, points]
    assert api.read(first["event_id"])["reason"].startswith("voided:")
    for again in (voids(statement), statement, voids(statement, 2)):
        assert lrs.taken(again)["status"] == "duplicate"
    assert api.points(LEARNER) == 0
    anew = statement | {"id": "7a64e0f2-1a38-4de6-9f39-0000000000bb", "timestamp": "2025-10-01T10:00:00Z"}
    assert lrs.taken(anew)["points_awarded"] == points
    assert api.points(LEARNER) == points
    adds_up(lrs.organisation)


def test_what_was_voided_before_it_came_counts_for_nothing(lrs, adds_up):
    """A voiding statement that arrives first leaves nothing for the one that follows;
    others are as before."""
    api = lrs.organisation.api
    first = lrs.taken(voids(LESSON))
    assert (first["status"], first["points_awarded"]) == ("ignored", 0)
    answer = lrs.taken(LESSON)
    assert (answer["points_awarded"], answer["event_id"]) == (0, first["event_id"])
    stored = api.read(first["event_id"])
    assert (stored["event"], stored["user_id"], stored["status"]) == ("lesson.completed", LEARNER, "ignored")
    assert api.points(LEARNER) == 0
    other = LESSON | {"id": "7a64e0f2-1a38-4de6-9f39-0000000000bb"}
    assert lrs.taken(other)["points_awarded"] == 10
    adds_up(lrs.organisation)


def test_voided_in_the_same_request(lrs, adds_up):
    """A statement and what voids it, in one list, in either order, leave no points."""
    for number, pair in enumerate(([LESSON, voids(LESSON)], [voids(COURSE, 2), COURSE])):
        answer = lrs.send(pair).json()
        assert answer["points_awarded"] == 0, number
    assert lrs.organisation.api.points(LEARNER) == 0
    adds_up(lrs.organisation)


def test_a_run_again_leaves_it_voided(lrs):
    """A voided event that is run again stays voided; one of another source is no concern of a voiding one."""
    api = lrs.organisation.api
    event_id = lrs.taken(LESSON)["event_id"]
    lrs.taken(voids(LESSON))
    assert api.post(f"/v1/events/{event_id}/retry").json()["status"] == "ignored"
    assert api.points(LEARNER) == 0
    other = api.post("/v1/sources", {"kind": "valamis", "name": "other"}).json()
    answer = lrs.send(LESSON, headers={"Authorization": f"Bearer {other['token']}"})
    assert answer.json()["points_awarded"] == 10


def test_a_list_is_answered_one_by_one(lrs):
    """At the ordinary address each statement of a list is its own; a bad one holds up no other."""
    answer = lrs.send([COURSE, {"verb": {}}, LESSON]).json()
    assert [one["status"] for one in answer["results"]] == ["success", "failed", "success"]
    assert answer["points_awarded"] == 60
    assert lrs.send([LESSON] * 101).status_code == 400


def test_a_store_that_answers_as_stores_do(lrs, adds_up):
    """`/statements` answers the ids, also of what was sent before and of what had none, with the version."""
    bare = {name: value for name, value in LESSON.items() if name != "id"}
    response = lrs.send([COURSE, bare], "statements")
    assert response.status_code == 200, response.text
    assert response.headers["X-Experience-API-Version"] == "1.0.3"
    ids = response.json()
    assert ids[0] == COURSE["id"]
    assert lrs.organisation.api.read(ids[1])["event"] == "lesson.completed"
    assert lrs.send([COURSE, bare], "statements").json() == ids
    assert lrs.send(QUIZ, "statements").json() == [QUIZ["id"]]
    assert lrs.organisation.api.points(LEARNER) == 80
    adds_up(lrs.organisation)


def test_all_of_them_or_none(lrs):
    """One bad statement refuses the whole list, says which, and stores nothing."""
    response = lrs.send([COURSE, LESSON | {"actor": {}}], "statements")
    assert (response.status_code, response.json()["details"]["index"]) == (400, 1)
    assert "actor.account.name" in response.text
    assert lrs.organisation.api.get("/v1/events").json()["events"] == []
    for body in ([], [COURSE] * 101, b"", b"{", [5]):
        assert lrs.send(body, "statements").status_code == 400


@pytest.mark.parametrize("version", ["", "0.95", "1.1.0", "new"])
def test_the_version_is_asked_for(lrs, version):
    """A version that isn't sent, or isn't known, is a 400 that names the header."""
    response = lrs.send(COURSE, "statements", headers={"X-Experience-API-Version": version})
    assert response.status_code == 400
    assert response.json()["details"]["field"] == "X-Experience-API-Version"


def test_a_statement_that_is_put(lrs):
    """A statement is put under its id once; another id inside is refused."""
    bare = {name: value for name, value in COURSE.items() if name != "id"}
    put = {"what": "statements", "method": "PUT", "params": {"statementId": COURSE["id"]}}
    assert [lrs.send(one, **put).status_code for one in (bare, COURSE)] == [204, 204]
    assert len(lrs.organisation.api.get("/v1/events").json()["events"]) == 1
    assert lrs.send(LESSON, **put).status_code == 400
    assert lrs.send([COURSE], **put).status_code == 400
    assert lrs.send(COURSE, "statements", "PUT").status_code == 400


def test_what_a_client_asks_first(lrs):
    """`/about` tells the versions; reading statements is no part of a hook."""
    client = lrs.organisation.server.client
    assert "1.0.3" in client.get("/api/public/hook/valamis/about").json()["version"]
    assert client.get("/api/public/hook/valamis/statements", headers=lrs.bearer).status_code == 405


def test_the_token_is_a_password_as_well(lrs):
    """Clients of record stores know user and password: the password is the token, whoever the user."""

    def basic(credential: str) -> dict[str, str]:
        return {"Authorization": f"Basic {base64.b64encode(credential.encode()).decode()}"}

    good = basic(f"valamis:{lrs.source['token']}")
    assert lrs.send(COURSE, "statements", headers=good).status_code == 200
    for bad in (basic("valamis:x"), basic(lrs.source["token"]), {"Authorization": "Basic ?"}, basic(":")):
        assert lrs.send(COURSE, "statements", headers=bad).status_code == 401


def test_a_source_of_another_kind_takes_no_statements(organisation, lrs):
    """The token of a Moodle opens no store of statements."""
    token = {"Authorization": f"Bearer {organisation.moodle.token}"}
    assert lrs.send(COURSE, "statements", headers=token).status_code == 403
    path = "/api/public/hook/moodle/statements"
    response = organisation.server.client.post(path, content=b"{}", headers=token | VERSION)
    assert response.status_code == 404


def test_a_signed_source(organisation):
    """A store that signs is addressed by its slug."""
    made = organisation.api.post("/v1/sources", {"kind": "valamis", "hmac_secret": SECRET}).json()
    body = json.dumps(COURSE).encode()
    path = f"/api/public/hook/{made['slug']}/statements"
    client = organisation.server.client
    good = client.post(path, content=body, headers=headers_of("valamis", body) | VERSION)
    assert good.json() == [COURSE["id"]]
    assert (
        client.post(path, content=body + b" ", headers=headers_of("valamis", body) | VERSION).status_code
        == 401
    )


def test_accounts_of_another_site(lrs):
    """The first home page is the source's site; the account of the same name elsewhere is somebody else."""
    lrs.taken(COURSE)
    elsewhere = json.loads(json.dumps(LESSON).replace("learn.example.org", "other.example.org"))
    assert lrs.taken(elsewhere)["points_awarded"] == 10
    assert lrs.organisation.api.points(LEARNER) == 50
    stored = lrs.organisation.api.get("/v1/events").json()["events"]
    assert {one["user_id"] for one in stored} == {LEARNER, "valamis:other.example.org|8774"}


def test_a_learner_is_found_by_their_address(organisation, lrs):
    """Who is known by an address is the same person as who sends it from another platform."""
    assert (
        organisation.api.post("/v1/users", {"user_id": "mila", "email": "mila@example.org"}).status_code
        == 201
    )
    assert lrs.taken(SAMPLES["actor_by_address"].body)["points_awarded"] == 50
    assert organisation.api.points("mila") == 50
