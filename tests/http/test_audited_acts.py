"""No act is forgotten: every route that changes something leaves its lines in the audit log, once.

The routes come from the application itself. A new one fails here until it has a scenario, or a reason why it
is no act.
"""

from __future__ import annotations

import json
import time
import uuid

import pytest

from rocket_server.app import api_routes
from support.acts import Route, Scenario, Stage
from support.receiver import Receiver

OWN_TOKEN = "an-own-token-of-forty-characters-or-more"
OWN_HMAC = "an-own-hmac-secret"
OWN_SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtb3ItbW9yZQ=="
HEADER_VALUE = "Bearer the-receivers-own-credential"
SECRET_PATH = "path-that-is-a-secret"
SECRETS = (OWN_TOKEN, OWN_HMAC, OWN_SECRET, HEADER_VALUE, SECRET_PATH, "the-receivers-own-credential")

RULE = {"rule_id": "extra", "trigger": "course.viewed", "actions": {"award_points": 5}}
HISTORY = "event,user_id,timestamp\ncourse.completed,anna,1692614400\n"
CRITERIA = {"name": "Own", "criteria": {"points": 10}}
AGAIN = {"user_id": "anna", "points": 5, "reason": "helped Bert"}

# What changes nothing that anybody set, or is written down where it belongs.
NO_ACTS = {
    ("POST", "/v1/events"): "an event that arrives is stored with its decisions",
    ("POST", "/v1/events/batch"): "events that arrive are stored with their decisions",
    ("POST", "/v1/events/validate"): "it stores nothing",
    ("POST", "/v1/rules/calculate"): "it stores nothing",
    ("POST", "/v1/rules/simulate"): "it stores nothing",
}


SCENARIOS: dict[Route, Scenario] = {
    ("POST", "/v1/points/award"): Scenario(("points.awarded",), AGAIN, again=("points.awarded",)),
    ("POST", "/v1/points/deduct"): Scenario(("points.deducted",), AGAIN, again=("points.deducted",)),
    ("POST", "/v1/points/reverse"): Scenario(
        ("points.reversed",), {"entry_id": "{entry_id}", "reason": "a mistake"}, refused_again=True
    ),
    ("POST", "/v1/rules"): Scenario(("rule.created",), RULE, refused_again=True),
    ("PUT", "/v1/rules"): Scenario(
        ("rule.changed", "rule.created"), {"rules": [RULE, RULE | {"rule_id": "own", "active": False}]}
    ),
    ("PUT", "/v1/rules/{rule_id}"): Scenario(
        ("rule.changed",), RULE | {"rule_id": "own", "actions": {"award_points": 6}}
    ),
    ("DELETE", "/v1/rules/{rule_id}"): Scenario(("rule.withdrawn",), refused_again=True),
    ("POST", "/v1/badges"): Scenario(
        ("badge.created",), {"badge_id": "extra", "name": "Extra"}, refused_again=True
    ),
    ("PUT", "/v1/badges/{badge_id}"): Scenario(("badge.changed",), {"name": "Other", "tags": ["a", "b"]}),
    ("DELETE", "/v1/badges/{badge_id}"): Scenario(("badge.deleted",), refused_again=True),
    ("POST", "/v1/badges/award"): Scenario(
        ("badge.awarded",), {"user_id": "bert", "badge_id": "{badge_id}", "metadata": {"why": "Bert"}}
    ),
    ("POST", "/v1/badges/revoke"): Scenario(
        ("badge.revoked",), {"award_id": "{award_id}", "reason": "not Anna's"}, refused_again=True
    ),
    ("POST", "/v1/badges/{badge_id}/backfill"): Scenario(
        ("job.started",), before=(("PUT", "/v1/badges/{badge_id}", CRITERIA),), refused_again=True
    ),
    ("DELETE", "/v1/jobs/{job_id}"): Scenario(
        ("job.cancelled",),
        before=(
            ("PUT", "/v1/badges/{badge_id}", CRITERIA),
            ("POST", "/v1/badges/{badge_id}/backfill", None),
        ),
    ),
    ("POST", "/v1/imports"): Scenario(
        ("job.started",), again=("job.started",), content=HISTORY, query="?kind=events"
    ),
    ("DELETE", "/v1/imports/{import_id}"): Scenario(
        ("job.cancelled",), before=(("POST", "/v1/imports?kind=events", None, HISTORY),)
    ),
    ("PUT", "/v1/issuer"): Scenario(("issuer.changed",), {"name": "The School"}),
    ("POST", "/v1/issuer/rotate-key"): Scenario(("issuer.key_rotated",), again=("issuer.key_rotated",)),
    ("POST", "/v1/users"): Scenario(
        ("user.created",),
        {"user_id": "clara", "email": "clara@example.org", "name": "Clara", "identities": ["moodle:9"]},
        refused_again=True,
    ),
    ("PATCH", "/v1/users/{user_id}"): Scenario(
        ("user.changed",), {"name": "Anna Smith", "email": "anna@example.org", "weekly_goal": 7}
    ),
    ("DELETE", "/v1/users/{user_id}"): Scenario(("user.anonymised",), refused_again=True),
    ("POST", "/v1/users/{user_id}/identities"): Scenario(("user.linked",), {"identities": ["moodle:10"]}),
    ("POST", "/v1/users/{user_id}/merge"): Scenario(("user.merged",), {"from": "bert"}),
    ("POST", "/v1/users/{user_id}/split"): Scenario(("user.split",), {"identities": ["moodle:7"]}),
    ("POST", "/v1/courses/{course_id}/reset"): Scenario(("course.reset",), {"at": "2026-03-02T08:00:00Z"}),
    ("PATCH", "/v1/organisation"): Scenario(("organisation.changed",), {"weekly_goal": 77}),
    ("POST", "/v1/sources"): Scenario(
        ("source.created", "source.credential_added", "source.credential_added"),
        {"kind": "test", "token": OWN_TOKEN, "hmac_secret": OWN_HMAC},
        refused_again=True,
    ),
    ("PATCH", "/v1/sources/{source_id}"): Scenario(("source.changed",), {"staff_ids": ["1", "2"]}),
    ("POST", "/v1/sources/{source_id}/rotate"): Scenario(
        ("source.credential_added",),
        {"kind": "hmac_secret", "hmac_secret": OWN_HMAC},
        again=("source.credential_added",),
    ),
    ("POST", "/v1/webhooks"): Scenario(
        ("webhook.created",),
        {
            "url": f"https://example.org/{SECRET_PATH}",
            "events": ["*"],
            "headers": {"Authorization": HEADER_VALUE, "X-Campus": "north"},
            "secret": OWN_SECRET,
        },
        again=("webhook.created",),
    ),
    ("PATCH", "/v1/webhooks/{webhook_id}"): Scenario(
        ("webhook.changed",),
        {"url": f"https://example.org/{SECRET_PATH}/2", "headers": {"Authorization": HEADER_VALUE}},
    ),
    ("DELETE", "/v1/webhooks/{webhook_id}"): Scenario(("webhook.deleted",), refused_again=True),
    ("POST", "/v1/webhooks/{webhook_id}/test"): Scenario(("webhook.tested",), again=("webhook.tested",)),
    ("POST", "/v1/webhooks/{webhook_id}/rotate-secret"): Scenario(
        ("webhook.secret_rotated",), {"secret": OWN_SECRET, "overlap_s": 60}, refused_again=True
    ),
    ("POST", "/v1/webhooks/{webhook_id}/retire-secret"): Scenario(
        ("webhook.secret_retired",),
        before=(("POST", "/v1/webhooks/{webhook_id}/rotate-secret", {}),),
        refused_again=True,
    ),
    ("POST", "/v1/webhooks/{webhook_id}/recover"): Scenario(
        ("webhook.recovery_begun",), {"since": "{recently}"}, refused_again=True
    ),
    ("POST", "/v1/deliveries/{delivery_id}/redeliver"): Scenario(
        ("delivery.redelivered",), again=("delivery.redelivered",)
    ),
    ("PATCH", "/v1/plugins/{plugin_id}"): Scenario(("plugin.disabled",), {"enabled": False}),
    ("POST", "/v1/events/{event_id}/retry"): Scenario(
        ("event.retried",), before=(("PATCH", "/v1/users/sue", {"status": "active"}),)
    ),
}
ROUTES = sorted(
    (method, route.path)
    for route in api_routes()
    for method in route.methods
    if method != "GET" and route.path.startswith("/v1/")
)


@pytest.fixture
def stage(make_organisation, start_server, receiver: Receiver) -> Stage:
    """An organisation on a server whose webhooks may be private, with a plugin that can be switched."""
    server = start_server(
        "acting",
        ROCKET_ALLOW_PRIVATE_WEBHOOKS="1",
        ROCKET_ENV="development",
        EXTERNAL_SERVICE_WEBHOOK_URL="https://hooks.example.org/x",
        EXTERNAL_SERVICE_API_KEY="key-of-the-environment",
    )
    organisation = make_organisation().on(server)
    api = organisation.api
    made = Stage(organisation)
    webhook = made.ask("POST", "/v1/webhooks", {"url": receiver.url(), "events": ["*"]}).json()
    for person in ({"user_id": "anna", "identities": ["moodle:7"]}, {"user_id": "bert"}, {"user_id": "sue"}):
        assert api.post("/v1/users", person).status_code == 201
    api.event("course.completed", "anna", properties={"course_id": "1"})
    assert api.patch("/v1/users/sue", {"status": "suspended"}).status_code == 200
    event = api.event("course.completed", "sue", properties={"course_id": "1"})
    assert api.post("/v1/rules", RULE | {"rule_id": "own"}).status_code == 201
    assert api.post("/v1/badges", {"badge_id": "own", "name": "Own"}).status_code == 201
    award = api.post("/v1/badges/award", {"user_id": "anna", "badge_id": "own"}).json()
    (entry,) = api.get("/v1/users/anna/ledger").json()["entries"]
    deliveries = api.get(f"/v1/webhooks/{webhook['id']}/deliveries").json()["deliveries"]
    made.ids |= {
        "event_id": event["event_id"],
        "webhook_id": webhook["id"],
        "delivery_id": deliveries[0]["id"],
        "user_id": "anna",
        "rule_id": "own",
        "badge_id": "own",
        "entry_id": entry["entry_id"],
        "award_id": award["award_id"],
        "source_id": organisation.moodle.source_id,
        "plugin_id": "external-service-webhook",
        "course_id": "1",
        "job_id": str(uuid.uuid4()),
        "import_id": str(uuid.uuid4()),
        "recently": str(int(time.time()) - 60),
    }
    return made


def test_every_route_is_an_act_or_says_why_not():
    """Each route that isn't only read has a scenario here, or a reason; nothing is left over."""
    assert set(ROUTES) == SCENARIOS.keys() | NO_ACTS.keys()
    assert not SCENARIOS.keys() & NO_ACTS.keys()


@pytest.mark.parametrize("route", SCENARIOS, ids=" ".join)
def test_each_act_leaves_its_lines_and_a_repetition_only_what_it_did(stage, owner, route):
    """An act leaves the lines that are listed for it, of its key and request; sent once more it leaves those
    of what it did then, which is nothing where nothing changed or it was refused. No secret is in any line,
    nor what names a learner."""
    stage.try_twice(route, SCENARIOS[route])
    written = owner.value(
        "SELECT string_agg(a::text, ' ') FROM audit a WHERE organisation_id = $1",
        stage.organisation.organisation_id,
    )
    for secret in (*SECRETS, *stage.secrets, stage.organisation.key, stage.organisation.moodle.token):
        assert secret not in written
    for name in ("anna", "bert", "clara", "Clara", "Anna", "Bert", "moodle:", "@"):
        assert name not in written


@pytest.mark.parametrize("route", [route for route in SCENARIOS if "{" in route[1]], ids=" ".join)
def test_what_is_refused_leaves_no_line(stage, route):
    """An act about something that isn't there is a 4xx and no act."""
    method, path = route
    before = stage.lines()
    own = dict(stage.ids)
    stage.ids |= dict.fromkeys(own.keys() - {"recently", "course_id"}, str(uuid.uuid4()))
    if route == ("POST", "/v1/courses/{course_id}/reset"):
        response = stage.ask(method, path, {"source": "none-of-ours"})
    else:
        response = stage.ask(method, path, SCENARIOS[route].body)
    assert 400 <= response.status_code < 500
    assert stage.lines() == before


@pytest.mark.parametrize("route", [route for route in SCENARIOS if SCENARIOS[route].body], ids=" ".join)
def test_what_is_no_request_leaves_no_line(stage, route):
    """A body that means nothing is a 400 and no act."""
    before = stage.lines()
    assert stage.ask(*route, {"nonsense": json.dumps(1)}).status_code == 400
    assert stage.lines() == before


@pytest.mark.parametrize(
    "route",
    [
        ("POST", "/v1/points/award"),
        ("POST", "/v1/points/deduct"),
        ("POST", "/v1/points/reverse"),
        ("POST", "/v1/badges/award"),
        ("POST", "/v1/courses/{course_id}/reset"),
    ],
    ids=" ".join,
)
def test_a_replay_leaves_no_second_line(stage, route):
    """The same request under the same key is answered as before, and nothing is written down again."""
    scenario = SCENARIOS[route]
    first = stage.ask(*route, scenario.body, **{"Idempotency-Key": "k"})
    lines = stage.lines()
    again = stage.ask(*route, scenario.body, **{"Idempotency-Key": "k"})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert stage.lines() == lines
