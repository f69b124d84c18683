"""Keys: scopes, tenancy headers, tenant-wide keys, revocation that takes effect at once, everywhere."""

from __future__ import annotations

import pytest

from rocket_server.organisations import keys

EVENT = {"event": "course.viewed", "user_id": "anna", "timestamp": 1772445600}


@pytest.fixture
def make_key(portal, store):
    """Makes a further key of an organisation; answers its secret and its id."""

    def make(organisation, *scopes, tenant_wide=False):
        async def work():
            async with store.transaction() as conn:
                return await keys.create(
                    conn, organisation.model, name="more", scopes=scopes, tenant_wide=tenant_wide
                )

        secret, key = portal.call(work)
        return secret, key.key_id

    return make


@pytest.fixture
def revoke(portal, store):
    """Revokes a key of an organisation."""

    def work(organisation, key_id):
        async def revoke():
            async with store.transaction() as conn:
                await keys.revoke(conn, organisation.model, key_id)

        portal.call(revoke)

    return work


def call(server, method, path, key, **headers):
    body = EVENT if (method, path) == ("POST", "/v1/events") else None
    headers = {"Authorization": f"Bearer {key}", **headers}
    return server.client.request(method, path, json=body, headers=headers)


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer nonsense", "Basic cm9ja2V0", "rk_live_x", "Bearer rk_live_" + "0" * 48,
     "Bearer " + "x" * 5000, "Bearer ü"],
)  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/events"), ("GET", "/v1/rules")])
def test_no_good_key_is_a_401(server, authorization, method, path):
    """Without a key that fits, the answer is a 401 which says how to send one."""
    headers = {} if authorization is None else {"Authorization": authorization.encode()}
    response = server.client.request(method, path, json=EVENT, headers=headers)
    assert response.status_code == 401
    assert response.json()["error"] == "authentication_failed"
    assert response.headers["www-authenticate"] == "Bearer"


def test_keys_look_as_promised(organisation, make_organisation, make_key, owner):
    """Keys tell live from test; only their SHA-256 is stored."""
    assert organisation.key.startswith("rk_live_")
    assert make_organisation(environment="staging").key.startswith("rk_test_")
    assert len(organisation.key.removeprefix("rk_live_")) >= 32
    assert (
        owner.value("SELECT count(*) FROM api_keys k WHERE k::text LIKE $1", f"%{organisation.key[12:]}%")
        == 0
    )


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("events:write", {"POST /v1/events"}),
        ("points:write", {"POST /v1/points/award"}),
        ("read", {"GET /v1/rules", "GET /v1/events", "GET /v1/sources"}),
        ("admin", {"POST /v1/events", "POST /v1/points/award", "GET /v1/rules", "GET /v1/events",
                   "GET /v1/sources", "PATCH /v1/organisation"}),
    ],
)  # fmt: skip
def test_a_scope_opens_only_its_own(organisation, server, make_key, scope, allowed):
    """A key may do what its scopes say; everything else is a 403 that names the scope that lacks."""
    secret, _ = make_key(organisation, scope)
    bodies = {"POST /v1/points/award": {"user_id": "anna", "points": 1, "reason": "x"}}
    for asked in ("POST /v1/events", "POST /v1/points/award", "GET /v1/rules", "GET /v1/events",
                  "GET /v1/sources", "PATCH /v1/organisation"):  # fmt: skip
        method, path = asked.split()
        body = EVENT if asked == "POST /v1/events" else bodies.get(asked, {})
        response = server.client.request(
            method,
            path,
            headers={"Authorization": f"Bearer {secret}"},
            **({} if method == "GET" else {"json": body}),
        )
        if asked in allowed:
            assert response.status_code == 200, asked
        else:
            assert (response.status_code, response.json()["error"]) == (403, "forbidden"), asked
            assert response.json()["details"]["scope"]


@pytest.mark.parametrize(("tenant", "organisation_header"), [
    ("X-Tenant-ID", "X-Organisation-ID"), ("tenantId", "organisationId"),
])  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/events"), ("GET", "/v1/rules")])
def test_tenancy_headers_must_name_the_keys_own(
    organisation, make_organisation, server, tenant, organisation_header, method, path
):
    """The headers are optional; where sent, in either spelling, they name the key's own organisation."""
    own_tenant, own = organisation.model.tenant_id, organisation.organisation_id
    other = make_organisation()
    for headers, status in (
        ({}, 200),
        ({tenant: own_tenant}, 200),
        ({tenant: own_tenant, organisation_header: own}, 200),
        ({organisation_header: own.upper()}, 200),
        ({tenant: other.model.tenant_id}, 403),
        ({tenant: own_tenant, organisation_header: other.organisation_id}, 403),
        ({organisation_header: "nonsense"}, 403),
    ):
        assert call(server, method, path, organisation.key, **headers).status_code == status, headers


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/events"), ("GET", "/v1/organisation")])
def test_a_tenant_wide_key_needs_both_headers(make_organisation, server, make_key, method, path):
    """A key of a whole tenant opens the tenant's organisations, one at a time, and no other tenant's."""
    first = make_organisation(tenant_id="school-board-" + method.lower())
    second = make_organisation(tenant_id="school-board-" + method.lower())
    stranger = make_organisation()
    secret, _ = make_key(first, "admin", tenant_wide=True)
    tenant = {"X-Tenant-ID": first.model.tenant_id}
    for organisation in (first, second):
        named = {"X-Organisation-ID": organisation.organisation_id}
        assert call(server, method, path, secret, **tenant, **named).status_code == 200
        assert call(server, method, path, secret, **named).status_code == 403
    assert call(server, method, path, secret).status_code == 403
    assert call(server, method, path, secret, **tenant).status_code == 403
    foreign = {"X-Organisation-ID": stranger.organisation_id}
    assert call(server, method, path, secret, **tenant, **foreign).status_code == 403
    assert (
        call(server, method, path, secret, **foreign, **{"X-Tenant-ID": stranger.model.tenant_id}).status_code
        == 403
    )


@pytest.mark.parametrize("tenant_wide", [False, True])
def test_a_revoked_key_fails_at_the_next_request_everywhere(
    organisation, server, second_server, make_key, revoke, tenant_wide
):
    """Both processes know the key from traffic; once it is revoked, the very next request to each fails."""
    secret, key_id = make_key(organisation, "admin", tenant_wide=tenant_wide)
    named = {"X-Tenant-ID": organisation.model.tenant_id, "X-Organisation-ID": organisation.organisation_id}
    asked = (("POST", "/v1/events"), ("POST", "/v1/events/validate"), ("GET", "/v1/rules"))
    for process in (server, second_server):
        for method, path in asked:
            response = process.client.request(
                method, path, headers={"Authorization": f"Bearer {secret}", **named},
                **({} if method == "GET" else {"json": EVENT}),
            )  # fmt: skip
            assert response.status_code == 200
    revoke(organisation, key_id)
    for process in (server, second_server):
        for method, path in asked:
            response = process.client.request(
                method, path, headers={"Authorization": f"Bearer {secret}", **named},
                **({} if method == "GET" else {"json": EVENT}),
            )  # fmt: skip
            assert (response.status_code, response.json()["error"]) == (401, "authentication_failed"), path
    assert organisation.api.post("/v1/events", EVENT).status_code == 200
