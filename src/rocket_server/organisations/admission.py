"""By what requests are let in, and whether that still counts when their transaction runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rocket_server.organisations import keys, sources


@dataclass(slots=True)
class Credential:
    """By what a request was let in, and as of which version of its organisation that is known. Kept by the
    process beside the key, so that finding it good once serves later requests."""

    kind: str  # "key" or "token", or "signature", which is checked anew for each request
    hash: bytes
    version: int


async def revoked(conn: Any, version: int, credentials: Sequence[Credential]) -> set[bytes]:
    """Credentials that don't count any more; looked up only where the organisation was changed since they
    were last found good."""
    stale = [credential for credential in credentials if credential.version != version]
    gone: set[bytes] = set()
    for kind, live in (("key", keys.live), ("token", sources.live_tokens)):
        hashes = {credential.hash for credential in stale if credential.kind == kind}
        if hashes:
            gone |= hashes - await live(conn, list(hashes))
    for credential in stale:
        if credential.hash not in gone:
            credential.version = version
    return gone
