"""/v1/jobs and what starts them: who may, what is answered, what is refused."""

from __future__ import annotations

import pytest

from rocket_server.jobs.table import MAX_UNFINISHED

BADGE = {
    "badge_id": "talker",
    "name": "Talker",
    "criteria": {"events": {"event": "forum.posted", "count": 3}},
}


@pytest.fixture
def started(organisation):
    """A job of an organisation with one learner; nobody works on it."""
    organisation.api.event("forum.posted")
    assert organisation.api.post("/v1/badges", BADGE).status_code == 201
    answer = organisation.api.post("/v1/badges/talker/backfill")
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_a_job_is_started_read_and_cancelled(organisation, started):
    """Starting answers 202 with the job; lists and reads show it; cancelling twice answers the same."""
    assert started == {
        "job_id": started["job_id"],
        "kind": "badge_backfill",
        "subject": "badge:talker",
        "status": "waiting",
        "progress": {"done": 0, "total": 1, "pct": 0},
        "counts": {},
        "created_by": started["created_by"],
        "created_at": started["created_at"],
        "started_at": None,
        "finished_at": None,
        "error": None,
    }
    assert started["created_by"].startswith("key:rk_")
    path = f"/v1/jobs/{started['job_id']}"
    assert organisation.api.get(path).json() == started
    assert organisation.api.get("/v1/jobs").json() == {"jobs": [started], "next_cursor": None}
    cancelled = organisation.api.request("DELETE", path)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert organisation.api.request("DELETE", path).json() == cancelled.json()
    assert organisation.api.get("/v1/jobs", status="waiting").json()["jobs"] == []
    assert organisation.api.get("/v1/jobs", kind="badge_backfill").json()["jobs"] == [cancelled.json()]
    acts = [one["action"] for one in organisation.api.get("/v1/audit").json()["audit"]]
    assert acts[:2] == ["job.cancelled", "job.started"]


def test_a_badge_is_given_to_the_past_by_one_job_at_a_time(organisation, started):
    """A second one is a conflict that names the first, until that has finished."""
    second = organisation.api.post("/v1/badges/talker/backfill")
    assert (second.status_code, second.json()["details"]) == (409, {"job_id": started["job_id"]})
    organisation.api.request("DELETE", f"/v1/jobs/{started['job_id']}")
    assert organisation.api.post("/v1/badges/talker/backfill").status_code == 202


def test_lists_go_on_by_cursor(organisation):
    """Pages of jobs, the newest first, leave none out; more than an organisation may have are refused."""
    for number in range(MAX_UNFINISHED + 1):
        badge = BADGE | {"badge_id": f"talker-{number}"}
        assert organisation.api.post("/v1/badges", badge).status_code == 201
        answer = organisation.api.post(f"/v1/badges/talker-{number}/backfill")
        assert answer.status_code == (202 if number < MAX_UNFINISHED else 409)
    found, cursor = [], {}
    while cursor is not None:
        page = organisation.api.get("/v1/jobs", limit=7, **cursor).json()
        found += [job["subject"] for job in page["jobs"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert found == [f"badge:talker-{number}" for number in reversed(range(MAX_UNFINISHED))]


@pytest.mark.parametrize(
    ("badge_id", "change", "status", "field"),
    [
        ("nobody", {}, 404, "badge_id"),
        ("quiz_master", {}, 409, "criteria"),
        ("talker", {"active": False}, 409, "badge_id"),
    ],
)
def test_what_cannot_be_asked_of_the_past_is_refused(organisation, badge_id, change, status, field):
    """A badge that isn't there, has no criteria, or isn't active starts nothing."""
    assert organisation.api.post("/v1/badges", BADGE | change).status_code == 201
    answer = organisation.api.post(f"/v1/badges/{badge_id}/backfill")
    assert (answer.status_code, answer.json()["details"]["field"]) == (status, field)
    assert organisation.api.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize("job_id", ["nothing", "01a1fbf5-eb02-7002-87b6-627106057b39", "%00"])
def test_unknown_jobs_are_not_found(organisation, job_id):
    """An id that is none, or nobody's, is a 404 for reading and for cancelling."""
    for method in ("GET", "DELETE"):
        assert organisation.api.request(method, f"/v1/jobs/{job_id}").status_code == 404


def test_faulty_filters_are_refused(organisation):
    """A status that there isn't, or a cursor of somebody's own making, names its field."""
    for filters in ({"status": "dancing"}, {"cursor": "x"}, {"limit": 0}, {"kind": "A B"}):
        answer = organisation.api.get("/v1/jobs", **filters)
        assert answer.status_code == 400, answer.text
        assert str(next(iter(filters))) in answer.text
