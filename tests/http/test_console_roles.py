"""Who may what in the console: every page and form, by role and by organisation, from the table of routes."""

from __future__ import annotations

import re

import pytest

from rocket_server.app import api_routes
from rocket_server.console.application import ROUTES
from rocket_server.members.roles import ROLES, may
from support.console import Browser, House

OWN = [route for route in ROUTES if route.needs is not None and "/sign-in/" not in route.path]
PEOPLE = {"member_id", "user_id", "entry_id", "key_id"}


def ids_of(route):
    """The variables of a route's path."""
    return set(re.findall(r"{(\w+)}", route.path))


def named(route):
    return f"{route.method} {route.path}"


@pytest.fixture
def victim(make_organisation, store, portal):
    """Another organisation with a learner, an entry, a key and a person, and their ids."""
    organisation = make_organisation()
    house = House(organisation, store, portal)
    organisation.api.event("course.completed", "victor", properties={"course_id": "1"})
    entry = organisation.api.get("/v1/users/victor/ledger").json()["entries"][0]
    browser = house.browser("admin")
    keys = re.findall(r"/console/settings/keys/([^/]+)/revoke", browser.get("/console/settings/keys").text)
    person = house.person("viewer")
    ids = {
        "user_id": "victor",
        "entry_id": entry["entry_id"],
        "key_id": keys[0],
        "member_id": person.member_id,
    }
    return organisation, ids, person


def ask(browser, route, ids, **fields):
    path = route.path.format(**ids)
    return browser.get(path) if route.method == "GET" else browser.post(path, **fields)


@pytest.mark.parametrize("route", OWN, ids=named)
def test_nobody_gets_in_without_signing_in(house, route):
    """A page sends who isn't signed in to sign in, and a form of theirs changes nothing."""
    browser = Browser(house.organisation.server)
    browser.get("/console/sign-in")
    answer = ask(browser, route, dict.fromkeys(PEOPLE, "x"))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_what_it_includes_and_nothing_else(house, role):
    """Every page and form, by the permission that it asks for."""
    house.organisation.api.event("course.completed", "ada", properties={"course_id": "1"})
    browser = house.browser(role)
    for route in OWN:
        if route.path == "/console/sign-out":
            continue
        answer = ask(browser, route, dict.fromkeys(PEOPLE, "ada"))
        if not may(role, route.needs):
            assert answer.status_code == 403, named(route)
            assert "No permission" in answer.text
        elif route.method == "GET" and not ids_of(route):
            assert answer.status_code == 200, named(route)
        else:
            assert answer.status_code != 403, named(route)


@pytest.mark.parametrize("route", [route for route in OWN if ids_of(route)], ids=named)
def test_another_organisations_things_are_nowhere(house, victim, route):
    """With ids of another organisation a page is 404, and a form changes nothing there."""
    organisation, ids, person = victim
    browser = house.browser("admin")
    fields = {"points": "5", "reason": "x", "direction": "give", "role": "admin", "disabled": "yes"}
    answer = ask(browser, route, ids, **fields)
    assert answer.status_code == 404, answer.text
    assert organisation.api.points("victor") == 50
    assert Browser(organisation.server).sign_in(person).status_code == 303


def test_lists_show_the_own_organisation_only(house, victim):
    """No learner, person, key or act of another organisation is on any page."""
    _, ids, person = victim
    browser = house.browser("admin")
    for path in ("/console", "/console/learners", "/console/learners?q=vic", "/console/audit"):
        assert "victor" not in re.sub(r"Nobody begins with.*|value=\"vic\"", "", browser.get(path).text)
    assert person.email not in browser.get("/console/settings/people").text
    assert ids["key_id"] not in browser.get("/console/settings/keys").text


def test_only_super_admins_look_at_other_organisations(house, victim):
    """One of them chooses; a form of the organisation before changes nothing in the new one."""
    organisation, _, _ = victim
    admin = house.browser("admin")
    path = "/console/settings/organisations"
    assert admin.post(path, organisation_id=organisation.organisation_id).status_code == 403
    browser = house.browser("super_admin")
    old = browser.token
    assert browser.post(path, organisation_id=organisation.organisation_id).status_code == 303
    assert "victor" in browser.get("/console/learners").text
    fields = {"points": "5", "reason": "x", "direction": "give"}
    assert browser.post("/console/learners/victor/points", token=old, **fields).status_code == 403
    assert organisation.api.points("victor") == 50
    assert browser.post("/console/learners/victor/points", **fields).status_code == 303
    assert organisation.api.points("victor") == 55


def test_nobody_gives_a_role_above_their_own(house):
    """An administrator of an organisation makes no super_admin, and changes none."""
    admin, chief = house.browser("admin"), house.person("super_admin")
    answer = admin.post("/console/settings/people", email="x@example.org", name="", role="super_admin")
    assert answer.status_code == 400
    for act in ("role", "disable", "reset"):
        path = f"/console/settings/people/{chief.member_id}/{act}"
        assert admin.post(path, role="viewer", disabled="yes").status_code == 404
    member = house.person("viewer")
    path = f"/console/settings/people/{member.member_id}/role"
    assert admin.post(path, role="super_admin").status_code == 400


def test_nobody_shuts_themselves_out(house):
    """One's own role and access somebody else has to change, so that always somebody is left."""
    person, browser = house.person(), Browser(house.organisation.server)
    browser.sign_in(person)
    browser.get("/console/settings/people")
    for act in ("role", "disable"):
        answer = browser.post(
            f"/console/settings/people/{person.member_id}/{act}", role="viewer", disabled="yes"
        )
        assert answer.status_code == 409
    assert browser.get("/console/settings/people").status_code == 200


def test_a_changed_role_counts_at_once(house):
    """Whoever gets another role, or is switched off, is signed out everywhere."""
    admin, member = house.browser("admin"), house.person("admin")
    browser = Browser(house.organisation.server)
    browser.sign_in(member)
    path = f"/console/settings/people/{member.member_id}"
    assert admin.post(f"{path}/role", role="viewer").status_code == 303
    assert browser.get("/console").status_code == 303
    browser.sign_in(member)
    assert browser.get("/console/settings/keys").status_code == 403
    assert admin.post(f"{path}/disable", disabled="yes").status_code == 303
    assert browser.get("/console").status_code == 303
    assert browser.sign_in(member).status_code == 403
    lines = house.organisation.api.get("/v1/audit", action="member.changed").json()["audit"]
    assert [(line["before"], line["after"]) for line in lines] == [
        ({"disabled": False}, {"disabled": True}),
        ({"role": "admin"}, {"role": "viewer"}),
    ]


def test_an_invited_person_chooses_a_password(house):
    """The link is shown once, and leads to an account of the role that was given."""
    admin = house.browser("admin")
    fields = {"email": "ada@school.example", "name": "Ada <b>", "role": "viewer"}
    shown = admin.post("/console/settings/people", **fields)
    assert shown.status_code == 200
    secret = re.search(r"/console/link/([\w-]+)", shown.text).group(1)
    again = admin.post("/console/settings/people", **fields)
    assert again.status_code == 409
    assert "already" in again.text
    assert "Ada &lt;b&gt;" in again.text
    browser = Browser(house.organisation.server)
    browser.get(f"/console/link/{secret}")
    answer = browser.post(
        f"/console/link/{secret}", password="a good long password", again="a good long password"
    )
    assert answer.status_code == 303
    assert browser.get("/console/settings/keys").status_code == 403
    assert browser.get("/console/learners").status_code == 200


def test_the_document_of_the_api_has_no_page_of_the_console(house):
    """Neither OpenAPI nor the list of the API's routes names one."""
    paths = house.organisation.server.client.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith("/console")]
    assert not [route.path for route in api_routes() if route.path.startswith("/console")]


def test_every_form_is_refused_without_its_token(house):
    """Whatever form is added: without the token of the session nothing is done."""
    browser = house.browser("super_admin")
    for route in OWN:
        if route.method == "POST":
            answer = browser.post(route.path.format(**dict.fromkeys(PEOPLE, "x")), token="")
            assert answer.status_code == 403, named(route)
            assert "Nothing was changed" in answer.text
