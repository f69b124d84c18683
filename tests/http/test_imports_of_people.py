"""/v1/imports?kind=users: people made and brought up to date, and never two of them made one."""

from __future__ import annotations

import csv
import io

import pytest

from support.imports import counts, send, troubles

HEADER = "Name,Email,LMS_ID,Student_ID,Organisation"
FILE = f"{HEADER}\nAnna Berg,anna@example.org,7,s-1,North\nBert Stein,,8,s-2,North\n"


@pytest.fixture
def done(work):
    """Imports a file to its end, some rows at once; the report."""

    def done(organisation, content, at_once=500, **params):
        started = send(organisation, content, kind="users", **params)
        return work(organisation, started["import_id"], at_once)

    return done


def person(organisation, user_id):
    """What is known of somebody."""
    found = organisation.api.get(f"/v1/users/{user_id}").json()
    return {name: found[name] for name in ("user_id", "name", "email", "identities", "metadata")}


def test_people_are_made_once_with_all_their_ids(organisation, done):
    """Each is found by any of them; the same file again changes nothing."""
    report = done(organisation, FILE)
    assert (report["kind"], report["status"], counts(report)) == (
        "users",
        "done",
        {"read": 2, "accepted": 2},
    )
    anna = {
        "user_id": "s-1",
        "name": "Anna Berg",
        "email": "anna@example.org",
        "identities": ["moodle:7", "s-1"],
        "metadata": {"organisation": "North"},
    }
    assert person(organisation, "moodle:7") == person(organisation, "s-1") == anna
    again = done(organisation, FILE)
    assert (counts(again), troubles(again)) == (
        {"read": 2, "duplicates": 2},
        {"duplicate_in_store": [2, 3]},
    )


def test_people_who_are_known_are_brought_up_to_date(organisation, done):
    """By an id or their address; what a row doesn't say stays, and their past with them."""
    organisation.api.event("course.completed", "moodle:7", properties={"course_id": "c"})
    old = {"user_id": "bertie", "email": "bert@example.org", "metadata": {"room": "3"}}
    assert organisation.api.post("/v1/users", old).status_code == 201
    content = f"{HEADER}\nAnna Berg,,7,s-1,\nBert Stein,BERT@example.org,8,s-2,North\n"
    assert counts(done(organisation, content)) == {"read": 2, "accepted": 2}
    assert person(organisation, "s-1")["identities"] == ["moodle:7", "s-1"]
    assert organisation.api.points("s-1") > 0
    assert person(organisation, "s-2") == {
        "user_id": "bertie",
        "name": "Bert Stein",
        "email": "BERT@example.org",
        "identities": ["bertie", "moodle:8", "s-2"],
        "metadata": {"room": "3", "organisation": "North"},
    }


def test_two_who_are_known_apart_stay_apart(organisation, done):
    """By their ids or by an address; the row is rejected with both named, and goes in once they are one."""
    organisation.api.event("course.completed", "moodle:7")
    organisation.api.event("course.completed", "s-1")
    assert organisation.api.post("/v1/users", {"user_id": "x", "email": "x@example.org"}).status_code == 201
    content = f"{HEADER}\nAnna,,7,s-1,\nAnna Berg,x@example.org,7,,\n"
    report = done(organisation, content)
    assert (counts(report), troubles(report)) == ({"read": 2, "rejected": 2}, {"two_people": [2, 3]})
    assert "moodle:7 and s-1 are known apart" in report["troubles"][0]["first"][0]["message"]
    assert person(organisation, "moodle:7")["user_id"] == "moodle:7"
    assert organisation.api.post("/v1/users/s-1/merge", {"from": "moodle:7"}).status_code == 200
    assert counts(done(organisation, f"{HEADER}\nAnna,,7,s-1,\n")) == {"read": 1, "accepted": 1}


MANY = [
    ",anna@example.org,1,a1,",
    "ANNA BERG,,2,a2,",
    "12345,,3,a3,",
    "Anna,anna berg@example.org,4,a4,",
    "Anna,anna@@example.org,5,a5,",
    "Anna,anna,6,a6,",
    "Anna,anna@localhost,7,a7,",
    "Anna,,1.23E+05,a8,",
    "Anna,,9,1234,",
    "Anna,, 10,a10,",
    "Anna,,,,North",
    "Anna,,12,a1,",
    "Anna,,13",
    '"Anna,,14,a14,',
    "Anna,,15,undefined,",
]
NAMED = {
    "missing_column": [14],
    "missing_value": [12],
    "bad_quotes": [15],
    "spreadsheet_number": [9],
    "bad_user_id": [11, 16],
    "leading_zeros_lost": [10],
    "numeric_name": [4],
    "bad_email": [5, 6, 7, 8],
    "duplicate_in_file": [13],
    "missing_name": [2],
    "name_in_capitals": [3],
}


@pytest.mark.parametrize("at_once", [1, 3, 500])
def test_each_trouble_is_named_with_its_line(organisation, done, at_once):
    """Whatever goes in at once, and as a trial or in earnest, the report is the same; a trial adds nobody."""
    assert organisation.api.post("/v1/users", {"user_id": "001234"}).status_code == 201
    content = "\n".join((HEADER, *MANY))
    people = organisation.api.get("/v1/users").json()
    trial = done(organisation, content, at_once, dry_run=True)
    assert organisation.api.get("/v1/users").json() == people
    report = done(organisation, content, at_once)
    assert troubles(report) == troubles(trial) == NAMED
    assert counts(report) == {"read": 15, "accepted": 2, "duplicates": 1, "rejected": 12, "warnings": 2}
    assert trial["rows"] == report["rows"]
    text = organisation.api.get(f"/v1/imports/{report['import_id']}/rejected.csv").text
    kept = list(csv.reader(io.StringIO(text)))
    assert (kept[0], len(kept)) == ([*HEADER.split(","), "reason"], 13)


@pytest.mark.parametrize(
    ("content", "params", "field"),
    [
        ("Name,Email\nAnna,\n", {}, "file"),
        (FILE, {"no_awards": True}, "no_awards"),
        (FILE, {"source": " "}, "source"),
        ("", {}, "file"),
    ],
    ids=["no-ids", "option", "source", "empty"],
)
def test_what_cannot_be_imported_is_refused_at_once(organisation, content, params, field):
    """A 400 that names the field; no job is started."""
    answer = organisation.api.request(
        "POST", "/v1/imports", params={"kind": "users", **params}, content=content.encode()
    )
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, field)
    assert organisation.api.get("/v1/imports").json()["imports"] == []
