"""Sample bodies of platforms, what becomes of each, and how the platform signs it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "fixtures"
SECRET = "a secret that both sides know"


@dataclass(frozen=True, slots=True)
class Sample:
    """A body as the platform documents it, and the event that it becomes."""

    kind: str
    name: str
    body: dict[str, Any]
    expected: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    @property
    def raw(self) -> bytes:
        """The bytes that are sent."""
        return json.dumps(self.body, ensure_ascii=False).encode()


def samples(*kinds: str) -> Sequence[Sample]:
    """The samples of these kinds of sources, in the order of their names."""
    found = []
    for kind in kinds:
        for path in sorted((FIXTURES / kind).glob("*.json")):
            read = json.loads(path.read_text())
            found.append(Sample(kind, path.stem, read["body"], read["expected"]))
    return found


def hexdigest(body: bytes, secret: str = SECRET) -> str:
    """The HMAC-SHA256 of a body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers_of(kind: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The header with which the platform itself signs."""
    if kind == "learnworlds":
        return {"Learnworlds-Webhook-Signature": f"v1={secret}"}
    if kind == "thinkific":
        return {"X-Thinkific-Hmac-Sha256": hexdigest(body, secret)}
    return {"X-Signature": f"sha256={hexdigest(body, secret)}"}
