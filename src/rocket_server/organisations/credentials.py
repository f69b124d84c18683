"""Keys and tokens: how they are made, hashed and shown; pure but for the system's randomness."""

from __future__ import annotations

import hashlib
import secrets

from rocket_server.errors import InvalidPayload

SCOPES = (
    "events:write",
    "points:write",
    "read",
    "assessments:author",
    "assessments:review",
    "assessments:take",
    "admin",
)
MIN_OWN_TOKEN_LENGTH = 32
MAX_TOKEN_LENGTH = 200
_PREFIX_LENGTH = 12


def new_key(environment: str) -> str:
    """An API key: `rk_live_` or, for staging, `rk_test_`, and 192 random bits."""
    return f"rk_{'test' if environment == 'staging' else 'live'}_{secrets.token_hex(24)}"


def new_token() -> str:
    """A source's bearer token: 256 random bits."""
    return secrets.token_hex(32)


def new_slug(kind: str) -> str:
    """The part of a URL that leads to one source; hard to guess, though it is no secret."""
    return f"{kind}-{secrets.token_hex(8)}"


def credential_hash(credential: str) -> bytes:
    """What is stored of a key or token: its SHA-256. Keys are random and long, so no slow hash is needed."""
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()


def shown_prefix(credential: str) -> str:
    """The beginning of a key or token, by which a person tells it from others."""
    return credential[:_PREFIX_LENGTH] + "…"


def check_own_token(token: str, path: str = "token") -> None:
    """A token that an administrator brings. Raises InvalidPayload where it is short or unfit for a header."""
    if not MIN_OWN_TOKEN_LENGTH <= len(token) <= MAX_TOKEN_LENGTH:
        raise InvalidPayload.field(
            path,
            f"must have {MIN_OWN_TOKEN_LENGTH} to {MAX_TOKEN_LENGTH} characters;"
            " `openssl rand -hex 32` makes some",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidPayload.field(path, "must have printable ASCII characters without blanks")
