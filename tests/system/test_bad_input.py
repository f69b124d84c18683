"""Bad input of every kind: a clear 4xx of the contract's shape or a stored event, never a 500."""

from __future__ import annotations

import asyncio
import json
import os

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rocket_server.app import create_app
from rocket_server.config.settings import Settings
from support.captures import all_captures

pytestmark = pytest.mark.reliability

EXAMPLES = int(os.environ.get("ROCKET_TEST_EXAMPLES", "100"))
BODIES = [capture.body.encode() for capture in all_captures() if capture.body]
EVENT = {
    "event": "course.completed",
    "user_id": "anna",
    "timestamp": "2026-03-02T10:00:00Z",
    "properties": {"course_id": "1", "progress_pct": 80},
    "metadata": {"source": "academy"},
    "event_id": "e-1",
}
CANONICAL = {
    "event": "course.completed",
    "occurred_at": 1772445600,
    "user": {"id": "anna", "external_ids": {"moodle": "4"}},
    "context": {"course": {"id": "1", "title": "Food"}},
    "metrics": {"progress_pct": 80, "time_on_task_sec": 5},
    "trace": {"lms_event_id": "9"},
}

# Whatever JSON can write, and what only some decoders take: NaN, NUL, lone surrogates, huge numbers.
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(st.characters(codec=None, exclude_categories=())),
    st.sampled_from(
        ["", "\x00", "\ud800", " ", "{other}", "%5C", "\\core\\event\\x", "9" * 400, "2026-02-30T00:00:00Z"]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def changed(draw, examples):
    """A good document with some of its fields replaced, added or left out, at any depth."""
    document = json.loads(draw(st.sampled_from(examples)))
    for _ in range(draw(st.integers(1, 3))):
        place = document
        while isinstance(place, dict) and place:
            name = draw(st.sampled_from(sorted(place)))
            if isinstance(place[name], dict) and draw(st.booleans()):
                place = place[name]
                continue
            match draw(st.integers(0, 2)):
                case 0:
                    del place[name]
                case 1:
                    place[name] = draw(values)
                case 2:
                    place[draw(st.text(max_size=20))] = draw(values)
            break
    return json.dumps(document).encode("utf-8", "surrogatepass")


@st.composite
def broken(draw, examples):
    """The bytes of a good body, cut off, with bytes put in or changed."""
    body = bytearray(draw(st.sampled_from(examples)))
    match draw(st.integers(0, 3)):
        case 0:
            del body[draw(st.integers(0, len(body))) :]
        case 1:
            place = draw(st.integers(0, len(body)))
            body[place:place] = draw(st.binary(min_size=1, max_size=6))
        case 2:
            place = draw(st.integers(0, len(body) - 1))
            body[place] = draw(st.integers(0, 255))
        case 3:
            depth = draw(st.integers(1, 60_000))
            body = bytearray(draw(st.sampled_from([b"[", b'{"a":', b'{"properties":{"a":'])) * depth)
    return bytes(body)


def bodies(*examples):
    encoded = [
        example if isinstance(example, bytes) else json.dumps(example).encode() for example in examples
    ]
    objects = [example for example in encoded if example.lstrip().startswith(b"{") and is_json(example)]
    return st.one_of(changed(objects), broken(encoded), values.map(dumped), st.binary(max_size=200))


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def dumped(value):
    return json.dumps(value).encode("utf-8", "surrogatepass")


def quick(share):
    return settings(
        max_examples=max(10, EXAMPLES // share),
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )


def check(response):
    """A good answer, or a 4xx of the contract's shape whose message says something."""
    assert response.status_code in (200, 400, 413), response.text
    answer = response.json()
    if response.status_code != 200:
        assert answer["error"] in ("invalid_payload", "payload_too_large")
        assert answer["message"]
        assert answer["request_id"] == response.headers["x-request-id"]
        assert "Traceback" not in response.text


@pytest.fixture(scope="module")
def target(make_organisation):
    """An organisation with a source of each kind."""
    organisation = make_organisation()
    mappings = {
        "event": "$.type",
        "user_id": "$.actor.id",
        "timestamp": "$.at",
        "event_id": "$.id",
        "email": "$.actor.email",
        "properties": {"course_id": "$.course", "all": "$.more"},
    }
    tokens = {"moodle": organisation.moodle.token}
    for kind, more in (("custom", {"mappings": mappings}), ("openlms", {}), ("test", {})):
        tokens[kind] = organisation.api.post("/v1/sources", {"kind": kind, **more}).json()["token"]
    return organisation, tokens


MAPPED = {
    "type": "course.completed",
    "actor": {"id": 5, "email": "a@b.example"},
    "at": 1772445600000,
    "id": 1,
    "course": 3,
    "more": {"a": [1]},
}


@pytest.mark.parametrize(
    ("kind", "examples"),
    [("moodle", BODIES), ("openlms", BODIES), ("custom", [MAPPED]), ("test", [EVENT, CANONICAL])],
    ids=["moodle", "openlms", "custom", "test"],
)
def test_hooks_take_or_refuse_anything(target, owner, kind, examples):
    """Bodies of every adapter, changed, broken or arbitrary: what is refused isn't stored."""
    organisation, tokens = target
    count = "SELECT count(*) FROM events WHERE organisation_id = $1"

    @given(body=bodies(*examples), content_type=st.sampled_from(["application/json", "text/plain", ""]))
    @quick(1)
    def attempt(body, content_type):
        before = owner.value(count, organisation.organisation_id)
        response = organisation.server.client.post(
            f"/api/public/hook/{kind}/event",
            content=body,
            headers={"Authorization": f"Bearer {tokens[kind]}", "Content-Type": content_type},
        )
        check(response)
        answered = response.json() if response.status_code == 200 else {"results": []}
        items = answered.get("results", [answered])  # a list is answered item by item
        new = sum(item["status"] not in ("duplicate", "failed") for item in items)
        assert owner.value(count, organisation.organisation_id) - before in range(new + 1)

    attempt()


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/validate", "/api/validate/event"])
def test_our_own_spellings_take_or_refuse_anything(target, path):
    """Single events in both spellings, changed, broken or arbitrary: taken or refused."""
    organisation, _ = target

    @given(body=bodies(EVENT, CANONICAL))
    @quick(1)
    def attempt(body):
        check(organisation.api.request("POST", path, content=body))

    attempt()


RULES = [
    {
        "rule_id": "r",
        "trigger": {
            "event": "course.completed",
            "source": "moodle",
            "conditions": {"score": {"gte": 80}, "any": [{"a": "1"}, {"not": {"b": {"exists": True}}}]},
        },
        "actions": {
            "award_points": {"from": "score", "multiply": 0.5, "min": 1, "max": 9},
            "issue_badge": "b",
        },
        "constraints": {"unique_by": ["course_id"], "max_per_day": 3, "cooldown_minutes": 5},
        "starts_at": "2026-03-01",
        "ends_at": "2026-04-01T00:00:00Z",
        "priority": 5,
        "status": "active",
    },
    {"rule_id": "m", "trigger": "course.completed", "actions": {"multiplier": 1.5}},
]


@pytest.mark.parametrize(
    ("method", "path", "wrap"),
    [
        ("PUT", "/v1/rules/r", lambda rule: rule),
        ("PUT", "/v1/rules", lambda rule: b'{"rules":[' + rule + b"]}"),
        (
            "POST",
            "/v1/rules/calculate",
            lambda rule: b'{"event":' + dumped(EVENT) + b',"rules":[' + rule + b"]}",
        ),
        ("POST", "/v1/rules/calculate", lambda rule: b'{"event":' + rule + b"}"),
    ],
    ids=["one", "set", "candidates", "calculated"],
)
def test_rules_are_taken_or_refused(make_organisation, method, path, wrap):
    """Rules and events to calculate, changed, broken or arbitrary: taken, or refused with the path; and what
    was taken can be worked with."""
    organisation = make_organisation()
    assert organisation.api.post("/v1/rules", RULES[0]).status_code == 201

    @given(body=bodies(*RULES, EVENT, CANONICAL))
    @quick(1)
    def attempt(body):
        check(organisation.api.request(method, path, content=wrap(body)))

    attempt()
    answer = organisation.api.event("course.completed", properties={"course_id": "9", "score": 90})
    assert answer["status"] == "processed"
    assert organisation.api.read(answer["event_id"])["decisions"]
    assert organisation.api.get("/v1/users/anna/limits").status_code == 200
    assert organisation.api.get("/v1/rules").status_code == 200


def test_batches_take_or_refuse_each_item(target):
    """Whatever the items of a batch are, each has its result and the good ones are stored."""
    organisation, _ = target
    items = st.lists(changed([dumped(EVENT), dumped(CANONICAL)]) | values.map(dumped), min_size=1, max_size=6)

    @given(items=items)
    @quick(1)
    def attempt(items):
        body = b'{"events":[' + b",".join(items) + b"]}"
        response = organisation.api.request("POST", "/v1/events/batch", content=body)
        check(response)
        if response.status_code == 200:
            answer = response.json()
            assert [result["index"] for result in answer["results"]] == list(range(len(items)))
            assert answer["processed"] + answer["duplicates"] + answer["failed"] == len(items)
            assert all(result["error"] for result in answer["results"] if result["status"] == "failed")

    attempt()


def document():
    """The server's own description, read from the application without a database."""
    gate = create_app(Settings.from_environ({}), "postgresql://nobody@127.0.0.1:1/none")

    async def read():
        transport = httpx.ASGITransport(app=gate)
        async with httpx.AsyncClient(transport=transport, base_url="http://rocket.test") as client:
            return (await client.get("/openapi.json")).json()

    return asyncio.run(read())


schema = schemathesis.openapi.from_dict(document())


@pytest.fixture(scope="module")
def known_ids(make_organisation):
    """An organisation with something to find, and the ids of it."""
    organisation = make_organisation()
    webhook = {"url": "https://receiver.invalid/", "events": ["*"]}
    webhook_id = organisation.api.post("/v1/webhooks", webhook).json()["id"]
    event_id = organisation.api.event("course.completed", properties={"course_id": "1"})["event_id"]
    (delivery,) = organisation.api.get(f"/v1/webhooks/{webhook_id}/deliveries").json()["deliveries"]
    ids = {"webhook_id": webhook_id, "delivery_id": delivery["id"]} | {
        "user_id": "anna",
        "event_id": event_id,
        "source_id": organisation.moodle.source_id,
    }
    ids["rule_id"] = "forum_posted"
    return organisation, ids


@schema.parametrize()
@quick(8)
def test_every_documented_operation(case, known_ids):
    """Requests made from the API's own document, good and bad: no 500, and answers as documented."""
    organisation, ids = known_ids
    # Half of the requests ask for what exists.
    if case.path_parameters and len(str(case.path_parameters)) % 2:
        case.path_parameters.update({name: ids[name] for name in ids if name in case.path_parameters})
    response = case.call(
        base_url=organisation.server.url, headers={"Authorization": f"Bearer {organisation.key}"}
    )
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
            response_headers_conformance,
        ],
    )
