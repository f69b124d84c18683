"""What hooks and the validation of their bodies answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from rocket_server.http.models import Decision, Validity


class Hooked(BaseModel):
    """What a platform is answered; held events are `ignored` too, with the reason."""

    status: Literal["success", "duplicate", "ignored", "failed"]
    event_id: str
    processed_at: str
    points_awarded: int
    reason: str | None = None


class HookedItem(BaseModel):
    """What became of one event of a list: `event_id` is null and `error` says why where it failed."""

    index: int
    status: Literal["success", "duplicate", "ignored", "failed"]
    event_id: str | None
    reason: str | None = None
    error: str | None = None


class HookedList(BaseModel):
    """What a custom platform is answered for a list, in its order."""

    points_awarded: int
    results: list[HookedItem]


class BatchItem(BaseModel):
    """What became of one event of a batch: `event_id` is null where it failed, and `reason` says why."""

    index: int
    status: Literal["success", "duplicate", "ignored", "failed"]
    event_id: str | None
    reason: str | None = None


class HookedBatch(BaseModel):
    """What became of the events of a batch, in their order."""

    results: list[BatchItem]


class About(BaseModel):
    """The versions of xAPI that are understood."""

    version: list[str]


class CatalogueSource(BaseModel):
    """The source whose token was sent. `site` is the address of the platform that it belongs to."""

    name: str
    site: str | None


class WantedEvent(BaseModel):
    """An event that is worth sending. `learner` is the field that names whose it is; empty for nobody's."""

    eventname: str
    learner: str
    title: str


class Catalogue(BaseModel):
    """Which events of a Moodle are worth sending to this source."""

    source: CatalogueSource
    events: list[WantedEvent]


class Trial(Validity):
    """What a body would become: the event, and the decisions that storing it would have made."""

    event: dict[str, Any] | None
    decisions: list[Decision]
    status: Literal["processed", "duplicate", "ignored", "held", "failed"] | None = None
    reason: str | None = None
    points_awarded: int | None = None
