"""The headers of a delivery: ours, the signatures, and what an endpoint adds. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rocket_server import __version__
from rocket_server.delivery import signing
from rocket_server.delivery.model import Target
from rocket_server.errors import FieldError, InvalidPayload

USER_AGENT: Final = f"Rocket-Learning-Rewards/{__version__}"
MAX_HEADERS: Final = 50
MAX_VALUE_CHARS: Final = 4096

# What an endpoint's own headers can't replace: ours, and those that say where a message ends.
RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
        "x-signature",
    }
)

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")  # RFC 9110, 5.6.2
_VALUE: Final = re.compile(r"[\t -~\x80-\U0010ffff]*")


def check_headers(headers: Mapping[str, str], path: str = "headers") -> None:
    """Raises InvalidPayload, naming each header at fault below `path`, where an endpoint can't have these."""
    if len(headers) > MAX_HEADERS:
        raise InvalidPayload.field(path, f"must have at most {MAX_HEADERS} headers")
    errors = [
        FieldError(f"{path}.{name}", wrong)
        for name, value in headers.items()
        if (wrong := _wrong_with(name, value)) is not None
    ]
    if errors:
        raise InvalidPayload.from_fields(errors)


def headers_of(target: Target, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one try at `timestamp`, in Unix seconds.

    `X-Signature` is by the oldest secret: a receiver that knows one secret only keeps working until that is
    retired. The endpoint's own headers come last; reserved ones among them are left out. Raises
    InvalidPayload for a header that `check_headers` refuses for its form, or a secret of another form.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
    }
    if target.secrets:
        headers["X-Signature"] = signing.sign(target.secrets[0], body)
        headers["webhook-signature"] = signing.signature_header(target.secrets, delivery_id, timestamp, body)
    for name, value in target.headers.items():
        if name.lower() not in RESERVED:
            wrong = _wrong_with(name, value)
            if wrong is not None:
                raise InvalidPayload.field("headers", wrong)
            headers[name] = value
    return headers


def _wrong_with(name: str, value: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "a name of letters, digits and hyphens"
    if name.lower() in RESERVED:
        return f"a name other than {name}, which every delivery has of its own"
    if len(value) > MAX_VALUE_CHARS or not _VALUE.fullmatch(value) or value != value.strip():
        return (
            f"must have at most {MAX_VALUE_CHARS} characters without line breaks, and no blanks at the ends"
        )
    return None
