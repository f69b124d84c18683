"""Scopes: every route of the application, tried with keys of one scope each.

The routes come from the application itself. A new one is held to the rule below until it stands in the table.
"""

from __future__ import annotations

import pytest

from rocket_server.app import api_routes
from rocket_server.organisations import keys
from rocket_server.organisations.credentials import SCOPES
from support.organisation import Api

ANYBODY = {
    *("/", "/v1/health", "/metrics", "/console", "/docs", "/docs/assets/{name}", "/openapi.json"),
    "/api/public/hook/{source}/event",
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
    needed = OTHERS.get(route, {"read"} if method == "GET" else {"admin"})
    for scope, api in opened.items():
        response = api.request(method, path.format_map(dict.fromkeys(_names(path), "unknown")))
        if scope in needed or scope == "admin":
            assert response.status_code not in (401, 403), response.text
        else:
            assert response.status_code == 403, response.text
            assert response.json()["details"]["scope"] in needed


def _names(path):
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]
