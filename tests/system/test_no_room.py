"""No room on the disk, at any step of a transaction: a clear refusal, and nothing half-written."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.reliability

# Every table that this event writes to; `commit` is the last moment at which the disk can be full.
TABLES = (
    "event_keys",
    "identities",
    "learners",
    "accounts",
    "events",
    "entries",
    "award_marks",
    "completions",
    "deliveries",
    "request_log",
)

# A completion by a learner whom nobody knows yet, as Moodle sends it.
BODY = json.dumps(
    {
        "eventname": "\\core\\event\\course_module_completion_updated",
        "id": "1",
        "userid": "2",
        "relateduserid": "101",
        "courseid": "7",
        "contextlevel": "70",
        "contextinstanceid": "31",
        "other_completionstate": "1",
        "timecreated": "1771200000",
    }
)


@contextmanager
def no_room(owner, organisation, place):
    """PostgreSQL reports a full disk where a row of this organisation is written, or committed."""
    table = "events" if place == "commit" else place
    when = (
        "CONSTRAINT TRIGGER no_room AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED"
        if place == "commit"
        else f"TRIGGER no_room BEFORE INSERT OR UPDATE ON {table}"
    )
    owner.execute(
        "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END$$"
    )
    owner.execute(
        f"CREATE {when} FOR EACH ROW WHEN (NEW.organisation_id = '{organisation.organisation_id}')"
        " EXECUTE FUNCTION no_room()"
    )
    try:
        yield
    finally:
        owner.execute(f"DROP TRIGGER no_room ON {table}")


def subscribe_webhook(owner, organisation):
    """An endpoint that wants every event, so that deliveries are written."""
    owner.execute(
        "INSERT INTO endpoints (organisation_id, endpoint_id, kind, url, events)"
        " VALUES ($1, gen_random_uuid(), 'webhook', 'https://receiver.example.test/', '{*}')",
        organisation.organisation_id,
    )
    owner.execute(
        "UPDATE organisations SET version = version + 1 WHERE organisation_id = $1",
        organisation.organisation_id,
    )


def rows(owner, organisation):
    """How many rows of the organisation each table holds."""
    count = "SELECT count(*) FROM {} WHERE organisation_id = $1"
    return {table: owner.value(count.format(table), organisation.organisation_id) for table in TABLES}


@pytest.mark.parametrize("place", [*TABLES, "commit"])
def test_a_full_disk_anywhere_leaves_nothing(organisation, owner, adds_up, place):
    """Wherever in the transaction the disk is full, the answer is 503 and nothing of it stays; with room
    again the same request counts as if it were the first."""
    subscribe_webhook(owner, organisation)
    before = rows(owner, organisation)
    with no_room(owner, organisation, place):
        refused = organisation.hook(BODY)
    assert (refused.status_code, refused.json()["error"]) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert rows(owner, organisation) == before

    taken = organisation.hook(BODY)
    assert (taken.status_code, taken.json()["status"], taken.json()["points_awarded"]) == (200, "success", 10)
    after = rows(owner, organisation)
    assert all(after[table] > before[table] for table in TABLES)
    assert organisation.api.points("moodle:101") == 10
    adds_up(organisation)
