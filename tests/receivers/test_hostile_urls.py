"""No URL and no name server brings a delivery to this machine or its network."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network

import pytest

from rocket_server.delivery import resolver as resolving
from rocket_server.delivery.guard import check_url
from rocket_server.delivery.send import GuardedSender
from rocket_server.errors import InvalidPayload
from support.deliveries import DELIVERY_ID, target
from support.names import Names
from support.receivers import Receiver, Receivers, answers

from .hostile import AT_CREATION, BY_NAME, Dns

BODY = b"{}"
LOCALHOST = (ip_network("127.0.0.1/32"),)


@pytest.fixture
def bait(receivers: Receivers) -> Iterator[list[Receiver]]:
    """Receivers that nobody may reach, on one port of each address of this machine alone."""
    first = receivers.open(answers(200))
    baits = [first]
    for host in ("127.0.0.2", "::1"):
        try:
            baits.append(receivers.open(answers(200), host=host, port=first.port))
        except OSError:
            continue  # not every system has these
    yield baits
    assert sum(one.connections for one in baits) == 0


@pytest.fixture
async def strict() -> AsyncIterator[GuardedSender]:
    """A sender as it is by default."""
    made = GuardedSender(allow_private=False, allowed_cidrs=(), connections=8)
    yield made
    await made.close()


def names(monkeypatch: pytest.MonkeyPatch, table: Dns) -> Names:
    made = Names(table)
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    return made


def test_there_are_many_of_them():
    """The lists are as long as they are meant to be, and say nothing twice."""
    urls = [*AT_CREATION.values(), *(f"{url} {dns}" for url, dns in BY_NAME.values())]
    assert len(set(urls)) == len(urls) >= 60


@pytest.mark.parametrize("url", AT_CREATION.values(), ids=AT_CREATION.keys())
async def test_refused_at_creation_and_when_called(strict: GuardedSender, bait: list[Receiver], url: str):
    """It can't be registered, and where it stands in the database already, nobody is called."""
    url = url.replace("{port}", str(bait[0].port))
    with pytest.raises(InvalidPayload) as refused:
        check_url(url)
    assert refused.value.details["field"] == "url"
    outcome = await strict.send(target(url), DELIVERY_ID, BODY)
    assert outcome.status is None
    assert outcome.error in {"forbidden_address", "invalid_request", "unresolvable"}


@pytest.mark.parametrize(("url", "dns"), BY_NAME.values(), ids=BY_NAME.keys())
async def test_refused_when_called(
    strict: GuardedSender, bait: list[Receiver], monkeypatch: pytest.MonkeyPatch, url: str, dns: Dns
):
    """A name of which one address is forbidden is called at none of them."""
    asked = names(monkeypatch, dns)
    url = check_url(url.replace("{port}", str(bait[0].port)))
    outcome = await strict.send(target(url), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error) == (None, "forbidden_address")
    assert asked.asked == list(dns)
    found = [address for addresses in dns.values() if isinstance(addresses, list) for address in addresses]
    beside_the_name = outcome.answer.replace(next(iter(dns)), "")
    assert not [address for address in found if address in beside_the_name]


@pytest.mark.parametrize("name", ["127.0.0.1", "127.1", "localhost", "[::1]", "here.example.org", "0x7f.1"])
async def test_the_receivers_would_have_been_reached(
    sender: GuardedSender, receivers: Receivers, monkeypatch: pytest.MonkeyPatch, name: str
):
    """The same URLs arrive where private addresses are allowed: nothing else had stopped them."""
    receiver = receivers.open(answers(200))
    if name == "[::1]":
        try:
            receiver = receivers.open(answers(200), host="::1")
        except OSError:
            pytest.skip("this machine has no IPv6")
    names(monkeypatch, {"here.example.org": ["127.0.0.1"], "localhost": ["127.0.0.1"]})
    url = check_url(f"http://{name}:{receiver.port}/hook", allow_private=True)
    assert (await sender.send(target(url), DELIVERY_ID, BODY)).delivered
    assert receiver.connections == 1


async def test_what_was_checked_is_what_is_called(
    receivers: Receivers, bait: list[Receiver], monkeypatch: pytest.MonkeyPatch
):
    """A name that changes between check and call is asked for once, so the change comes too late."""
    allowed = receivers.open(answers(200), port=0)
    turns = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])
    asked = names(monkeypatch, {"turns.example.org": lambda: next(turns)})
    sender = GuardedSender(allow_private=False, allowed_cidrs=LOCALHOST, connections=8)
    try:
        url = check_url(f"http://turns.example.org:{allowed.port}/hook")
        assert (await sender.send(target(url), DELIVERY_ID, BODY)).delivered
    finally:
        await sender.close()
    assert asked.asked == ["turns.example.org"]
    assert allowed.connections == 1


async def test_a_change_is_noticed_at_the_next_connection(
    receivers: Receivers, bait: list[Receiver], monkeypatch: pytest.MonkeyPatch
):
    """A name that becomes forbidden later is refused then."""
    allowed = receivers.open(answers(200, keep=False, headers={"Connection": "close"}))
    turns = iter([["127.0.0.1"], ["127.0.0.2"]])
    names(monkeypatch, {"turns.example.org": lambda: next(turns)})
    monkeypatch.setattr(resolving, "FRESH_S", 0.0)
    sender = GuardedSender(allow_private=False, allowed_cidrs=LOCALHOST, connections=8)
    try:
        url = f"http://turns.example.org:{allowed.port}/hook"
        first, second = [await sender.send(target(url), DELIVERY_ID, BODY) for _ in range(2)]
    finally:
        await sender.close()
    assert (first.status, second.error) == (200, "forbidden_address")
    assert allowed.connections == 1


async def test_a_redirect_leads_nowhere(receivers: Receivers, bait: list[Receiver]):
    """A receiver that may be called can't send us on to one that may not."""
    urls = [f"http://{host}:{bait[0].port}/" for host in ("127.0.0.2", "[::1]", "localhost")]
    sender = GuardedSender(allow_private=False, allowed_cidrs=LOCALHOST, connections=8)
    try:
        for url in urls:
            redirecting = receivers.open(answers(307, {"Location": url}))
            outcome = await sender.send(target(redirecting.url), DELIVERY_ID, BODY)
            assert (outcome.status, redirecting.connections) == (307, 1)
    finally:
        await sender.close()


async def test_proxies_of_the_environment_are_not_used(
    strict: GuardedSender, bait: list[Receiver], monkeypatch: pytest.MonkeyPatch
):
    """No variable makes another process call in our place, where no check would reach."""
    for variable in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{bait[0].port}")
    names(monkeypatch, {})
    outcome = await strict.send(target("http://public.example.org/"), DELIVERY_ID, BODY)
    assert outcome.error == "unresolvable"


async def test_allowed_networks_open_what_they_name(receivers: Receivers, monkeypatch: pytest.MonkeyPatch):
    """ROCKET_WEBHOOK_ALLOWED_CIDRS lets its networks pass, as literals, names and mapped, and no others."""
    receiver = receivers.open(answers(200))
    names(
        monkeypatch,
        {"here.example.org": ["127.0.0.1"], "both.example.org": ["127.0.0.1", "127.0.0.2"]},
    )
    sender = GuardedSender(allow_private=False, allowed_cidrs=LOCALHOST, connections=8)
    try:
        for host in ("127.0.0.1", "2130706433", "here.example.org"):
            url = check_url(f"http://{host}:{receiver.port}/", allowed_cidrs=LOCALHOST)
            assert (await sender.send(target(url), DELIVERY_ID, BODY)).delivered
        outcome = await sender.send(target(f"http://both.example.org:{receiver.port}/"), DELIVERY_ID, BODY)
        assert outcome.error == "forbidden_address"
        assert outcome.answer == (
            "Not called: both.example.org leads to an address that isn't on the public internet."
        )
    finally:
        await sender.close()


async def test_unknown_names_say_so(strict: GuardedSender, monkeypatch: pytest.MonkeyPatch):
    """A name without an address is `unresolvable`, and the sentence has the name."""
    names(monkeypatch, {"empty.example.org": []})
    for name in ("nobody.example.org", "empty.example.org"):
        outcome = await strict.send(target(f"http://{name}/"), DELIVERY_ID, BODY)
        assert outcome.error == "unresolvable"
        assert name in outcome.answer


async def test_hanging_name_servers_hold_one_thread_and_nobody_else(
    sender: GuardedSender, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
):
    """Deliveries to a name that can't be looked up end by themselves; meanwhile others go out."""
    receiver = receivers.open(answers(200))
    go_on = threading.Event()

    def hang() -> list[str]:
        go_on.wait(60)
        return ["127.0.0.1"]

    asked = names(monkeypatch, {"hangs.example.org": hang, "works.example.org": ["127.0.0.1"]})
    monkeypatch.setattr(resolving, "LOOKUP_S", 0.5)
    try:
        hanging = [
            asyncio.create_task(sender.send(target(f"http://hangs.example.org:{receiver.port}/"), "x", BODY))
            for _ in range(40)
        ]
        works = target(f"http://works.example.org:{receiver.port}/")
        for _ in range(20):
            assert (await sender.send(works, DELIVERY_ID, BODY)).delivered
        assert {(await one).error for one in hanging} == {"unresolvable"}
        assert asked.asked.count("hangs.example.org") == 1
        early = await sender.send(
            target(f"http://hangs.example.org:{receiver.port}/", timeout_ms=100), "x", BODY
        )
        assert early.error == "timeout"
    finally:
        go_on.set()
    monkeypatch.setattr(resolving, "LOOKUP_S", 60)
    recovered = target(f"http://hangs.example.org:{receiver.port}/")
    assert (await sender.send(recovered, DELIVERY_ID, BODY)).delivered


async def test_a_lookup_is_used_for_a_moment(
    sender: GuardedSender, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
):
    """A receiver that closes each connection doesn't cost a lookup for each delivery."""
    receiver = receivers.open(answers(200, {"Connection": "close"}, keep=False))
    asked = names(monkeypatch, {"works.example.org": ["127.0.0.1"]})
    monkeypatch.setattr(resolving, "FRESH_S", 600.0)
    for _ in range(10):
        url = f"http://works.example.org:{receiver.port}/"
        assert (await sender.send(target(url), DELIVERY_ID, BODY)).delivered
    assert (asked.asked, receiver.connections) == (["works.example.org"], 10)
