"""The canonical event: what every source is turned into, before anything is stored or awarded."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

import msgspec

# Whether an event says that a learner's completion of a module holds (or doesn't any more).
# Only events that say so can be taken back; an event without the state counts once and stays.
CompletionState = Literal["completed", "reopened"]


# A struct, not a dataclass: one is made for every event, and a frozen dataclass of this size takes ten times
# as long to make.
class Event(msgspec.Struct, frozen=True):
    """A fact in `domain.action` form. `properties` and `metadata` are in the flat, stored form.

    `user_id` is the learner's identity as it is stored: what an API caller sent, or `<source>:<id>`
    for a platform's learner. It is None only where `ignored` says why nobody is meant.
    """

    event: str
    source: str
    user_id: str | None
    occurred_at: datetime  # aware, UTC
    properties: dict[str, Any]
    metadata: dict[str, Any]
    dedupe_key: bytes  # 16 bytes, unique within an organisation
    source_event_id: str | None = None  # the caller's own id, as it is shown in reads
    source_kind: str = "api"  # a rule's trigger.source matches the source's name or its kind
    # Orders events of one second that state a completion: Moodle's own running number.
    sequence: int = 0
    completion: CompletionState | None = None
    # A trustworthy e-mail address, by which the learner is found in other sources; else None.
    email: str | None = None
    # Further identities of the same learner (`user.external_ids`).
    identities: tuple[str, ...] = ()
    # "code: sentence" where the event is kept but can't count; else None.
    ignored: str | None = None
    # True where `ignored` comes from the source's filters: rules then answer `filtered`.
    filtered: bool = False
    # Sentences about how the event was read, shown beside its decisions.
    notes: tuple[str, ...] = ()
    # The platform site it came from (Moodle's wwwroot); one source is one site.
    site: str | None = None
    # What the platform sent, decoded, so that the event can be read again after a mapping was mended.
    received: dict[str, Any] | None = None
    # The id of the course that begins anew with it.
    resets_course: str | None = None


def dedupe_key(source: str, *parts: str) -> bytes:
    """16 bytes that name one event of one source. `parts` is the caller's id, or what stands in for it."""
    digest = blake2b(digest_size=16)
    for part in (source, *parts):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.digest()
