"""Tenancy: every route of the application, tried with another organisation's key and ids.

The routes come from the application itself. A new one fails here until it is said what it needs.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from rocket_server.app import api_routes
from rocket_server.badges import images
from support.examination import Hall, code_of
from support.organisation import Organisation

# Routes that need no key and tell nothing of any organisation.
PUBLIC = {
    ("GET", path)
    for path in (
        "/",
        "/v1/health",
        "/metrics",
        "/docs",
        "/docs/assets/{name}",
        "/openapi.json",
        "/api/public/hook/{source}/about",
    )
}
# Routes that take a source's token; they have tests of their own below.
BY_TOKEN = {
    ("POST", "/api/public/hook/{source}/event"),
    ("POST", "/api/public/hook/{source}/events"),
    ("GET", "/api/public/hook/{source}/catalogue"),
    ("POST", "/api/public/hook/{source}/statements"),
    ("PUT", "/api/public/hook/{source}/statements"),
    ("POST", "/api/public/validate/webhook"),
    ("POST", "/api/validate/event"),
}
# What anybody may open who was given the random ids in the address.
BY_PUBLIC_ID = {
    ("GET", "/public/badges/{issuer_id}"),
    ("GET", "/public/badges/{issuer_id}/awards/{public_id}"),
    ("GET", "/public/badges/{issuer_id}/awards/{public_id}/credential.json"),
    ("GET", "/public/badges/{issuer_id}/awards/{public_id}/badge.png"),
    ("GET", "/public/badges/{issuer_id}/status/{key_id}/{number}"),
    ("GET", "/public/badges/{issuer_id}/images/{image_id}"),
    ("GET", "/public/badges/{issuer_id}/medals/{badge_id}"),
}
EVENT = {"event": "course.viewed", "user_id": "intruder", "timestamp": 1772445600}
WEBHOOK_URL = "https://victim.example/hook"
RULE = {"rule_id": "theirs", "trigger": "course.viewed", "actions": {"award_points": 1}}
POINTS = {"user_id": "intruder", "points": 1, "reason": "x"}
# A body for each route that takes one; `{…}` in a value is an id of the victim's.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/events"): EVENT,
    ("POST", "/v1/events/batch"): {"events": [EVENT]},
    ("POST", "/api/events/batch"): {"events": [EVENT | {"user_id": "other"}]},
    ("POST", "/v1/events/validate"): EVENT,
    ("POST", "/v1/events/{event_id}/retry"): None,
    ("POST", "/v1/points/award"): POINTS,
    ("POST", "/v1/points/deduct"): POINTS,
    ("POST", "/v1/points/reverse"): {"entry_id": "{entry_id}", "reason": "x"},
    ("POST", "/v1/rules"): RULE,
    ("PUT", "/v1/rules"): {"rules": [RULE]},
    ("PUT", "/v1/rules/{rule_id}"): RULE | {"rule_id": "{rule_id}"},
    ("DELETE", "/v1/rules/{rule_id}"): None,
    ("POST", "/v1/rules/calculate"): EVENT,
    ("POST", "/v1/badges"): {"badge_id": "theirs", "name": "Theirs"},
    ("PUT", "/v1/badges/{badge_id}"): {"name": "Theirs"},
    ("DELETE", "/v1/badges/{badge_id}"): None,
    ("POST", "/v1/badges/award"): {"user_id": "intruder", "badge_id": "{badge_id}"},
    ("POST", "/v1/badges/revoke"): {"award_id": "{award_id}", "reason": "x"},
    ("POST", "/v1/badges/{badge_id}/backfill"): None,
    ("DELETE", "/v1/jobs/{job_id}"): None,
    ("POST", "/v1/imports"): None,
    ("DELETE", "/v1/imports/{import_id}"): None,
    ("PUT", "/v1/issuer"): {"name": "Theirs"},
    ("POST", "/v1/issuer/rotate-key"): None,
    ("POST", "/v1/users"): {"user_id": "intruder's own"},
    ("PATCH", "/v1/users/{user_id}"): {"name": "Renamed"},
    ("DELETE", "/v1/users/{user_id}"): None,
    ("POST", "/v1/users/{user_id}/identities"): {"identities": ["x:1"]},
    ("POST", "/v1/users/{user_id}/merge"): {"from": "victim-anna"},
    ("POST", "/v1/users/{user_id}/split"): {"identities": ["victim-anna"]},
    ("POST", "/v1/rules/simulate"): {"rules": [RULE], "since": "9000d"},
    ("POST", "/v1/courses/{course_id}/reset"): {},
    ("PATCH", "/v1/organisation"): {"name": "Renamed"},
    ("POST", "/v1/sources"): {"kind": "test"},
    ("PATCH", "/v1/sources/{source_id}"): {"staff_ids": []},
    ("POST", "/v1/sources/{source_id}/rotate"): {},
    ("POST", "/v1/webhooks"): {"url": "https://intruder.example/", "events": ["*"]},
    ("PATCH", "/v1/webhooks/{webhook_id}"): {"description": "changed"},
    ("DELETE", "/v1/webhooks/{webhook_id}"): None,
    ("POST", "/v1/webhooks/{webhook_id}/test"): None,
    ("POST", "/v1/webhooks/{webhook_id}/rotate-secret"): {},
    ("POST", "/v1/webhooks/{webhook_id}/retire-secret"): None,
    ("POST", "/v1/webhooks/{webhook_id}/recover"): {"since": "{recently}"},
    ("POST", "/v1/deliveries/{delivery_id}/redeliver"): None,
    ("PATCH", "/v1/plugins/{plugin_id}"): {"enabled": False},
}
# The routes of tests and attempts; `X-User-ID` names the intruder's own learner.
_AT = "/assessment/v1"
_QUESTION = {"text": "1?", "type": "essay"}
_CHOSEN = {"name": "x", "ruleType": "mixed", "numberOfQuestions": 1, "poolSize": 1}
_OF_SECTION = {"testId": "{test_id}", "sectionId": "{section_id}"}
BODIES |= {
    ("POST", f"{_AT}/tests"): {"title": "Theirs", "type": "plain", "gradingType": "quiz"},
    ("POST", f"{_AT}/tests/listsearch"): {},
    ("PATCH", f"{_AT}/tests/{{test_id}}"): {"title": "Changed"},
    ("DELETE", f"{_AT}/tests/{{test_id}}"): None,
    ("POST", f"{_AT}/tests/{{test_id}}/publish"): None,
    ("POST", f"{_AT}/tests/{{test_id}}/unpublish"): None,
    ("POST", "/tests/{test_id}/publish"): None,
    ("POST", "/tests/{test_id}/unpublish"): None,
    ("POST", f"{_AT}/tests/{{test_id}}/clone"): None,
    ("POST", f"{_AT}/tests/{{test_id}}/questions"): {
        "sectionId": "{section_id}",
        "questionId": "{question_id}",
    },
    ("POST", f"{_AT}/tests/{{test_id}}/questions/bulk"): {"sectionId": "{section_id}", "questions": []},
    ("DELETE", f"{_AT}/tests/{{test_id}}/question/{{question_id}}"): None,
    ("PUT", f"{_AT}/tests/{{test_id}}/structure"): {"sections": []},
    ("POST", f"{_AT}/sections"): {"title": "Theirs", "testId": "{test_id}"},
    ("PATCH", f"{_AT}/sections/{{section_id}}"): {"title": "Changed"},
    ("DELETE", f"{_AT}/sections/{{section_id}}"): None,
    ("POST", f"{_AT}/questions"): _QUESTION | _OF_SECTION,
    ("POST", f"{_AT}/questions/import"): None,
    ("POST", f"{_AT}/questions/{{question_id}}/regrade"): {"question": {"marks": 5}, "reason": "x"},
    ("POST", f"{_AT}/questions/rule-preview"): {},
    ("POST", f"{_AT}/questions/associate-option"): {"questionId": "{question_id}", "optionId": "x"},
    ("PATCH", f"{_AT}/questions/{{question_id}}"): {"text": "Changed?"},
    ("DELETE", f"{_AT}/questions/{{question_id}}"): None,
    ("POST", f"{_AT}/rules"): _CHOSEN | _OF_SECTION,
    ("PATCH", f"{_AT}/rules/{{rule_id}}"): {"name": "Changed"},
    ("DELETE", f"{_AT}/rules/{{rule_id}}"): None,
    ("POST", f"{_AT}/rules/{{rule_id}}/questions"): None,
    ("POST", f"{_AT}/attempts/start/{{test_id}}"): None,
    ("POST", f"{_AT}/attempts/{{attempt_id}}/answers"): {"answers": []},
    ("POST", f"{_AT}/attempts/{{attempt_id}}/submit"): None,
    ("POST", f"{_AT}/attempts/{{attempt_id}}/review"): {"answers": []},
    ("POST", f"{_AT}/attempts/review"): {"testId": "{test_id}", "userId": "victim-anna", "answers": []},
    ("POST", f"{_AT}/attempts/import/resultstatus"): {"testId": "{test_id}", "userId": "victim-anna"},
}
# Routes whose id is a text of the caller's own, which another organisation may use as well.
OWN_IDS = {("POST", "/v1/courses/{course_id}/reset")}
# Routes that name something of the victim's in the body.
FOREIGN_BODIES = {
    ("POST", "/v1/points/reverse"),
    ("POST", "/v1/badges/award"),
    ("POST", "/v1/badges/revoke"),
    ("POST", f"{_AT}/sections"),
    ("POST", f"{_AT}/questions"),
    ("POST", f"{_AT}/questions/associate-option"),
    ("POST", f"{_AT}/rules"),
    ("POST", f"{_AT}/attempts/review"),
    ("POST", f"{_AT}/attempts/import/resultstatus"),
}

PICTURE = "data:image/png;base64," + base64.b64encode(images.drawn("victims")).decode()

ROUTES = sorted((method, route.path) for route in api_routes() for method in route.methods)
KEYED = [route for route in ROUTES if route not in PUBLIC | BY_TOKEN | BY_PUBLIC_ID]


@dataclass(frozen=True, slots=True)
class Victim:
    """An organisation with something of everything, and the ids of it."""

    organisation: Organisation
    ids: dict[str, str]
    marks: tuple[str, ...]  # text that no other organisation may ever see


@pytest.fixture(scope="module")
def victim(make_organisation) -> Victim:
    """An organisation with a learner, an event, an entry, a rule, a source and its request log."""
    organisation = make_organisation(name="The Victim's", tenant_id="tenant-of-the-victim")
    webhook = organisation.api.post("/v1/webhooks", {"url": WEBHOOK_URL, "events": ["*"]}).json()
    person = {"user_id": "victim-anna", "email": "anna@victim.example", "name": "Victim"}
    assert organisation.api.post("/v1/users", person).status_code == 201
    answer = organisation.api.event("course.completed", "victim-anna", properties={"course_id": "1"})
    body = {"eventname": "\\core\\event\\user_loggedin", "id": 1, "userid": 9, "timecreated": 1772445600}
    organisation.hook(json.dumps(body))
    rule = RULE | {"rule_id": "rule-of-the-victim"}
    assert organisation.api.post("/v1/rules", rule).status_code == 201
    badge = {"badge_id": "victims-badge", "name": "Victim's own", "image": PICTURE}
    assert organisation.api.post("/v1/badges", badge).status_code == 201
    counted = {"badge_id": "victims-other", "name": "Other", "criteria": {"points": 1_000_000}}
    assert organisation.api.post("/v1/badges", counted).status_code == 201
    job = organisation.api.post("/v1/badges/victims-other/backfill").json()
    history = "event,user_id,timestamp\ncourse.viewed,victim-anna,1772445600\n"
    imported = organisation.api.request("POST", "/v1/imports?kind=events", content=history).json()
    awarded = organisation.api.post(
        "/v1/badges/award", {"user_id": "victim-anna", "badge_id": "victims-badge"}
    ).json()
    award = organisation.api.get("/v1/users/victim-anna/badges").json()["badges"][0]
    issuer_id, _, public_id = award["verification_url"].split("/")[-3:]
    credential = organisation.server.client.get(
        f"/public/badges/{issuer_id}/awards/{public_id}/credential.json"
    ).json()
    (entry,) = organisation.api.get("/v1/users/victim-anna/ledger").json()["entries"]
    deliveries = organisation.api.get(f"/v1/webhooks/{webhook['id']}/deliveries").json()["deliveries"]
    ids = {
        "event_id": answer["event_id"],
        "webhook_id": webhook["id"],
        "delivery_id": deliveries[0]["id"],
        "user_id": "victim-anna",
        "rule_id": "rule-of-the-victim",
        "entry_id": entry["entry_id"],
        "source_id": organisation.moodle.source_id,
        # Plugins belong to the installation, and each organisation only switches its own use of one.
        "plugin_id": "plugin-of-the-victim",
        "badge_id": "victims-badge",
        "job_id": job["job_id"],
        "import_id": imported["import_id"],
        "award_id": awarded["award_id"],
        "issuer_id": issuer_id,
        "public_id": public_id,
        "image_id": award["image_url"].rpartition("/")[2],
        "key_id": credential["credentialStatus"]["statusListCredential"].split("/")[-2],
    }
    hall = Hall(organisation)
    essay = hall.question(type="essay", text="Victim's own?")
    test_id = hall.test([essay], title="Victim's test", type="rule_based")
    section_id = hall.get(f"/sections/test/{test_id}")[0]["sectionId"]
    attempt_id = hall.start(test_id, "victim-anna")
    hall.post(f"/tests/{test_id}/unpublish")
    correction = {"question": {"marks": 3}, "reason": "Victim's own?"}
    regraded = hall.post(f"/questions/{essay['questionId']}/regrade", correction)
    chosen = _CHOSEN | {"testId": test_id, "sectionId": section_id}
    rule_of_test = hall.post("/rules", chosen)["ruleId"]
    ids |= {
        "test_id": test_id,
        "section_id": section_id,
        "question_id": essay["questionId"],
        "attempt_id": attempt_id,
        "assessment_rule_id": rule_of_test,
        "regrade_id": regraded["regradeId"],
    }
    secrets = (
        "Victim's own?",
        "Victim's test",
        organisation.organisation_id,
        organisation.moodle.slug,
        organisation.moodle.token,
        "The Victim's",
        WEBHOOK_URL,
        webhook["secret"],
        "anna@victim.example",
    )
    return Victim(organisation, ids | {"course_id": "1"}, (*ids.values(), *secrets))


@pytest.fixture(scope="module")
def intruder(make_organisation) -> Organisation:
    """Another tenant's organisation with an admin key."""
    return make_organisation(name="The Intruder's")


@pytest.fixture
def unchanged(victim, owner):
    """Asserts afterwards that not one row of the victim's is another than before."""
    tables = owner.fetch(
        "SELECT table_name FROM information_schema.columns"
        " WHERE column_name = 'organisation_id' AND table_schema = 'public'"
    )

    def snapshot():
        return {
            row["table_name"]: owner.value(
                f"SELECT string_agg(t::text, '|' ORDER BY t::text) FROM {row['table_name']} t"
                " WHERE organisation_id = $1",
                victim.organisation.organisation_id,
            )
            for row in tables
        }

    before = snapshot()
    assert before["entries"]
    assert before["request_log"]
    yield
    assert snapshot() == before


def filled(template: Any, ids: dict[str, str]) -> Any:
    """A path or body with the victim's ids in it."""
    if isinstance(template, dict):
        return {name: filled(value, ids) for name, value in template.items()}
    return (
        template.format_map({**ids, "recently": str(int(time.time()) - 60)})
        if isinstance(template, str) and "{" in template
        else template
    )


def ask(organisation, route, ids, *, key=True, **headers):
    method, path = route
    if path.startswith(f"{_AT}/rules/"):
        ids = ids | {"rule_id": ids["assessment_rule_id"]}
    options = {"json": filled(BODIES[route], ids)} if BODIES.get(route) is not None else {}
    if path.startswith((_AT, "/tests/")):
        headers = {"X-User-ID": "intruder", **headers}
    if key:
        headers = {"Authorization": f"Bearer {organisation.key}", **headers}
    return organisation.server.client.request(method, filled(path, ids), headers=headers, **options)


def test_every_route_is_classified():
    """Each route is public, by token or by key; one that takes a body has one here; nothing is left over."""
    assert set(ROUTES) >= PUBLIC | BY_TOKEN | BY_PUBLIC_ID | BODIES.keys()
    for method, path in KEYED:
        assert method == "GET" or (method, path) in BODIES, f"give {method} {path} a body, or None"


@pytest.mark.parametrize("route", KEYED, ids=" ".join)
def test_without_a_key_there_is_nothing(intruder, victim, unchanged, route):
    """Without a key every route but the public ones is a 401."""
    assert ask(intruder, route, victim.ids, key=False).status_code == 401


@pytest.mark.parametrize("route", KEYED, ids=" ".join)
def test_another_organisations_headers_are_refused(intruder, victim, unchanged, route):
    """A key with another organisation's headers is a 403 everywhere, in both spellings."""
    model = victim.organisation.model
    for headers in (
        {"X-Tenant-ID": model.tenant_id, "X-Organisation-ID": model.organisation_id},
        {"organisationId": model.organisation_id},
        {"tenantId": model.tenant_id},
        # One spelling names the intruder's own, the other the victim's.
        {"X-Organisation-ID": intruder.organisation_id, "organisationId": model.organisation_id},
        {"X-Organisation-ID": model.organisation_id, "organisationId": intruder.organisation_id},
        {"X-Tenant-ID": intruder.model.tenant_id, "tenantId": model.tenant_id},
    ):
        response = ask(intruder, route, victim.ids, **headers)
        assert (response.status_code, code_of(response)) == (403, "forbidden")


@pytest.mark.parametrize("route", KEYED, ids=" ".join)
def test_another_organisations_ids_lead_nowhere(intruder, victim, unchanged, route):
    """The victim's ids are a 404 for the intruder; what needs no id shows nothing of the victim's."""
    response = ask(intruder, route, victim.ids)
    if ("{" in route[1] and route not in OWN_IDS) or route in FOREIGN_BODIES:
        assert response.status_code in (403, 404), response.text
    else:
        assert response.status_code < 500
    assert not [mark for mark in victim.marks if mark in response.text]


def test_filters_show_only_ones_own(intruder, victim, unchanged):
    """Lists filtered by the victim's learner or starting at the victim's event show nothing."""
    listed = intruder.api.get("/v1/users", limit=500).text
    assert not [mark for mark in victim.marks if mark in listed]
    for query in ({"q": "victim"}, {"email": "anna@victim.example"}):
        assert intruder.api.get("/v1/users/search", **query).json()["users"] == []
    for query in ({"user_id": "victim-anna"}, {"event": "course.completed"}, {"source": "moodle"}):
        response = intruder.api.get("/v1/events", **query)
        assert response.json()["events"] == []


def test_a_token_opens_only_its_own_source(intruder, victim, unchanged):
    """A token at the victim's slug is a 403; validation with the victim's source names finds none."""
    body = json.dumps(
        {"eventname": "\\core\\event\\user_loggedin", "id": 7, "userid": 9, "timecreated": 1772445600}
    )
    slug = victim.organisation.moodle.slug
    headers = {"Authorization": f"Bearer {intruder.moodle.token}"}
    post = intruder.server.client.post
    assert post(f"/api/public/hook/{slug}/event", content=body, headers=headers).status_code == 403
    keyed = {"Authorization": f"Bearer {intruder.key}"}
    for name in (slug, victim.ids["source_id"]):
        assert post(f"/api/validate/event?source={name}", content=body, headers=keyed).status_code == 404
    assert post("/api/public/hook/moodle/event", content=body, headers=headers).status_code == 200
    assert victim.organisation.api.points("moodle:9") == 5


@pytest.mark.parametrize("route", sorted(PUBLIC), ids=" ".join)
def test_what_is_public_tells_nothing(server, victim, route):
    """Health, metrics, the console's page and the API's have no trace of any organisation."""
    method, path = route
    response = server.client.request(
        method, path.format(name="swagger-ui.css", source="valamis"), follow_redirects=True
    )
    assert response.status_code == 200
    assert not [mark for mark in victim.marks if mark in response.text]


@pytest.mark.parametrize("route", sorted(BY_PUBLIC_ID), ids=" ".join)
def test_what_is_public_of_a_badge_tells_of_the_award_alone(server, victim, intruder, unchanged, route):
    """Public pages need their random ids, know nothing of the learner, and never mix two issuers."""
    method, path = route
    ids = {**victim.ids, "number": "0"}
    found = server.client.request(method, path.format_map(ids))
    assert found.status_code == 200
    private = ("event_id", "user_id", "entry_id", "source_id", "award_id")
    hidden = [victim.ids[name] for name in private] + [victim.organisation.organisation_id]
    assert not [mark for mark in hidden if mark.encode() in found.content]
    own_issuer = intruder.api.get("/v1/issuer").json()["issuer_id"]
    if "{public_id}" in path or "{image_id}" in path or "{key_id}" in path:
        mixed = server.client.request(method, path.format_map({**ids, "issuer_id": own_issuer}))
        assert mixed.status_code == 404
        guessed = dict.fromkeys(("public_id", "image_id", "key_id"), str(uuid.uuid4()))
        assert server.client.request(method, path.format_map({**ids, **guessed})).status_code == 404
