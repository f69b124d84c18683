"""What an adapter sets when it reads an event and isn't stored, but follows from what is; pure."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from rocket_server.events.model import CompletionState, Event
from rocket_server.sources import CATALOGUED

_BY_NAME: Final[dict[str, CompletionState]] = {"lesson.completed": "completed", "lesson.reopened": "reopened"}
_BY_STATE: Final[dict[str, CompletionState]] = {"0": "reopened", "1": "completed", "2": "completed"}


def as_read(event: Event) -> Event:
    """A stored event with the completion that it states, and the number that orders those of one second.

    Moodle's state is among the properties and its number is the event's id; elsewhere the event's name says
    it.
    """
    completion: CompletionState | None
    if event.source_kind not in CATALOGUED:
        completion, sequence = _BY_NAME.get(event.event), 0
    else:
        state, number = event.properties.get("completionstate"), event.source_event_id
        completion = _BY_STATE.get(state) if isinstance(state, str) else None
        sequence = int(number) if number and number.isdecimal() else 0
    if not isinstance(event.properties.get("lesson_id"), str):
        completion = None
    return replace(event, completion=completion, sequence=sequence) if completion or sequence else event
