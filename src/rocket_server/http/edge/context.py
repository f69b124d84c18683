"""What is known of a request beside its body: its id, who really sent it, and what its answer must carry."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from rocket_server.http.edge.policies import Policy

_MAX_HOPS = 32  # proxies in a row; a head has room for ten thousand

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


@dataclass(slots=True)
class RequestContext:
    """Made by the gate for each request and kept in its ASGI scope."""

    request_id: str
    address: Address | None
    client: str  # the address as text, for counting and logging
    policy: Policy  # of its path
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    principal: Any = None  # once a key was accepted: looked up once, before the body is read
    sender: str | None = None  # whose credential was accepted, as bodies are counted


def context_of(request: Any) -> RequestContext:
    """The context of a Starlette request."""
    context: RequestContext = request.scope["rocket"]
    return context


@lru_cache(maxsize=10_000)
def parse_address(text: str) -> Address | None:
    """An IP address, also with a port or in brackets; an IPv4 address in IPv6 form counts as IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=10_000)
def shown_address(address: Address | None) -> str:
    """An address as text; `unknown` where there is none."""
    return "unknown" if address is None else str(address)


@lru_cache(maxsize=10_000)
def address_block(address: Address | None) -> str:
    """Whom an address stands for where senders are counted: IPv6 gives each household and each server a /64
    at least, so its addresses count as one."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return shown_address(address)


def client_address(peer: str | None, forwarded_for: str | None, trusted: Sequence[Network]) -> Address | None:
    """Who really sent a request: the nearest address that isn't one of our own proxies.

    `X-Forwarded-For` is believed only as far as trusted proxies wrote it, read from its end, and no further
    than _MAX_HOPS.
    """
    address = parse_address(peer) if peer else None
    if not forwarded_for or not trusted:
        return address
    for hop in reversed(forwarded_for.rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]):
        if address is None or not any(address in network for network in trusted):
            return address
        before = parse_address(hop)
        if before is None:
            return address
        address = before
    return address
