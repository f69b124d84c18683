"""What an operator asks: health, metrics, the API's own description."""

from __future__ import annotations

import re


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
                    assert set(schema["required"]) == {"error", "message", "details", "request_id"}, (
                        method,
                        path,
                    )


def test_pages_for_people(server):
    """The API's pages and the place of the console are there."""
    for path in ("/docs", "/console"):
        response = server.client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")


def test_the_document_names_every_answer(server):
    """Each route says what a good answer is, under a name of its own; only those without a body don't."""
    document = server.client.get("/openapi.json").json()
    names = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names.append(operation["operationId"])
            good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            assert len(good) == 1, (method, path)
            if "204" not in operation["responses"]:
                (content,) = [one["content"] for one in good]
                assert all(media.get("schema") for media in content.values()), (method, path)
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_schemas_have_names_of_their_own(server):
    """Two models of one name would be told apart by where they stand in the code, and so would a client."""
    schemas = server.client.get("/openapi.json").json()["components"]["schemas"]
    assert [name for name in schemas if not name.isalnum()] == []
