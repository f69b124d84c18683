"""The bundled recording, and how its times are moved to today. Pure, but for reading the file."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

RECORDING: Final = Path(__file__).parent / "morning.jsonl.gz"

_TIME: Final = re.compile(r'("timecreated": ")([0-9]+)(")')


@dataclass(frozen=True, slots=True)
class Message:
    """One request of the recording; `body` is exactly what Moodle sent."""

    content_type: str
    body: str


def load(path: Path = RECORDING) -> list[Message]:
    """The recorded messages in the order in which they arrived."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        return [Message(**json.loads(line)) for line in lines]


def moved_to(day: date, messages: Sequence[Message]) -> list[Message]:
    """The messages as if the first had happened when `day` began in UTC; distances and ids stay.

    The recording is a few minutes long, so nothing of it lies in the future for more than those minutes,
    whatever the time of day; and two runs on one day send the same bytes, which are duplicates.
    """
    first = min(int(match[2]) for message in messages for match in _TIME.finditer(message.body))
    shift_s = int(datetime.combine(day, time(), UTC).timestamp()) - first
    return [replace(message, body=_moved(message.body, shift_s)) for message in messages]


def _moved(body: str, shift_s: int) -> str:
    return _TIME.sub(lambda match: f"{match[1]}{int(match[2]) + shift_s}{match[3]}", body)
