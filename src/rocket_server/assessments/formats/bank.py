"""What every format shares: a bank of questions, and notes by name and line of what doesn't fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from rocket_server.assessments.model import Question
from rocket_server.assessments.questions import NewId, read_question

MAX_BYTES: Final = 5_000_000
MAX_QUESTIONS: Final = 2_000
MAX_NOTES: Final = 1_000


class Unreadable(ValueError):
    """The file as a whole can't be read. The message says what is wrong; `line` is where, from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class Unfit(ValueError):
    """This question doesn't fit. The message completes a sentence that begins with its name."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something about one question, by its name and line: it was refused, or it came through changed."""

    name: str
    message: str
    line: int | None = None
    refused: bool = False

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "line": self.line, "message": self.message, "refused": self.refused}


@dataclass(frozen=True, slots=True)
class Entry:
    """A question of a bank. `category` is its path there, such as `Physics/Optics`."""

    question: Question
    category: str | None = None
    line: int | None = None


@dataclass(slots=True)
class Bank:
    """What was read, in the order of the file, and everything about it that its teacher should know."""

    entries: list[Entry] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    more_notes: int = 0  # beyond MAX_NOTES

    def note(self, note: Note) -> None:
        if len(self.notes) < MAX_NOTES:
            self.notes.append(note)
        else:
            self.more_notes += 1


@dataclass(slots=True)
class Written:
    """A file, and what of the bank isn't in it or reads otherwise there."""

    text: str
    notes: list[Note] = field(default_factory=list)


def decoded(data: bytes) -> str:
    """A text file in UTF-8, with or without a byte order mark. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(f"the file has {len(data)} bytes; at most {MAX_BYTES} are taken")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unreadable("the file isn't UTF-8; save it in this encoding", line) from None


def checked(question: Question, new_id: NewId | None) -> Question:
    """The question, held to all that the API asks of one; options get their ids. Raises Unfit."""
    data = question.as_json()
    for option in data["options"]:
        option["questionOptionId"] = None
    read, faults = read_question(data, new_id=new_id)
    if read is None or faults:
        raise Unfit("; ".join(f"{fault.path} {fault.message}" for fault in faults[:3]))
    return read


def name_of(entry: Entry) -> str:
    """What a note calls the question: its name, or how its text begins."""
    question = entry.question
    return question.alias or short(question.text)


def short(text: str) -> str:
    """A text in one line of at most 60 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"


def left_behind(what: Iterable[str]) -> str | None:
    """One sentence for all that isn't kept of a question; None where everything is."""
    names = list(dict.fromkeys(what))
    return f"not kept: {', '.join(names)}" if names else None
