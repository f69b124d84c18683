"""What a learner answered: read strictly when it arrives, and gently when it was stored long ago."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rocket_server.assessments.fields import MAX_ID, Fields, unstorable
from rocket_server.assessments.keys import target
from rocket_server.assessments.model import CHOICE, SINGLE_CHOICE, Kind, Question
from rocket_server.assessments.questions import (
    MAX_BLANKS,
    MAX_OPTION_TEXT,
    MAX_OPTIONS,
    MAX_TEXT,
)
from rocket_server.conditions.reading import Problems
from rocket_server.errors import FieldError, InvalidPayload

MAX_BLANK_TEXT: Final = 1_000  # characters


@dataclass(frozen=True, slots=True)
class Choice:
    """The ids of the options that were picked, each once, in the order of picking."""

    option_ids: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.option_ids

    def as_json(self) -> dict[str, Any]:
        return {"selectedOptionIds": list(self.option_ids)}


@dataclass(frozen=True, slots=True)
class Blanks:
    """What was written into each blank; the place in the tuple is the blank's index."""

    texts: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not any(text.strip() for text in self.texts)

    def as_json(self) -> dict[str, Any]:
        return {"blanks": list(self.texts)}


@dataclass(frozen=True, slots=True)
class Matches:
    """What each option was matched with, an option at most once."""

    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.pairs

    def as_json(self) -> dict[str, Any]:
        return {"matches": [{"optionId": option, "matchWith": match} for option, match in self.pairs]}


@dataclass(frozen=True, slots=True)
class Text:
    """What was written."""

    text: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.text.strip()

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text}


Answer = Choice | Blanks | Matches | Text


def parse_answer(question: Question, data: Any, path: str = "answer") -> Answer:
    """The answer in `data`, which must fit the question. `{}` takes an answer back. Raises InvalidPayload."""
    answer, faults = read_answer(question, data, path)
    if faults:
        raise InvalidPayload.from_fields(faults)
    return answer


def read_answer(question: Question, data: Any, path: str = "answer") -> tuple[Answer, list[FieldError]]:
    """The answer and what is wrong with it, each fault under its path."""
    problems = Problems()
    if not isinstance(data, Mapping):
        problems.add(path, "must be an object")
        return empty(question.kind), problems.errors
    fields = Fields(data, path, problems)
    fields.refuse_unknown((_FIELD_OF[type(empty(question.kind))],))
    answer = _read(question.kind, fields)
    if not problems.errors:
        _check(question, answer, fields)
    return answer, problems.errors


def stored_answer(kind: Kind, data: Any) -> Answer:
    """An answer as it was stored, to be scored anew: options that went meanwhile are simply not right."""
    if not isinstance(data, Mapping):
        return empty(kind)
    return _read(kind, Fields(data, "answer", Problems()))


def empty(kind: Kind) -> Answer:
    """No answer yet, in the form of the kind."""
    if kind in CHOICE:
        return Choice()
    return Blanks() if kind == "fill_blank" else Matches() if kind == "match" else Text()


def too_short(question: Question, answer: Answer) -> str | None:
    """Why an answer may be kept but not handed in yet: one that was begun and is below `minLength`."""
    least = question.writing.min_length or 0
    if isinstance(answer, Text) and not answer.is_empty and len(answer.text) < least:
        return f"must have at least {least} characters, has {len(answer.text)}"
    return None


_FIELD_OF: Final[Mapping[type[Answer], str]] = {
    Choice: "selectedOptionIds", Blanks: "blanks", Matches: "matches", Text: "text",
}  # fmt: skip


def _read(kind: Kind, fields: Fields) -> Answer:
    if kind in CHOICE:
        picked = _strings(fields, "selectedOptionIds", MAX_OPTIONS, MAX_ID)
        return Choice(tuple(dict.fromkeys(picked)))
    if kind == "fill_blank":
        return _blanks(fields)
    if kind == "match":
        return _matches(fields)
    return Text(fields.text("text", 100_000) or "")


def _strings(fields: Fields, name: str, most: int, longest: int) -> list[str]:
    values = fields.data.get(name)
    if values is None:
        return []
    if not isinstance(values, list):
        fields.fault(name, "must be a list of strings")
        return []
    if len(values) > most:
        fields.fault(name, f"must have at most {most} entries, has {len(values)}")
        return []
    found = []
    for index, value in enumerate(values):
        if not isinstance(value, str):
            fields.fault(f"{name}[{index}]", "must be a string")
        elif len(value) > longest:
            fields.fault(f"{name}[{index}]", f"must have at most {longest} characters, has {len(value)}")
        elif unstorable(value):
            fields.fault(f"{name}[{index}]", "must not contain NUL or halves of surrogate pairs")
        else:
            found.append(value)
    return found


def _blanks(fields: Fields) -> Blanks:
    """A list by blank, null where one is left open; or the form in which results show them."""
    values = fields.data.get("blanks")
    if not isinstance(values, list) or not any(isinstance(value, Mapping) for value in values):
        open_ones = (
            ["" if value is None else value for value in values] if isinstance(values, list) else values
        )
        return Blanks(
            tuple(
                _strings(
                    Fields({"blanks": open_ones}, fields.path, fields.problems),
                    "blanks",
                    MAX_BLANKS,
                    MAX_BLANK_TEXT,
                )
            )
        )
    texts: dict[int, str] = {}
    for entry in fields.objects("blanks", MAX_BLANKS):
        index = entry.whole("blankIndex", 0, MAX_BLANKS - 1)
        text = entry.text("text", MAX_BLANK_TEXT) or ""
        if index is None:
            entry.fault("blankIndex", "is required")
        elif texts.setdefault(index, text) != text:
            entry.fault("blankIndex", f"must be answered once; blank {index} has two different texts")
    return Blanks(tuple(texts.get(index, "") for index in range(max(texts, default=-1) + 1)))


def _matches(fields: Fields) -> Matches:
    pairs: dict[str, str] = {}
    for entry in fields.objects("matches", MAX_OPTIONS):
        name = "optionId" if entry.data.get("optionId") is not None else "questionOptionId"
        option_id = entry.identifier(name)
        match = entry.text("matchWith", MAX_OPTION_TEXT)
        if option_id is None:
            entry.fault("optionId", "is required")
        elif match is not None and pairs.setdefault(option_id, match) != match:
            entry.fault("optionId", "must be matched once; it has two different targets")
    return Matches(tuple(pairs.items()))


def _check(question: Question, answer: Answer, fields: Fields) -> None:
    match answer:
        case Choice(picked):
            known = {option.id for option in question.options}
            for index, option_id in enumerate(picked):
                if option_id not in known:
                    fields.fault(f"selectedOptionIds[{index}]", "must be an option of this question")
            if question.kind in SINGLE_CHOICE and len(picked) > 1:
                fields.fault("selectedOptionIds", f"must name one option for question type: {question.kind}")
        case Blanks(texts):
            if len(texts) > len(question.blanks):
                fields.fault(
                    "blanks", f"must have at most {len(question.blanks)} entries, one for each blank"
                )
        case Matches(pairs):
            known = {option.id for option in question.pairs}
            targets = {target(option) for option in question.options}
            for index, (option_id, chosen) in enumerate(pairs):
                if option_id not in known:
                    fields.fault(f"matches[{index}].optionId", "must be an option of this question")
                if chosen not in targets:
                    fields.fault(f"matches[{index}].matchWith", "must be one of the question's targets")
        case Text(text):
            most = question.writing.max_length or MAX_TEXT
            words = question.writing.word_limit
            if len(text) > most:
                fields.fault("text", f"must have at most {most} characters, has {len(text)}")
            elif words is not None and len(text.split()) > words:
                fields.fault("text", f"must have at most {words} words, has {len(text.split())}")
