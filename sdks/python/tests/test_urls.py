"""Which server is called, under which address."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.cases import cases, read
from support.clients import KINDS, call

from rocket_learning import AsyncRocketClient, ConfigurationError, RocketClient, ValidationError


@pytest.mark.parametrize("client", [RocketClient, AsyncRocketClient])
@cases("urls", "base_url")
def test_the_base_url(client: Any, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument goes first, then the variable, then the environment; others are refused."""
    if case["env"] is not None:
        monkeypatch.setenv("ROCKET_BASE_URL", case["env"])
    given = {"environment": case["environment"]} if case["environment"] else {}
    if case.get("refused"):
        with pytest.raises(ConfigurationError):
            client("rk_test_key", base_url=case["argument"], **given)
    else:
        assert client("rk_test_key", base_url=case["argument"], **given).settings.base_url == case["base_url"]


@pytest.mark.parametrize("kind", KINDS)
@cases("urls", "requests")
def test_the_address_of_each_call(kind: str, case: dict[str, Any]) -> None:
    """Each call has its method, path and query, and ids can't lead elsewhere."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    def make() -> Any:
        return call(kind, answer, case["call"], case["arguments"], base_url=case["base_url"])

    if "errors" in case:
        with pytest.raises(ValidationError) as raised:
            make()
        assert [error.path for error in raised.value.errors] == case["errors"]
        assert not seen
        return
    make()
    (request,) = seen
    address, _, _ = str(request.url).partition("?")
    assert (request.method, address) == (case["method"], case["url"])
    assert dict(request.url.params) == case["query"]


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument the key is ROCKET_API_KEY."""
    monkeypatch.setenv("ROCKET_API_KEY", "rk_test_env")
    assert RocketClient().settings.api_key == "rk_test_env"


@pytest.mark.parametrize("key", ["", "rk test", "rk\n", "rk_é"])
def test_a_key_that_cant_be_one_is_refused(key: str) -> None:
    """A key that would break a header, or none at all, is an error at once."""
    with pytest.raises(ConfigurationError):
        RocketClient(key)


def test_the_key_is_never_shown() -> None:
    """Neither a client nor its settings print the key."""
    client = RocketClient("rk_test_secret")
    assert "rk_test_secret" not in repr(client) + repr(client.settings) + str(vars(client))


def test_the_environments_are_those_of_the_cases() -> None:
    """Production and staging have the addresses of the cases."""
    for name, url in read("urls")["environments"].items():
        assert RocketClient("rk_test_key", name).settings.base_url == url
