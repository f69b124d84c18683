"""Much of something small: parameters, fields, addresses, requests sent ahead, answers that nobody reads."""

from __future__ import annotations

import json
import threading
import time
import uuid

from rocket_server.conditions import reading
from rocket_server.conditions.reading import MAX_ERRORS, Problems
from rocket_server.config.readers import networks
from rocket_server.configuration.snapshot import Configurations
from rocket_server.http.edge.context import client_address
from support.raw import Raw, request


def test_a_query_has_a_bound_of_parameters(server):
    """A hundred parameters are read; beyond, the request is refused before any of them is looked at."""
    many = "&".join(f"u{number}" for number in range(101))
    response = server.client.get(f"/v1/events?{many}")
    assert (response.status_code, response.json()["details"]["field"]) == (400, "query")


def test_few_unknown_parameters_are_advised_on(organisation, monkeypatch):
    """An answer names twenty unknown parameters, and what was meant is looked for no more often."""
    names = [f"u{number}" for number in range(90)]
    response = organisation.api.request("GET", "/v1/events", params=dict.fromkeys(names, "1"))
    assert len(response.json()["details"]["errors"]) == 20

    asked = []
    monkeypatch.setattr(reading.difflib, "get_close_matches", lambda *given: asked.append(given) or [])
    problems = Problems()
    for name in range(1_000):
        problems.unknown("", f"u{name}", ("event", "user_id"))
    assert len(problems.errors) == len(asked) == MAX_ERRORS


def test_an_id_longer_than_any_is_nobodys(organisation):
    """A path of thousands of accents is a 404, and one longer than a path may be a 431."""
    accents = "a" + "\u0301\u0320" * 1_300
    assert organisation.api.get(f"/v1/users/{accents}/balance").status_code == 404
    with Raw(organisation.server.url) as raw:
        raw.send(request("GET", "/v1/users/" + "%CC%81" * 3_000))
        assert raw.answer().status == 431


def test_hops_of_proxies_have_a_bound():
    """An address is looked for behind 32 proxies at the most, however many stand in the header."""
    trusted = networks("10.0.0.0/8")
    assert str(client_address("10.0.0.1", "192.0.2.1" + ", 10.0.0.2" * 31, trusted)) == "192.0.2.1"
    assert str(client_address("10.0.0.1", "192.0.2.1" + ", 10.0.0.2" * 32, trusted)) == "10.0.0.2"


def test_requests_wait_until_answers_are_read(server):
    """What a client asks ahead isn't done as long as it doesn't read; when it does, all is answered."""
    with Raw(server.url) as raw:
        before = served(server)
        raw.send(request("GET", "/docs/assets/swagger-ui-bundle.js") * 20)
        time.sleep(1)
        assert served(server) - before < 20
        sizes = {len(raw.answer().body) for _ in range(20)}
    assert len(sizes) == 1
    assert served(server) - before == 20


def served(server):
    """How many files of pages the server has answered with."""
    path = 'route="/docs/assets/{name}"'
    lines = server.client.get("/metrics").text.splitlines()
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("rocket_http_requests_total") and path in line
    )


def test_strangers_leave_connections_to_others(start_server, organisation, owner):
    """Anybody may ask about awards, and all who do share half of the connections to the database."""
    server = start_server("few connections", ROCKET_POOL_SIZE="4")
    headers = {"Authorization": f"Bearer {organisation.key}"}
    issuer, award = uuid.uuid4(), uuid.uuid4()
    owner.execute("BEGIN")
    try:
        owner.execute("LOCK TABLE badge_awards IN ACCESS EXCLUSIVE MODE")
        path = f"/public/badges/{issuer}/awards/{award}"
        asking = [threading.Thread(target=server.client.get, args=(path,)) for _ in range(12)]
        for thread in asking:
            thread.start()
        time.sleep(0.5)
        assert server.client.get("/v1/organisation", headers=headers).status_code == 200
    finally:
        owner.execute("ROLLBACK")
    for thread in asking:
        thread.join()


def test_bodies_that_handlers_decode_have_a_bound(organisation):
    """Rules of more than 150,000 values, objects and lists are refused before they are decoded."""
    body = b'{"rules":[' + b",".join([b"[]"] * 80_000) + b"]}"
    for method, path in (("PUT", "/v1/rules"), ("POST", "/v1/rules"), ("POST", "/v1/rules/calculate")):
        response = organisation.api.request(method, path, content=body)
        assert (response.status_code, response.json()["details"]) == (400, {"limit_parts": 150_000})


def test_settings_that_everybody_holds_have_a_bound(organisation):
    """Filters of a webhook and criteria of a badge have 64 KiB, settings of all sources 2 MiB, and listed
    values of rules count by their characters as well."""
    api = organisation.api
    values = ["v" * 900 + str(number) for number in range(100)]
    long = {"properties.text": {"in": values}}
    webhook = {"url": "https://receiver.example.com/", "events": ["*"], "filters": long}
    assert api.post("/v1/webhooks", webhook).json()["details"]["field"] == "filters"
    counted = {"events": [{"event": "forum.posted", "count": 1, "conditions": long}]}
    badge = {"badge_id": "long", "name": "Long", "criteria": counted}
    assert api.post("/v1/badges", badge).json()["details"]["field"] == "criteria"

    ids = [f"{number:05d}" + "i" * 90 for number in range(1_000)]
    filters = {"course_ids": ids, "category_ids": ids, "role_ids": ids, "context_levels": ids}
    statuses = [
        api.post("/v1/sources", {"kind": "moodle", "name": f"s{n}", "filters": filters}).status_code
        for n in range(6)
    ]
    assert statuses == [201] * 5 + [400]

    values = ["v" * 990 + f"{number:010}" for number in range(1_000)]
    rules = [
        {
            "rule_id": f"r{number}",
            "trigger": {"event": "forum.posted", "conditions": {"properties.text": {"in": values}}},
            "actions": {"award_points": 1},
        }
        for number in range(11)
    ]
    statuses = [api.post("/v1/rules", rule).status_code for rule in rules]
    assert statuses == [201] * 9 + [400] * 2


def test_a_page_of_large_requests_ends_early(organisation):
    """The log of a source is told in pages of some MiB, however many of its requests were asked for."""
    body = json.dumps({"text": "\u20ac" * 16_000}, ensure_ascii=False)
    for _ in range(100):
        organisation.hook(body)
    (source,) = organisation.api.get("/v1/sources").json()["sources"]
    seen, cursor = [], None
    while cursor or not seen:
        params = {"limit": 500, "cursor": cursor} if cursor else {"limit": 500}
        page = organisation.api.get(f"/v1/sources/{source['source_id']}/requests", **params).json()
        seen.append(len(page["requests"]))
        cursor = page["next_cursor"]
    assert sum(seen) == 100
    assert 80 < seen[0] < 100


def test_a_hundred_webhooks_make_groups_small(organisation, portal, store):
    """What an event costs counts those to whom it is told, so that a group of events stays bearable."""
    for number in range(100):
        webhook = {"url": f"https://receiver-{number}.example.com/", "events": ["*"]}
        assert organisation.api.post("/v1/webhooks", webhook).status_code == 201

    async def weight():
        async with store.connection() as conn:
            return (await Configurations().current(conn, organisation.organisation_id)).weight

    assert portal.call(weight) >= 1_000


def test_heads_and_what_follows_them_arrive_in_order(server):
    """An answer's head goes out with its body, and by itself where none follows: to HEAD, to a refusal behind
    it, before a large body, and on a connection that then ends."""
    with Raw(server.url) as raw:
        raw.send(
            request("HEAD", "/v1/health")
            + request("GET", "/v1/health")
            + request("GET", "/docs/assets/swagger-ui-bundle.js")
            + request("GET", "/console/sign-in", Connection="close")
        )
        head = raw.head()
        assert head.status == 405
        assert [raw.answer().status for _ in range(3)] == [200, 200, 200]
        assert raw.is_closed()
