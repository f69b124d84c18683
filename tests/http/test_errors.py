"""Errors: one shape, stable codes, and nothing of the server's inside."""

from __future__ import annotations

import json
import re

import asyncpg
import pytest

from rocket_server.db.pool import open_database
from support import organisation as organisations
from support import server as servers
from support.examination import code_of


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/rules/", 404, "not_found"),
        ("POST", "/v1/events/", 404, "not_found"),
        ("DELETE", "/v1/events", 405, "method_not_allowed"),
        ("GET", "/v1/points/award", 405, "method_not_allowed"),
        ("GET", "/v1/users/nobody/balance", 404, "not_found"),
        ("POST", "/v1/points/award", 400, "invalid_payload"),
        ("POST", "/v1/events", 400, "invalid_payload"),
        ("GET", "/v1/events?limit=x", 400, "invalid_payload"),
    ],
)
def test_every_error_has_the_same_shape(organisation, method, path, status, code):
    """Code, sentence, details and the request's id, which a header carries too."""
    response = organisation.api.request(method, path)
    body = response.json()
    assert (response.status_code, body["error"]) == (status, code)
    assert body.keys() == {"error", "message", "details", "request_id"}
    assert body["message"]
    assert isinstance(body["details"], dict)
    assert body["request_id"] == response.headers["x-request-id"]
    assert response.headers["content-type"] == "application/json"


def test_a_wrong_method_is_told_the_right_ones(organisation):
    """A 405 names all methods of the path, as HTTP demands."""
    assert organisation.api.request("PUT", "/v1/events").headers["allow"] == "GET, POST"
    assert organisation.api.request("HEAD", organisation.moodle.path).headers["allow"] == "POST"


def test_a_defect_is_answered_without_its_insides(database, tmp_path, portal):
    """Where the server itself fails, the answer is a 500 of the same shape: no stack trace, no SQL."""
    server = servers.start(database, tmp_path / "log", {})

    async def prepare():
        opened = await open_database(database)
        made = await organisations.make(opened, server)
        await opened.close()
        owner = await asyncpg.connect(database)
        await owner.execute("ALTER TABLE award_marks RENAME TO elsewhere")
        await owner.close()
        return made

    api = portal.call(prepare).api
    awarded = api.post("/v1/points/award", {"user_id": "anna", "points": 1, "reason": "x"})
    event = {"event": "forum.posted", "user_id": "anna", "timestamp": 1772445600}
    failed = (api.post("/v1/events", event), api.get("/v1/users/anna/limits"))
    log = server.stop()
    assert awarded.status_code == 200
    for response in failed:
        assert (response.status_code, response.json()["error"]) == (500, "internal_error")
        assert response.json()["request_id"] == response.headers["x-request-id"]
        assert response.json()["request_id"] in log
        assert not any(word in response.text for word in ("award_marks", "Traceback", "SELECT", "asyncpg"))


def test_nul_in_a_target_is_refused(organisation):
    """NUL in any part of a path, and in any parameter, is refused before anything looks it up; a signed hook
    too, whose name is looked up before its body."""
    signed = {"X-Signature": "sha256=00"}
    response = organisation.server.client.post("/api/public/hook/a%00b/event", headers=signed)
    assert (response.status_code, response.json()["details"]["field"]) == (404, "path")
    paths = organisation.api.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            named = re.sub(r"{\w+}", "a%00b", path)
            if named != path:
                response = organisation.api.request(method.upper(), named)
                assert (response.status_code, code_of(response)) == (404, "not_found"), path
    for query, field in (("user_id=a%00b", "user_id"), ("%00=a", "query"), ("cursor=%00", "cursor")):
        response = organisation.api.request("GET", f"/v1/events?{query}")
        assert (response.status_code, response.json()["details"]["field"]) == (400, field)


@pytest.mark.parametrize("half", ["\ud800", "\0"], ids=["half a surrogate pair", "NUL"])
def test_characters_that_cannot_be_stored_are_a_400(organisation, half):
    """Whatever setting holds a character that no text of the database can have is refused, never a 500."""
    for method, path, body in (
        ("PATCH", "/v1/organisation", {"name": f"a{half}"}),
        ("POST", "/v1/sources", {"kind": "custom", "name": f"a{half}"}),
        ("POST", "/v1/sources", {"kind": "custom", "name": "a", "staff_ids": [half]}),
        ("POST", "/v1/users", {"user_id": "bo", "name": f"a{half}"}),
        ("POST", "/v1/users", {"user_id": f"bo{half}"}),
        ("POST", "/v1/badges", {"badge_id": "b", "name": f"a{half}"}),
        ("POST", "/v1/rules", {"rule_id": f"r{half}", "trigger": {"event": "a.b"}, "actions": {}}),
        ("POST", "/v1/webhooks", {"url": "https://x.example/", "events": ["*"], "description": half}),
        ("POST", "/v1/points/award", {"user_id": "bo", "points": 1, "reason": half}),
        ("POST", "/v1/badges/award", {"user_id": "bo", "badge_id": half}),
        ("POST", "/v1/rules/simulate", {"rules": [], "since": half}),
    ):
        headers = {"Content-Type": "application/json"}
        response = organisation.api.request(method, path, content=json.dumps(body), headers=headers)
        assert response.status_code in (400, 404), (path, body, response.text)
