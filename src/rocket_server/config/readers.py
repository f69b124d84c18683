"""How each kind of setting is read from its text; what can't be read raises ValueError(what it takes)."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network


def integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9][0-9_]*", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def seconds(text: str) -> float:
    expected = "a number of seconds above 0, at most 3600"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(expected) from None
    if not 0 < value <= 3600:
        raise ValueError(expected)
    return value


def boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise ValueError("1 or 0")


def choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text.lower()

    return read


def database_url(text: str) -> str:
    expected = "a URL such as postgresql://user:password@host:5432/rocket"
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError(expected)
    return text


def public_url(text: str) -> str:
    expected = "a URL such as https://rewards.example.org, without query"
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(expected)
    if parts.username is not None or not _is_plain(text):
        raise ValueError(f"{expected}, without user and password, blanks and control characters")
    return text.rstrip("/")


def service_url(text: str) -> str:
    expected = "a URL such as https://service.example.org/events"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or len(text) > 2_000:
        raise ValueError(expected)
    if not _is_plain(text):
        raise ValueError(f"{expected}, without blanks and control characters")
    return text


def _is_plain(text: str) -> bool:
    """Whether there is nothing in it that can't be seen or that turns the direction of writing."""
    return not any(unicodedata.category(char)[0] in "CZ" for char in text)


def variables(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*\*?", name) for name in names):
        raise ValueError("names of variables joined by commas, such as DIGEST_DIR,MYPLUGIN_*")
    return names


def credential(text: str) -> str:
    if not text.isascii() or not text.isprintable() or len(text) > 1_000:
        raise ValueError("printable ASCII, at most 1000 characters")
    return text


def encryption_key(text: str) -> bytes:
    expected = "32 random bytes in base64, as `openssl rand -base64 32` makes them"
    try:
        secret = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(expected) from None
    if len(secret) != 32:
        raise ValueError(expected)
    return secret


def networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("addresses or networks joined by commas, such as 10.0.0.0/8,192.0.2.7") from None
