"""Which spellings of a platform's address mean one site."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import unquote

from rocket_server.identities import invisible
from rocket_server.sources.checks import Fault, source_name

MAX_SITE: Final = 255  # characters

_PARTS: Final = re.compile(
    r"(?:(?:https?:)?//)?(?:[^/?#@\s]*@)?(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<host>[^/?#@:\s\[\]]+))(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>(?:/[^?#\s]*)?)(?:[?#]\S*)?",
    re.IGNORECASE,
)
_MORE: Final = frozenset("@?#")  # of who signs in, and what is asked: no part of a site
_DEFAULT_PORTS: Final = frozenset({80, 443})
_MAX_PORT: Final = 65_535
_PUNYCODE: Final = "xn--"


def site(value: str) -> str:
    """A site's address as an administrator may set it, such as `https://moodle.example.org`; else Fault."""
    if not 1 <= len(value) <= MAX_SITE or not _is_site(value):
        raise Fault(
            f"must be the address of a site in at most {MAX_SITE} characters, such as https://moodle.example.org"
        )
    source_name(value[:100])  # no control characters, no halves of surrogate pairs
    return value


def _is_site(value: str) -> bool:
    parts = _PARTS.fullmatch(value)
    if parts is None or value.startswith("//") or _MORE & set(value) or invisible(value):
        return False
    if parts["ipv6"] is not None and _ipv6(parts["ipv6"]) is None:
        return False
    port = parts["port"]
    return port is None or (port != "" and 0 < int(port) <= _MAX_PORT)


@lru_cache(maxsize=1024)
def same_as(address: str) -> str:
    """What all spellings of one site have in common: the host, a port of its own, and the path.

    A site that learns HTTPS, or whose configuration gains a slash, stays the site that it was. Names beyond
    ASCII are compared in Unicode, whether they are written so or as `xn--…`.
    """
    parts = _PARTS.fullmatch(address.strip())
    if parts is None:
        return address
    if parts["ipv6"] is not None:
        host = f"[{_ipv6(parts['ipv6']) or parts['ipv6']}]"
    else:
        host = ".".join(map(_label, re.split("[.\u3002\uff0e\uff61]", parts["host"]))).rstrip(".")
    port = "" if not parts["port"] or int(parts["port"]) in _DEFAULT_PORTS else f":{int(parts['port'])}"
    path = "".join(f"/{unquote(step)}" for step in parts["path"].split("/") if step not in ("", "."))
    return f"{host}{port}{path}"


def _ipv6(text: str) -> str | None:
    """An address in its shortest spelling; None for what is none."""
    with suppress(ValueError):
        return IPv6Address(text).compressed
    return None


def _label(label: str) -> str:
    """A part of a host's name as people read it."""
    label = unicodedata.normalize("NFKC", label).lower()
    if label.startswith(_PUNYCODE):
        with suppress(UnicodeError):
            return label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
    return label
