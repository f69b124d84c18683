"""Which spellings of a platform's address mean one site."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import Final

from rocket_server.sources.checks import Fault, source_name

MAX_SITE: Final = 255  # characters

_PARTS: Final = re.compile(
    r"(?:https?://)?(?P<host>[^/?#@:\s]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[^?#\s]*)?)", re.IGNORECASE
)
_DEFAULT_PORTS: Final = frozenset({None, "80", "443"})


def site(value: str) -> str:
    """A site's address as an administrator may set it, such as `https://moodle.example.org`; else Fault."""
    if not 1 <= len(value) <= MAX_SITE or _PARTS.fullmatch(value) is None:
        raise Fault(
            f"must be the address of a site in at most {MAX_SITE} characters, such as https://moodle.example.org"
        )
    source_name(value[:100])  # no control characters, no halves of surrogate pairs
    return value


@lru_cache(maxsize=1024)
def same_as(address: str) -> str:
    """What all spellings of one site have in common: the host, a port of its own, and the path.

    A site that learns HTTPS, or whose configuration gains a slash, stays the site that it was.
    """
    parts = _PARTS.fullmatch(address.strip())
    if parts is None:
        return address
    host = parts["host"].lower().rstrip(".")
    with suppress(UnicodeError):
        host = host.encode("idna").decode()
    port = "" if parts["port"] in _DEFAULT_PORTS else f":{int(parts['port'])}"
    return f"{host}{port}{parts['path'].rstrip('/')}"
