"""Rate limits: what remains is in the headers, what exceeds them waits."""

from __future__ import annotations

import pytest

EVENT = {"event": "course.viewed", "user_id": "anna", "timestamp": 1772445600}


@pytest.fixture(scope="module")
def limited(start_server):
    """A server with small limits."""
    return start_server(
        "limited",
        ROCKET_RATE_LIMIT_KEY="3",
        ROCKET_RATE_LIMIT_SOURCE="2",
        ROCKET_RATE_LIMIT_AUTH_FAILURES="4",
        ROCKET_TRUSTED_PROXIES="127.0.0.1/32",
    )


def check_exceeded(response, limit):
    assert (response.status_code, response.json()["error"]) == (429, "rate_limit_exceeded")
    seconds = response.json()["retry_after"]
    assert response.headers["retry-after"] == str(seconds)
    assert 1 <= seconds <= 60
    if limit is not None:
        assert response.headers["x-ratelimit-limit"] == str(limit)
        assert response.headers["x-ratelimit-remaining"] == "0"


def responses_across_a_minute(send, limit):
    """Responses until one exceeds the limit. A minute that begins meanwhile starts the count anew, once."""
    seen = []
    while len(seen) <= 2 * limit and (not seen or seen[-1].status_code != 429):
        seen.append(send())
    return seen


def test_a_key_has_its_limit(organisation, make_organisation, limited):
    """Answers count down what remains; then 429 with Retry-After, for this key only."""
    process = organisation.on(limited)
    *good, exceeded = responses_across_a_minute(lambda: process.api.post("/v1/events", EVENT), 3)
    assert {response.status_code for response in good} == {200}
    assert len(good) >= 3
    assert [response.headers["x-ratelimit-remaining"] for response in good][-1] == "0"
    for response in good:
        assert response.headers["x-ratelimit-limit"] == "3"
        assert 0 <= int(response.headers["x-ratelimit-reset"]) <= 60
    check_exceeded(exceeded, 3)
    assert make_organisation().on(limited).api.get("/v1/rules").status_code == 200


def test_a_source_has_its_limit(organisation, limited):
    """A source's limit counts its own requests."""
    process = organisation.on(limited)
    *good, exceeded = responses_across_a_minute(lambda: process.hook("{}"), 2)
    assert {response.status_code for response in good} == {400}
    assert len(good) >= 2
    check_exceeded(exceeded, 2)


def ask(server, address, key, path="/v1/rules"):
    headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": address}
    return server.client.request("GET" if path == "/v1/rules" else "POST", path, headers=headers, json={})


@pytest.mark.parametrize("path", ["/v1/rules", "/v1/events", "/api/public/hook/moodle/event"])
def test_failures_limit_failures_alone(organisation, limited, path):
    """After too many failures an address is told to wait, and every credential from there that is good goes
    on working, whether the server has seen it before or not."""
    address = f"192.0.2.{len(path)}"
    *failed, exceeded = responses_across_a_minute(lambda: ask(limited, address, "wrong", path), 4)
    assert {response.status_code for response in failed} == {401}
    assert len(failed) >= 4
    check_exceeded(exceeded, None)
    good = organisation.moodle.token if "hook" in path else organisation.key
    expected = 200 if path == "/v1/rules" else 400
    assert ask(limited, address, good, path).status_code == expected
    assert ask(limited, address, "wrong", path).status_code in (401, 429)


def test_addresses_of_one_ipv6_network_count_as_one(limited):
    """IPv6 gives everybody a /64 at least: its addresses share the failures, another network doesn't."""
    hosts = iter(range(1, 1000))
    *failed, exceeded = responses_across_a_minute(
        lambda: ask(limited, f"2001:db8:0:7::{next(hosts):x}", "wrong"), 4
    )
    assert {response.status_code for response in failed} == {401}
    check_exceeded(exceeded, None)
    assert ask(limited, "2001:db8:0:8::1", "wrong").status_code == 401


def test_no_limit_no_headers(organisation):
    """A source has no limit unless one is set, and then no header speaks of one."""
    response = organisation.hook("{}")
    assert not any(name.startswith("x-ratelimit") for name in response.headers)
    assert organisation.api.get("/v1/rules").headers["x-ratelimit-limit"] == "600000"


@pytest.mark.parametrize("kind", ["key", "token"])
def test_a_revoked_credential_is_a_failure_as_any_other(organisation, owner, start_server, kind):
    """One that was revoked while the process remembered it costs one transaction, and counts: then 429."""
    address = {"X-Forwarded-For": {"key": "192.0.2.71", "token": "192.0.2.72"}[kind]}
    process = organisation.on(
        start_server("revoking", ROCKET_RATE_LIMIT_AUTH_FAILURES="4", ROCKET_TRUSTED_PROXIES="127.0.0.1/32")
    )

    def send():
        if kind == "token":
            return process.hook("{}", **address)
        return process.api.post("/v1/events", EVENT, headers=address)

    def transactions():
        lines = process.server.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("rocket_group_events_count"))

    assert send().status_code == {"key": 200, "token": 400}[kind]
    table = {"key": "api_keys", "token": "source_tokens"}[kind]
    owner.execute(
        f"UPDATE {table} SET revoked_at = now() WHERE organisation_id = $1", organisation.organisation_id
    )
    owner.execute(
        "UPDATE organisations SET version = version + 1 WHERE organisation_id = $1",
        organisation.organisation_id,
    )
    before = transactions()
    *refused, exceeded = responses_across_a_minute(send, 4)
    assert {response.status_code for response in refused} == {401}
    check_exceeded(exceeded, None)
    assert transactions() == before + 1
