"""Scopes: every route of the application, tried with keys of one scope each.

The routes come from the application itself. A new one is held to the rule below until it stands in the table.
"""

from __future__ import annotations

import pytest

from rocket_server.app import api_routes
from rocket_server.organisations import keys
from rocket_server.organisations.credentials import SCOPES
from support.examination import details_of
from support.organisation import Api

ANYBODY = {
    *("/", "/v1/health", "/metrics", "/docs", "/docs/assets/{name}", "/openapi.json"),
    "/api/public/hook/{source}/event",
    "/api/public/hook/{source}/events",
    "/api/public/hook/{source}/catalogue",
    "/api/public/hook/{source}/statements",
    "/api/public/hook/{source}/about",
}
PUBLIC = "/public/"
# A read needs `read` and a write needs `admin`, except for these.
OTHERS = {
    ("POST", "/v1/events"): {"events:write"},
    ("POST", "/v1/events/batch"): {"events:write"},
    ("POST", "/api/events/batch"): {"events:write"},
    ("POST", "/v1/events/validate"): {"events:write"},
    ("POST", "/v1/events/{event_id}/retry"): {"events:write"},
    ("POST", "/api/validate/event"): {"events:write", "read"},
    ("POST", "/api/public/validate/webhook"): {"events:write", "read"},
    ("GET", "/v1/audit"): {"admin"},
    ("POST", "/v1/points/award"): {"points:write"},
    ("POST", "/v1/points/deduct"): {"points:write"},
    ("POST", "/v1/points/reverse"): {"points:write"},
    ("POST", "/v1/badges/award"): {"points:write"},
    ("POST", "/v1/badges/revoke"): {"points:write"},
    ("POST", "/v1/rules/calculate"): {"read"},
    ("POST", "/v1/rules/simulate"): {"read"},
    ("GET", "/v1/users/{user_id}/changes"): {"admin"},
}
_AUTHOR, _REVIEW, _TAKE = "assessments:author", "assessments:review", "assessments:take"
_STAFF = {_AUTHOR, _REVIEW}
_AT = "/assessment/v1"
OTHERS |= {
    ("POST", f"{_AT}/tests/listsearch"): _STAFF,
    ("GET", f"{_AT}/tests/{{test_id}}/hierarchy"): {*_STAFF, _TAKE},
    ("GET", f"{_AT}/tests/{{test_id}}/users/{{user_id}}/status"): {*_STAFF, _TAKE},
    ("POST", f"{_AT}/attempts/start/{{test_id}}"): {_TAKE},
    ("POST", f"{_AT}/attempts/{{attempt_id}}/answers"): {_TAKE},
    ("POST", f"{_AT}/attempts/{{attempt_id}}/submit"): {_TAKE},
    ("GET", f"{_AT}/questions/export"): {_AUTHOR},
    ("GET", f"{_AT}/attempts/{{attempt_id}}/questions/{{user_id}}"): {_TAKE},
    ("GET", f"{_AT}/attempts/{{attempt_id}}/resume/{{user_id}}"): {_TAKE},
    ("GET", f"{_AT}/attempts/{{attempt_id}}/answersheet"): {*_STAFF, _TAKE},
    ("POST", f"{_AT}/attempts/{{attempt_id}}/review"): {_REVIEW},
    ("POST", f"{_AT}/attempts/review"): {_REVIEW},
    ("POST", f"{_AT}/attempts/import/resultstatus"): _STAFF,
}
ROUTES = sorted(
    (method, route.path)
    for route in api_routes()
    for method in route.methods
    if route.path not in ANYBODY and not route.path.startswith(PUBLIC)
)


@pytest.fixture(scope="module")
def opened(make_organisation, portal, store):
    """One key of each scope, of one organisation."""
    organisation = make_organisation()

    async def make(scope):
        async with store.transaction() as conn:
            return (await keys.create(conn, organisation.model, name=scope, scopes=(scope,)))[0]

    return {scope: Api(organisation.server.client, portal.call(make, scope)) for scope in SCOPES}


def test_the_table_names_routes_that_exist():
    """No exception is left over from a route that is gone."""
    assert set(ROUTES) >= OTHERS.keys()


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_each_route_needs_its_scope(opened, route):
    """A key of another scope is refused with the scope that is missing; the right one and `admin` aren't."""
    method, path = route
    needed = OTHERS.get(route) or _by_rule(method, path)
    for scope, api in opened.items():
        response = api.request(method, path.format_map(dict.fromkeys(_names(path), "unknown")))
        if scope in needed or scope == "admin":
            assert response.status_code not in (401, 403), response.text
        else:
            assert response.status_code == 403, response.text
            assert details_of(response)["scope"] in needed


def _by_rule(method, path):
    """Who may ask what isn't in the table."""
    if path.startswith(("/assessment/", "/tests/")):
        return _STAFF if method == "GET" else {_AUTHOR}
    return {"read"} if method == "GET" else {"admin"}


def _names(path):
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]
