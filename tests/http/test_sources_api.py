"""Sources, rules and the organisation as an administrator sets them."""

from __future__ import annotations

import pytest


def create(organisation, **fields):
    return organisation.api.post("/v1/sources", fields)


def test_a_new_source_shows_its_token_once(organisation):
    """Creating answers 201 with the source, its address and the token, which no later answer shows."""
    response = create(
        organisation, kind="moodle", name="north", staff_ids=["2", "17"], allowed_cidrs=["10.0.0.0/8"]
    )
    assert response.status_code == 201
    made = response.json()
    assert made["url"].endswith("/api/public/hook/moodle/event")
    assert made["signed_url"].endswith(f"/api/public/hook/{made['slug']}/event")
    assert (made["staff_ids"], made["allowed_cidrs"]) == (["17", "2"], ["10.0.0.0/8"])
    assert len(made["token"]) >= 32
    listed = organisation.api.get("/v1/sources").json()
    assert [source["name"] for source in listed["sources"]] == ["moodle", "north"]
    assert listed["sources"][1] == {name: value for name, value in made.items() if name != "token"}
    assert made["token"] not in organisation.api.get("/v1/sources").text


def test_an_administrator_may_bring_a_token(organisation, make_organisation):
    """A token of his own is taken from 32 characters on, once in the whole server."""
    token = organisation.organisation_id.replace("-", "")
    made = create(organisation, kind="test", token=token)
    assert (made.status_code, made.json()["token"]) == (201, token)
    assert create(make_organisation(), kind="test", token=token).status_code == 409
    for bad in (token[:31], token + " ", token + "ü", "x" * 501):
        response = create(organisation, kind="test", name="other", token=bad)
        assert (response.status_code, response.json()["details"]["field"]) == (400, "token")


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"kind": "moodle"}, 409, "name"),
        ({"kind": "fax"}, 400, "kind"),
        ({}, 400, "kind"),
        ({"kind": "test", "name": "With Blank"}, 400, "name"),
        ({"kind": "test", "allowed_cidrs": ["10.0.0.0/8", "300.0.0.1"]}, 400, "allowed_cidrs[1]"),
        ({"kind": "test", "unknown_learner": "guess"}, 400, "unknown_learner"),
        ({"kind": "test", "filters": {"colour": ["red"]}}, 400, "filters.colour"),
        ({"kind": "test", "filters": {"course_ids": [7]}}, 400, "filters.course_ids[0]"),
        ({"kind": "moodle", "name": "m", "mappings": {"x": {}}}, 400, "mappings.x"),
        ({"kind": "custom", "mappings": {"event": "$.e"}}, 400, "mappings.user_id"),
        ({"kind": "test", "mappings": {"event": "$.e"}}, 400, "mappings"),
        ({"kind": "test", "hmac_secret": "short"}, 400, "hmac_secret"),
        ({"kind": "test", "hmac_secret": "sixteen letters\x00"}, 400, "hmac_secret"),
        ({"kind": "test", "surprise": 1}, 400, "surprise"),
        ({"kind": "test", "staff_ids": ["a\x00"]}, 400, "staff_ids[0]"),
    ],
    ids=str,
)
def test_a_faulty_source_is_refused(organisation, fields, status, field):
    """What a source can't have is named, and no source is made."""
    response = create(organisation, **fields)
    assert response.status_code == status, response.text
    assert response.json()["details"]["field"] == field
    assert len(organisation.api.get("/v1/sources").json()["sources"]) == 1


def test_changing_a_source_leaves_what_was_not_sent(organisation):
    """PATCH changes what it names and nothing else; null gives the policy back to the organisation."""
    path = f"/v1/sources/{organisation.moodle.source_id}"
    organisation.api.patch(path, {"unknown_learner": "hold", "filters": {"course_ids": ["4"]}})
    changed = organisation.api.patch(path, {"staff_ids": ["2"]}).json()
    assert (changed["unknown_learner"], changed["filters"]["course_ids"]) == ("hold", ["4"])
    assert organisation.api.patch(path, {"unknown_learner": None}).json()["unknown_learner"] is None
    assert organisation.api.patch(path, {}).json()["staff_ids"] == ["2"]


@pytest.mark.parametrize("source_id", ["nonsense", "00000000-0000-7000-8000-000000000009", "%00"])
def test_an_unknown_source_is_not_found(organisation, source_id):
    """Changing, rotating or looking into what isn't there is a 404."""
    assert organisation.api.patch(f"/v1/sources/{source_id}", {}).status_code == 404
    assert organisation.api.post(f"/v1/sources/{source_id}/rotate", {}).status_code == 404
    assert organisation.api.get(f"/v1/sources/{source_id}/requests").status_code == 404


@pytest.mark.parametrize("credential", ["nothing", "a\x00", "00000000-0000-7000-8000-000000000009"])
def test_revoking_an_unknown_credential_changes_nothing(organisation, credential):
    """Rotation with a credential that isn't the source's is a 4xx, and no token is added."""
    path = f"/v1/sources/{organisation.moodle.source_id}/rotate"
    assert organisation.api.post(path, {"revoke": credential}).status_code in (400, 404)
    (source,) = organisation.api.get("/v1/sources").json()["sources"]
    assert len(source["credentials"]) == 1


def test_the_organisation_is_read_and_changed(organisation):
    """Name, zone, policy and weekly goal; what isn't sent stays."""
    before = organisation.api.get("/v1/organisation").json()
    assert before["organisation_id"] == organisation.organisation_id
    assert (before["timezone"], before["unknown_learner"], before["environment"]) == (
        "UTC",
        "create",
        "production",
    )
    changed = organisation.api.patch("/v1/organisation", {"name": "École", "weekly_goal": 80}).json()
    assert changed == before | {"name": "École", "weekly_goal": 80}
    assert organisation.api.get("/v1/organisation").json() == changed


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "localtime"}, "timezone"),
        ({"timezone": "Factory"}, "timezone"),
        ({"timezone": "posix/Europe/Paris"}, "timezone"),
        ({"timezone": "right/Europe/Paris"}, "timezone"),
        ({"timezone": "CET"}, "timezone"),
        ({"timezone": "UTC+3"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": "a\x00"}, "timezone"),
        ({"name": ""}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"weekly_goal": 0}, "weekly_goal"),
        ({"weekly_goal": "many"}, "weekly_goal"),
        ({"unknown_learner": "guess"}, "unknown_learner"),
        ({"tenant_id": "x"}, "tenant_id"),
    ],
    ids=str,
)
def test_a_faulty_setting_is_named(organisation, change, field):
    """What an organisation can't be set to is a 400 that names the field."""
    response = organisation.api.patch("/v1/organisation", change)
    assert response.status_code == 400, response.text
    assert response.json()["details"]["field"] == field


def test_a_name_is_taken_once_in_a_tenant(make_organisation):
    """Another organisation of the tenant can't take the name."""
    first = make_organisation(tenant_id="one-tenant", name="First")
    second = make_organisation(tenant_id="one-tenant", name="Second")
    response = second.api.patch("/v1/organisation", {"name": first.model.name})
    assert (response.status_code, response.json()["error"]) == (409, "conflict")


def test_the_default_rules_are_active(organisation):
    """A new organisation has the default rules, each with its version; the badge rule is switched off."""
    rules = organisation.api.get("/v1/rules").json()["rules"]
    points = {rule["trigger"]["event"]: rule["actions"]["award_points"] for rule in rules if rule["active"]}
    assert points == {
        "course.completed": 50,
        "lesson.completed": 10,
        "user.logged_in": 5,
        "assignment.submitted": 15,
        "quiz.completed": 20,
        "forum.posted": 5,
        "resource.viewed": 2,
    }
    assert {rule["version"] for rule in rules} == {1}
    off = [rule for rule in rules if not rule["active"]]
    assert [(rule["trigger"], rule["actions"]["award_points"]) for rule in off] == [
        ({"event": "badge.awarded", "source": "moodle"}, 100)
    ]


def test_templates_cover_the_catalogue(organisation):
    """Ready-made rules say what they are and whether they are on."""
    templates = organisation.api.get("/v1/rules/templates").json()["templates"]
    assert len(templates) >= 60
    assert len({template["rule_id"] for template in templates}) == len(templates)
    assert sum(template["enabled"] for template in templates) == 7
    assert all(template["title"] for template in templates)


def test_sources_have_a_bound(organisation, owner):
    """The two hundredth source is the last one; one more is refused in words."""
    owner.execute(
        "INSERT INTO sources (organisation_id, source_id, kind, name, slug, staff_ids, filters, mappings,"
        " allowed_cidrs)"
        " SELECT $1, gen_random_uuid(), 'test', 'n' || number, 'n' || number, '{}', '{}', '{}', '{}'"
        " FROM generate_series(1, 198) AS number",
        organisation.organisation_id,
    )
    assert create(organisation, kind="test", name="last").status_code == 201
    refused = create(organisation, kind="test", name="one-more")
    assert (refused.status_code, refused.json()["error"]) == (409, "conflict")
    assert len(organisation.api.get("/v1/sources").json()["sources"]) == 200
