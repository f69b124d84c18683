"""Reads GIFT, the text format for questions that teachers write by hand.

Source of the format: docs.moodle.org/en/GIFT_format and Moodle's question/format/gift, whose reading is
followed where the page is silent. What is read, and what isn't, stands in
docs/reference/assessments-formats.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final, cast

from rocket_server.assessments.formats import kinds
from rocket_server.assessments.formats.bank import (
    MAX_QUESTIONS,
    Bank,
    Entry,
    Note,
    Unfit,
    Unreadable,
    checked,
    decoded,
    left_behind,
    short,
)
from rocket_server.assessments.formats.kinds import Answer
from rocket_server.assessments.formats.percentages import read_percentage
from rocket_server.assessments.model import LEVELS, TEXT_FORMATS, Level, Question, TextFormat
from rocket_server.assessments.questions import MAX_OPTIONS, NewId

# Escaped characters are set aside as noncharacters of Unicode, which no text may have (U+FDD0 to U+FDEF).
_ESCAPED: Final = {character: chr(0xFDD0 + place) for place, character in enumerate(":#={}~\\n")}
_AS_ITSELF: Final = str.maketrans(
    {mark: "\n" if character == "n" else character for character, mark in _ESCAPED.items()}
)
_ESCAPE: Final = re.compile(r"\\([:#={}~\\n])")
_NONCHARACTER: Final = re.compile("[\ufdd0-\ufdef]").search
_LINES: Final = re.compile(r"\r\n|\r|\n")
_WEIGHT: Final = re.compile(r"%(-?[0-9]{1,3}(?:\.[0-9]*)?)%")
_FORMAT: Final = re.compile(r"\[(" + "|".join(TEXT_FORMATS) + r")\]")
_TAG: Final = re.compile(r"\[(tag|id):([^\]]*)\]")
_TRUTHS: Final = {"T": True, "TRUE": True, "F": False, "FALSE": False}
BLANK: Final = "_____"


def read(data: bytes, new_id: NewId | None = None) -> Bank:
    """The questions in a GIFT file, as drafts of one mark each. Raises Unreadable.

    A question that doesn't fit exactly is refused by a note with its name and line, and the rest is read on.
    """
    text = decoded(data)
    found = _NONCHARACTER(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable(f"the file has U+{ord(found.group()):04X}, which is no character", line)
    bank = Bank()
    category: str | None = None
    for block in _blocks(text):
        if block.text.startswith("$CATEGORY:"):
            category = block.text.removeprefix("$CATEGORY:").strip() or None
            continue
        if len(bank.entries) >= MAX_QUESTIONS:
            raise Unreadable(f"the file has more than {MAX_QUESTIONS} questions", block.line)
        reading = _Reading(block)
        try:
            question = checked(reading.question(), new_id)
        except Unfit as unfit:
            bank.note(Note(reading.name, str(unfit), block.line, refused=True))
            continue
        bank.entries.append(Entry(question, category, block.line))
        for message in (*reading.changed, left_behind(reading.lost)):
            if message:
                bank.note(Note(reading.name, message, block.line))
    return bank


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines between blank ones: a question or a category. `tags` stood in its comments."""

    text: str
    line: int
    tags: tuple[tuple[str, str], ...]


def _blocks(text: str) -> Iterator[_Block]:
    lines: list[str] = []
    tags: list[tuple[str, str]] = []
    begins = 0
    for number, line in enumerate([*_LINES.split(text), ""], 1):
        stripped = line.strip()
        if stripped.startswith("//"):
            tags += [(found[1], found[2].strip()) for found in _TAG.finditer(stripped)]
        elif not stripped or stripped.startswith("$CATEGORY:"):
            if lines:
                yield _Block("\n".join(lines).strip(), begins, tuple(tags))
                lines, tags = [], []
            if stripped:
                yield _Block(stripped, number, ())
        else:
            begins = begins if lines else number
            lines.append(line)


@dataclass(slots=True)
class _Reading:
    """One question, and what is learned about it on the way."""

    block: _Block
    name: str = ""
    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def question(self) -> Question:
        text = _ESCAPE.sub(lambda found: _ESCAPED[found[1]], self.block.text)
        self.name = short(_plain(text.partition("{")[0]))
        alias = None
        if text.startswith("::"):
            title, ends, rest = text[2:].partition("::")
            if ends:
                alias, text = _plain(title).strip() or None, rest.strip()
                self.name = short(alias or _plain(text.partition("{")[0]))
        text, answers = self._parted(text)
        answers, _, general = answers.rpartition("####") if "####" in answers else (answers, "", "")
        body, text_format = _formatted(text, "moodle")
        feedback, feedback_format = _formatted(general, text_format)
        if feedback and feedback_format != text_format:
            self.changed.append(f"its general feedback is kept as {text_format} instead of {feedback_format}")
        if not body:
            raise Unfit("has no text")
        base = Question(
            "essay",
            body,
            Decimal(1),
            text_format=text_format,
            alias=alias,
            level=self._level(),
            feedback=feedback or None,
        )
        return self._of_kind(base, answers.strip())

    def _parted(self, text: str) -> tuple[str, str]:
        """The text with a blank where answers stood in it, and the answers."""
        opens, closes = text.find("{"), text.find("}")
        if opens < 0 and closes < 0:
            raise Unfit("has no answers in braces: a description, which asks nothing")
        if opens < 0 or closes < opens:
            raise Unfit("has a brace without its counterpart")
        before, after = text[:opens], text[closes + 1 :]
        if "{" in after or "}" in after:
            raise Unfit(
                "has more than one pair of braces; it takes one, and other braces are written \\{ and \\}"
            )
        return (f"{before}{BLANK}{after}" if after.strip() else before), text[opens + 1 : closes]

    def _level(self) -> Level:
        level: Level = "medium"
        for kind, value in self.block.tags:
            if kind == "tag" and value in LEVELS:
                level = value
            else:
                self.lost.append("the id number" if kind == "id" else f"the tag {short(value)}")
        return level

    def _of_kind(self, base: Question, answers: str) -> Question:
        if not answers:
            return base
        if answers.count("~") + answers.count("=") > 2 * MAX_OPTIONS:
            raise Unfit(f"has more than {MAX_OPTIONS} answers")
        if answers.startswith("#"):
            raise Unfit("is of the kind 'numerical', which has no counterpart here")
        if "~" in answers:
            return self._choice(base, answers)
        if "=" in answers and "->" in answers:
            return self._matching(base, answers)
        truth, *feedback = answers.split("#", 2)
        if truth.strip() in _TRUTHS:
            return self._truth(base, _TRUTHS[truth.strip()], feedback)
        return self._words(base, answers)

    def _choice(self, base: Question, answers: str) -> Question:
        found = []
        for given in re.split(r"~(?==)|~|(?==)", answers):
            if not given.strip():
                continue
            text, default = given.strip(), base.text_format
            weight = _WEIGHT.match(text.removeprefix("="))
            if text.startswith("="):  # after this sign Moodle reads no percentage
                self.changed += (
                    ["its right choice begins with a percentage, which is its text"] if weight else []
                )
                found.append(self._answer(text[1:], Fraction(1), default))
            elif weight:
                found.append(self._answer(text[weight.end() :], read_percentage(weight[1]), default))
            else:
                found.append(self._answer(text, Fraction(0), default))
        if "=" in answers:
            return kinds.single_choice(base, found)
        question, change = kinds.several_choices(base, found)
        self.changed += [change] if change else []
        return question

    def _matching(self, base: Question, answers: str) -> Question:
        pairs = []
        for given in answers.split("="):
            if not given.strip():
                continue
            item, arrow, match = given.partition("->")
            if not arrow:
                raise Unfit(f"has an item without its target: {short(_plain(given))}")
            text, text_format = _formatted(item, base.text_format)
            pairs.append((Answer(text, Fraction(1), text_format), _plain(match).strip()))
        return kinds.matching(base, pairs)

    def _truth(self, base: Question, is_true: bool, feedback: list[str]) -> Question:
        wrong, right = ([*feedback, "", ""])[:2]
        by_truth = {is_true: right, not is_true: wrong}

        def answer(truth: bool) -> Answer:
            read = self._answer(
                f"{truth}#{by_truth[truth]}", Fraction(int(truth == is_true)), base.text_format
            )
            return Answer(read.text, read.part, read.text_format if read.feedback else "plain", read.feedback)

        return kinds.true_or_false(base, answer(True), answer(False))

    def _words(self, base: Question, answers: str) -> Question:
        found = []
        for given in answers.split("="):
            if not given.strip():
                continue
            weight = _WEIGHT.match(given.strip())
            part = read_percentage(weight[1]) if weight else Fraction(1)
            read = self._answer(given.strip()[weight.end() :] if weight else given, part, base.text_format)
            found.append(
                Answer(read.text, part, read.text_format if read.feedback else "plain", read.feedback)
            )
        question, change = kinds.short_answer(base, found, case_sensitive=False)
        self.changed += [change] if change else []
        return question

    def _answer(self, given: str, part: Fraction, default: TextFormat) -> Answer:
        text, _, comment = given.partition("#")
        answer, text_format = _formatted(text, default)
        feedback, feedback_format = _formatted(comment, default)
        if feedback and feedback_format != text_format:
            self.changed.append(
                f"feedback of an answer is kept as {text_format} instead of {feedback_format}"
            )
        return Answer(answer, part, text_format, feedback or None)


def _formatted(text: str, default: TextFormat) -> tuple[str, TextFormat]:
    """A text without its format in brackets, escaped characters as themselves."""
    text = text.strip()
    named = _FORMAT.match(text)
    if named:
        return _plain(text[named.end() :]).strip(), cast(TextFormat, named[1])
    return _plain(text).strip(), default


def _plain(text: str) -> str:
    return text.translate(_AS_ITSELF)
