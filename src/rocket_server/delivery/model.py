"""What the parts of the delivery hand each other: where a delivery goes, and what became of a try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

Kind = Literal["webhook", "plugin"]
Format = Literal["rocket", "assessment"]
Status = Literal["pending", "delivered", "exhausted"]

ANSWER_BYTES: Final = 1024  # of an answer's body, that the log keeps


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as the worker sees it. `secrets` are those that sign, the oldest first."""

    organisation_id: str
    endpoint_id: str
    kind: Kind
    url: str | None
    plugin_id: str | None
    format: Format
    headers: Mapping[str, str]
    timeout_ms: int
    max_attempts: int
    secrets: tuple[str, ...] = ()
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that a worker holds until its lease ends.

    `attempt` numbers the claim and is the fencing token; `tries` counts the tries before this one, `lost` the
    workers that claimed it since the last of these and never settled.
    """

    organisation_id: str
    endpoint_id: str
    delivery_id: str
    event_id: str
    event: str
    attempt: int
    tries: int
    created_at: datetime
    lost: int = 0


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What became of one try.

    `status` is None where no answer came; then `error` is a stable code (`timeout`, `refused`, `reset`,
    `unresolvable`, `forbidden_address`, `tls`, …) and `answer` a sentence. `retry_after_s` is what the
    receiver asked for, in seconds.
    """

    started_at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str
    retry_after_s: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver says that it doesn't exist any more."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Fact:
    """What a body is made from, whatever had caused it; the field names are those of a stored event."""

    tenant_id: str
    organisation_id: str
    event_id: str
    event: str
    user_id: str | None
    timestamp: datetime
    properties: Mapping[str, Any]
    points_awarded: int | None
