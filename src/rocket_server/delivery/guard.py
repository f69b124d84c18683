"""Judges where a webhook may go: addresses, and URLs as somebody writes them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import quote

import idna

from rocket_server.errors import InvalidPayload

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_CHARS: Final = 2000
_MAX_HOST_CHARS: Final = 253

# IANA's registries of special-purpose addresses, and one address that only means something inside a cloud.
_IPV4: Final = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "unspecified, and leads to this machine"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "the inside of a cloud"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_IPV6: Final = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "unspecified, and leads to this machine"),
        ("::1/128", "loopback"),
        ("::/96", "an IPv4 address in a form that nothing routes"),
        ("64:ff9b:1::/48", "a local translation of IPv4"),
        ("2001::/32", "a Teredo tunnel"),
        ("2001:2::/48", "for benchmarks"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "a 6to4 tunnel"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# Both stand for the IPv4 address in their last 32 bits: what a socket calls, what a NAT64 gateway calls.
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)  # the middle of an address whose last 32 bits are IPv4

_URL: Final = re.compile(r"(https?)://([^/?#]*)([^#]*)", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_IN_PATH: Final = "%/?:@!$&'()*+,;=-._~[]"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a URL leads. `url` is in ASCII and names `host` in its plainest form, which is the one called."""

    url: str
    host: str
    port: int
    tls: bool
    address: Address | None  # where the host is an address by itself


def refusal(address: Address | str, allowed_cidrs: Sequence[Network] = ()) -> str | None:
    """Why an address may not be called, in words; None where it may.

    An IPv4 address inside of an IPv6 one counts as what it leads to, and so does a network in
    `allowed_cidrs`. Sources: RFC 6890 and IANA's special-purpose registries, RFC 4291, 6052, 8215, 5214.
    """
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError:
            return f"{address!r} is no address"
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return f"{address} is of one network interface only"
    inner = _leads_to(address)
    if _within(address, allowed_cidrs) or (inner is not None and _within(inner, allowed_cidrs)):
        return None
    what = _special(address if inner is None else inner)
    if what is None:
        return None
    return f"{address} is {what}" if inner is None else f"{address} leads to {inner}, which is {what}"


def check_url(url: str, *, allow_private: bool = False, allowed_cidrs: Sequence[Network] = ()) -> str:
    """The URL of a new endpoint, in the form in which it is called.

    Raises InvalidPayload, naming `url`, where it can't be a webhook's: another scheme, a user or fragment, an
    unreadable host, or an address, however written, that `refusal` refuses. What a name leads to is judged
    whenever it is called, for it may change.
    """
    found = destination(url)
    if not allow_private:
        address = found.address
        if address is None and (found.host == "localhost" or found.host.endswith(".localhost")):
            address = IPv4Address("127.0.0.1")  # by RFC 6761
        why = None if address is None else refusal(address, allowed_cidrs)
        if why is not None:
            raise _invalid(f"an address on the public internet; {why}")
    return found.url


def destination(url: str) -> Destination:
    """Read a URL strictly. Raises InvalidPayload, naming `url`, where programs could differ about it."""
    if not 0 < len(url) <= MAX_URL_CHARS:
        raise _invalid(f"1 to {MAX_URL_CHARS} characters")
    if "\\" in url or any(_unprintable(char) for char in url):
        raise _invalid("a URL without blanks, control characters and backslashes")
    parts = _URL.fullmatch(url)
    if parts is None:
        what = "a URL without a fragment (#)" if "#" in url else "a URL such as https://example.org/webhook"
        raise _invalid(what)
    scheme, authority, rest = parts[1].lower(), parts[2], parts[3]
    if "@" in authority:
        raise _invalid("a URL without user and password; credentials belong into `headers`")
    place = _AUTHORITY.fullmatch(authority)
    if place is None or not place[1]:
        raise _invalid("a URL with a host, such as https://example.org/webhook")
    host, address = _host(place[1])
    port = _port(place[2], scheme)
    written = f"[{host}]" if isinstance(address, IPv6Address) else host
    shown_port = "" if port == _default_port(scheme) else f":{port}"
    path = quote(rest, safe=_IN_PATH)
    if not path.startswith("/"):
        path = f"/{path}"
    called = f"{scheme}://{written}{shown_port}{path}"
    if len(called) > MAX_URL_CHARS:
        raise _invalid(f"at most {MAX_URL_CHARS} characters, each that isn't ASCII counting as up to 12")
    return Destination(called, host, port, scheme == "https", address)


def _invalid(expected: str) -> InvalidPayload:
    return InvalidPayload.field("url", expected)


def _unprintable(char: str) -> bool:
    # Cc, Cf, Cs, Co, Cn: also what can't be seen or turns the direction of writing; Z: every kind of blank.
    return unicodedata.category(char)[0] in "CZ"


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return _default_port(scheme)
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65_535):
        raise _invalid("a port from 1 to 65535")
    return int(text)


def _host(text: str) -> tuple[str, Address | None]:
    """A host in its plainest form, and the address where it is one."""
    if text.startswith("["):
        try:
            six = IPv6Address(text[1:-1])
        except ValueError:
            raise _invalid(f"a host; {text} is no IPv6 address") from None
        if six.scope_id is not None:
            raise _invalid("an address without a zone (%)")
        return str(six), six
    name = text.lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            raise _invalid("a host that IDNA allows") from None
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > _MAX_HOST_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid("a host of letters, digits, hyphens and dots")
    if not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        return name, None
    four = _ipv4(labels)
    return str(four), four


def _ipv4(labels: Sequence[str]) -> IPv4Address:
    """The address that one to four numbers, decimal, octal or hexadecimal, mean to `inet_aton`."""
    wrong = _invalid("a host; one that ends in a number must be an IPv4 address")
    if len(labels) > 4:
        raise wrong
    numbers = []
    for label in labels:
        if re.fullmatch(r"0x[0-9a-f]*", label):
            numbers.append(int(label[2:] or "0", 16))
        elif re.fullmatch(r"0[0-7]*", label):
            numbers.append(int(label, 8))
        elif re.fullmatch(r"[1-9][0-9]*", label):
            numbers.append(int(label))
        else:
            raise wrong
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (4 - len(leading)):
        raise wrong
    return IPv4Address(sum(number << (24 - 8 * place) for place, number in enumerate(leading)) + last)


def _leads_to(address: Address) -> IPv4Address | None:
    """The IPv4 address that is called in the end where an IPv6 one only wraps it."""
    if isinstance(address, IPv4Address):
        return None
    last = IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _MAPPED or address in _NAT64:
        return last
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP and _special(address) is None:
        return last
    return None


def _special(address: Address) -> str | None:
    table: Sequence[tuple[Network, str]] = _IPV4 if isinstance(address, IPv4Address) else _IPV6
    for network, what in table:
        if address in network:
            return what
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "reserved"
    return None


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
