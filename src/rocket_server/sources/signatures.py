"""How platforms sign what they send, and whether a request was signed with one of a source's secrets; pure.

Each kind has one scheme. All signatures are HMAC-SHA256 of the raw body, in hex, compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rocket_server.decoding import decode

# Bytes of a body that carries its own signature: anybody may have it decoded.
MAX_SIGNED_INSIDE: Final = 64 * 1024
_PLACES: Final = 3  # where a field of the signature's name may stand


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where a platform puts its signature. `field` is one of the body's own, which was made without it;
    `shared` is a header that carries the secret itself, as LearnWorlds documents its own."""

    headers: tuple[str, ...] = ("x-signature", "x-thinkific-hmac-sha256")
    field: str | None = None
    shared: str | None = None

    def signature_of(self, headers: Mapping[str, str]) -> str | None:
        """What a request's headers say; None where nothing is signed by them."""
        names = (*self.headers, *(() if self.shared is None else (self.shared,)))
        return next((value for name in names if (value := headers.get(name))), None)


ORDINARY: Final = Scheme()  # of the kinds that document none of their own


def may_be_signed(scheme: Scheme, headers: Mapping[str, str]) -> bool:
    """Whether a request can be signed at all, as far as its head says."""
    return scheme.field is not None or scheme.signature_of(headers) is not None


def is_signed(scheme: Scheme, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Whether a request was made by somebody who knows one of a source's secrets.

    `headers` have names in small letters. A header is looked at before the body's own field.
    """
    signature = next((value for name in scheme.headers if (value := headers.get(name))), None)
    if signature is not None:
        return _is_hmac(body, signature, secrets)
    shared = headers.get(scheme.shared) if scheme.shared is not None else None
    if shared is not None:
        given = shared.strip().removeprefix("v1=")
        # LearnWorlds documents a secret that both sides know; receivers also tell of an HMAC in its place.
        return _is_one_of(given, secrets) | _is_hmac(body, given, secrets)
    if scheme.field is None:
        return False
    return _is_signed_inside(body, scheme.field, secrets)


def _is_hmac(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    given = _bytes(signature.strip().removeprefix("sha256=").lower())
    good = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        good |= hmac.compare_digest(given, expected)
    return good


def _is_one_of(given: str, secrets: Sequence[str]) -> bool:
    good = False
    for secret in secrets:
        good |= hmac.compare_digest(_bytes(given), secret.encode())
    return good


def _is_signed_inside(body: bytes, field: str, secrets: Sequence[str]) -> bool:
    if len(body) > MAX_SIGNED_INSIDE:
        return False
    try:
        fields = decode(body)
    except (ValueError, RecursionError):
        return False
    signature = fields.get(field) if isinstance(fields, dict) else None
    if not isinstance(signature, str) or not signature:
        return False
    rest = {name: value for name, value in fields.items() if name != field}
    good = False
    for unsigned in _without(body, field, rest):
        good |= _is_hmac(unsigned, signature, secrets)
    return good


def _without(body: bytes, field: str, rest: dict[str, Any]) -> Iterator[bytes]:
    """The body as it may have been before its signature was put in: all else as it stands, and as programs
    write JSON anew."""
    member = rb'"%s"\s*:\s*"[^"\\]{0,200}"' % re.escape(field.encode())
    for pattern in (rb"\s*,\s*" + member, member + rb"\s*,\s*", member):
        for found in list(re.finditer(pattern, body))[-_PLACES:]:
            cut = body[: found.start()] + body[found.end() :]
            try:
                is_rest = decode(cut) == rest
            except (ValueError, RecursionError):
                continue
            if is_rest:
                yield cut
                break
    for separators in ((",", ":"), (", ", ": ")):
        for ascii_only in (True, False):
            text = json.dumps(rest, separators=separators, ensure_ascii=ascii_only)
            yield text.encode("utf-8", "surrogatepass")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")
