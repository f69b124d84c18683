"""What an operator asks: health, metrics, the API's own description."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

import pytest


def test_health_names_each_part(server):
    """Database, migrations and waiting deliveries, without a key."""
    response = server.client.get("/v1/health")
    assert response.status_code == 200
    health = response.json()
    assert health["status"] == "ok"
    assert {name: part["status"] for name, part in health["parts"].items()} == {
        "database": "ok",
        "migrations": "ok",
        "delivery": "ok",
    }


def test_metrics_count_requests_by_route(organisation):
    """Requests are counted under the route and not under the path, which would never end."""
    for user_id in ("a", "b"):
        organisation.api.get(f"/v1/users/{user_id}/balance")
    organisation.api.event("course.viewed")
    text = organisation.server.client.get("/metrics").text
    counted = re.search(
        r'rocket_http_requests_total\{.*route="/v1/users/\{user_id\}/balance",status="404"\} (\S+)', text
    )
    assert counted
    assert float(counted[1]) >= 2
    assert "/v1/users/a/balance" not in text
    assert re.search(r'rocket_events_total\{status="processed"\} \S+', text)


def test_metrics_tell_the_backlog_of_deliveries(server):
    """What waits is read from the database at each scrape, by whichever server is asked."""
    text = server.client.get("/metrics").text
    assert re.search(r"^rocket_waiting_deliveries \d", text, re.M)
    assert re.search(r"^rocket_oldest_delivery_seconds \d", text, re.M)


def test_the_document_describes_every_public_route(server):
    """/openapi.json has the routes of the contract, and every error in the shape that is sent."""
    document = server.client.get("/openapi.json").json()
    for path in (
        "/v1/events", "/v1/events/batch", "/v1/events/validate", "/v1/events/{event_id}",
        "/v1/events/{event_id}/retry", "/api/public/hook/{source}/event", "/api/public/validate/webhook",
        "/v1/points/award", "/v1/points/deduct", "/v1/points/reverse", "/v1/users/{user_id}/balance",
        "/v1/sources", "/v1/rules", "/v1/health",
    ):  # fmt: skip
        assert path in document["paths"], path
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if status.startswith("4"):
                    said = response["content"]["application/json"]["schema"]["$ref"]
                    schema = document["components"]["schemas"][said.rpartition("/")[2]]
                    # Assessments keep the envelope of the platforms that they stand in for.
                    envelope = {"id", "ver", "ts", "params", "responseCode", "result"}
                    own = {"error", "message", "details", "request_id"}
                    of_tests = path.startswith("/assessment/v1") or re.fullmatch("/tests/.*", path)
                    assert set(schema["required"]) == (envelope if of_tests else own), (method, path)


def test_pages_for_people(server):
    """The API's pages and the place of the console are there, and the root leads to the console, whatever
    the request calls the server."""
    for path in ("/docs", "/console/sign-in"):
        response = server.client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")
    response = server.client.get("/", headers={"Host": "elsewhere.example"})
    assert (response.status_code, response.headers["location"]) == (307, "console")


@pytest.mark.parametrize("path", ["/docs", "/console/sign-in"])
def test_pages_load_nothing_from_elsewhere(server, path):
    """What a page names is there, on this server, and the browser is told to take nothing else."""
    response = server.client.get(path)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"https?://|//\w|style=|<style|<script>", response.text)
    named = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert named
    for relative in named:
        address = f"/{relative.lstrip('/')}"
        found = server.client.get(address)
        assert found.status_code == 200, relative
        if not relative.startswith(("docs/assets/", "/console/static/")):
            continue
        assert found.headers["x-content-type-options"] == "nosniff"
        plain = server.client.get(address, headers={"Accept-Encoding": "identity"})
        assert plain.content == found.content


def test_swagger_ui_is_what_npm_has(server):
    """The two files of others are the published ones, by the sums that stand beside them."""
    for line in (files("rocket_server.http") / "assets" / "README.md").read_text().splitlines():
        if found := re.fullmatch(r"    ([0-9a-f]{64})  (\S+)", line):
            content = server.client.get(f"/docs/assets/{found[2]}").content
            assert hashlib.sha256(content).hexdigest() == found[1]


@pytest.mark.parametrize("path", ["/v1/events/", "/v1/rules/", "/docs/", "/v1/health/", "/console/"])
def test_nothing_is_redirected_to_another_spelling(server, path):
    """A slash too many is a 404: a redirect would go to plain HTTP, at whatever host the request names."""
    for method in ("GET", "POST"):
        response = server.client.request(method, path, headers={"Host": "elsewhere.example"})
        assert response.status_code == 404
        assert "location" not in response.headers
