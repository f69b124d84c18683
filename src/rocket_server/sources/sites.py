"""Which spellings of a platform's address mean one site."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from rocket_server.sources.checks import Fault, source_name

MAX_SITE: Final = 255  # characters

_PARTS: Final = re.compile(
    r"(?:(?:https?:)?//)?(?:[^/?#@\s]*@)?(?P<host>\[[0-9a-f:.]+\]|[^/?#@:\s\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[^?#\s]*)?)(?:[?#]\S*)?",
    re.IGNORECASE,
)
_MORE: Final = frozenset("@?#")  # of who signs in, and what is asked: no part of a site
_DEFAULT_PORTS: Final = frozenset({80, 443})
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
    return _PARTS.fullmatch(value) is not None and not value.startswith("//") and not _MORE & set(value)


@lru_cache(maxsize=1024)
def same_as(address: str) -> str:
    """What all spellings of one site have in common: the host, a port of its own, and the path.

    A site that learns HTTPS, or whose configuration gains a slash, stays the site that it was. Names beyond
    ASCII are compared in Unicode, whether they are written so or as `xn--…`.
    """
    parts = _PARTS.fullmatch(address.strip())
    if parts is None:
        return address
    host = ".".join(map(_label, re.split("[.\u3002\uff0e\uff61]", parts["host"]))).rstrip(".")
    port = "" if parts["port"] is None or int(parts["port"]) in _DEFAULT_PORTS else f":{int(parts['port'])}"
    path = "".join(f"/{unquote(step)}" for step in parts["path"].split("/") if step not in ("", "."))
    return f"{host}{port}{path}"


def _label(label: str) -> str:
    """A part of a host's name as people read it."""
    label = unicodedata.normalize("NFKC", label).lower()
    if label.startswith(_PUNYCODE):
        with suppress(UnicodeError):
            return label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
    return label
