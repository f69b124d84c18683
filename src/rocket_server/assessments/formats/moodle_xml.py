"""Reads Moodle XML, as Moodle's question bank exports it.

Source of the format: docs.moodle.org/en/Moodle_XML_format and Moodle's question/format/xml. What is read, and
what isn't, stands in docs/reference/assessments-formats.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from rocket_server.assessments.formats import kinds
from rocket_server.assessments.formats.bank import (
    MAX_QUESTIONS,
    Bank,
    Entry,
    Note,
    Unfit,
    Unreadable,
    checked,
    left_behind,
    short,
)
from rocket_server.assessments.formats.kinds import Answer
from rocket_server.assessments.formats.percentages import read_number, read_percentage
from rocket_server.assessments.formats.xml_tree import Node, parse
from rocket_server.assessments.model import LEVELS, Level, Question, TextFormat, Writing
from rocket_server.assessments.questions import MARKS_PLACES, NewId

FORMATS: Final[dict[str, TextFormat]] = {
    "html": "html", "moodle_auto_format": "moodle", "plain_text": "plain", "markdown": "markdown",
}  # fmt: skip
# An essay whose field has so few lines is a short text.
SHORT_LINES: Final = 5
_FEEDBACKS: Final = ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback")


def read(data: bytes, new_id: NewId | None = None) -> Bank:
    """The questions in a file of Moodle XML, as drafts. Raises Unreadable.

    A question that doesn't fit exactly is refused by a note with its name and line, and the rest is read on.
    """
    root = parse(data)
    if root.tag != "quiz":
        raise Unreadable(f"the file begins with <{root.tag[:40]}>, and Moodle XML with <quiz>", root.line)
    bank = Bank()
    category: str | None = None
    for node in root.all("question"):
        if node.attributes.get("type") == "category":
            category = node.text_of("category", "text") or None
            continue
        if len(bank.entries) >= MAX_QUESTIONS:
            raise Unreadable(f"the file has more than {MAX_QUESTIONS} questions", node.line)
        name = short(node.text_of("name", "text") or node.text_of("questiontext", "text"))
        try:
            reading = _Reading(node)
            question = checked(reading.question(), new_id)
        except Unfit as unfit:
            bank.note(Note(name, str(unfit), node.line, refused=True))
            continue
        bank.entries.append(Entry(question, category, node.line))
        for message in (*reading.changed, left_behind(reading.lost)):
            if message:
                bank.note(Note(name, message, node.line))
    return bank


@dataclass(slots=True)
class _Reading:
    """One question, and what is learned about it on the way."""

    node: Node
    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def question(self) -> Question:
        kind = self.node.attributes.get("type", "")
        readers: dict[str, Callable[[Question], Question]] = {
            "multichoice": self._multichoice,
            "multichoiceset": self._multichoiceset,
            "truefalse": self._truefalse,
            "shortanswer": self._shortanswer,
            "matching": self._matching,
            "essay": self._essay,
        }
        if kind not in readers:
            raise Unfit(f"is of the kind {kind[:40]!r}, which has no counterpart here")
        self._refuse_files()
        return readers[kind](self._common())

    def _common(self) -> Question:
        text, text_format = self._text("questiontext", "html")
        if not text:
            raise Unfit("has no text")
        name = self.node.text_of("name", "text")
        feedback, feedback_format = self._text("generalfeedback", text_format)
        if feedback and feedback_format != text_format:
            self.changed.append(f"its general feedback is kept as {text_format} instead of {feedback_format}")
        self.lost += ["hints"] if self.node.first("hint") else []
        self.lost += ["the id number"] if self.node.text_of("idnumber") else []
        if any(self.node.text_of(name, "text") for name in _FEEDBACKS):
            self.lost.append("feedback for right, partly right and wrong answers as a whole")
        level: Level = "medium"
        tags = [tag.text_of("text") for tags in self.node.all("tags") for tag in tags.all("tag")]
        for tag in tags:
            if tag in LEVELS:
                level = tag
            else:
                self.lost.append(f"the tag {short(tag)}")
        return Question(
            "essay",
            text,
            self._marks(),
            text_format=text_format,
            alias=name if name and name != short(text) else None,
            level=level,
            feedback=feedback or None,
        )

    def _marks(self) -> Decimal:
        written = self.node.text_of("defaultgrade") or "1"
        marks = read_number(written)
        if marks is None:
            raise Unfit(f"has the default grade {written[:20]!r}, which is no number in digits")
        if marks <= 0 or round(marks, MARKS_PLACES) != marks:
            raise Unfit(f"has a default grade of {written[:20]}; marks are above 0 with two decimals at most")
        return round(marks, MARKS_PLACES)

    def _refuse_files(self) -> None:
        waiting = [self.node]
        while waiting:
            node = waiting.pop()
            waiting += node.children
            if node.tag in ("file", "image_base64") and (node.attributes.get("name") or node.text):
                name = short(node.attributes.get("name", "a picture"))
                raise Unfit(f"has an embedded file, {name}; put it on the web and link to it as media")

    def _text(self, tag: str, default: TextFormat, within: Node | None = None) -> tuple[str, TextFormat]:
        node = (within or self.node).first(tag)
        if node is None:
            return "", default
        return node.text_of("text"), self._format(node, default)

    def _format(self, node: Node, default: TextFormat) -> TextFormat:
        named = node.attributes.get("format", "").strip()
        if named and named not in FORMATS:
            raise Unfit(f"has a text in the format {named[:40]!r}, which isn't kept")
        return FORMATS[named] if named else default

    def _answers(self, default: TextFormat, *, formatted: bool) -> list[Answer]:
        found = []
        for node in self.node.all("answer"):
            text_format = self._format(node, default)
            feedback, feedback_format = self._text("feedback", text_format, node)
            if not formatted:  # words without markup; the format is the feedback's
                text_format = feedback_format if feedback else "plain"
            elif feedback and feedback_format != text_format:
                change = f"feedback of an answer is kept as {text_format} instead of {feedback_format}"
                self.changed.append(change)
            part = read_percentage(node.attributes.get("fraction", "0"))
            found.append(Answer(node.text_of("text"), part, text_format, feedback or None))
        return found

    def _multichoice(self, base: Question) -> Question:
        answers = self._answers(base.text_format, formatted=True)
        single = self.node.text_of("single") or "true"
        if self.node.text_of("shuffleanswers") in ("false", "0"):
            self.lost.append("that its answers aren't shuffled, which the test decides")
        if single not in ("false", "0"):
            return kinds.single_choice(base, answers)
        question, change = kinds.several_choices(base, answers)
        self.changed += [change] if change else []
        return question

    def _multichoiceset(self, base: Question) -> Question:
        return kinds.all_or_nothing(base, self._answers(base.text_format, formatted=True))

    def _truefalse(self, base: Question) -> Question:
        answers = {answer.text.casefold(): answer for answer in self._answers("html", formatted=False)}
        if set(answers) != {"true", "false"}:
            raise Unfit("must have the answers true and false")
        true, false = replace(answers["true"], text="True"), replace(answers["false"], text="False")
        return kinds.true_or_false(base, true, false)

    def _shortanswer(self, base: Question) -> Question:
        sensitive = self.node.text_of("usecase") == "1"
        question, change = kinds.short_answer(
            base, self._answers(base.text_format, formatted=False), case_sensitive=sensitive
        )
        self.changed += [change] if change else []
        return question

    def _matching(self, base: Question) -> Question:
        if self.node.text_of("shuffleanswers") in ("false", "0"):
            self.lost.append("that its items aren't shuffled, which the test decides")
        pairs = []
        for node in self.node.all("subquestion"):
            item = Answer(node.text_of("text"), Fraction(1), self._format(node, base.text_format))
            pairs.append((item, node.text_of("answer", "text")))
        return kinds.matching(base, pairs)

    def _essay(self, base: Question) -> Question:
        node = self.node
        if (node.text_of("attachmentsrequired") or "0") != "0":
            raise Unfit("asks for attached files, and answers are text")
        self.lost += ["attachments"] if (node.text_of("attachments") or "0") != "0" else []
        self.lost += ["the response template"] if node.text_of("responsetemplate", "text") else []
        self.lost += ["the least number of words"] if (node.text_of("minwordlimit") or "0") != "0" else []
        grader_info, _ = self._text("graderinfo", "html")
        limit = node.text_of("maxwordlimit")
        lines = node.text_of("responsefieldlines")
        return replace(
            base,
            kind="subjective" if lines.isdecimal() and int(lines[:9]) <= SHORT_LINES else "essay",
            writing=Writing(
                word_limit=int(limit[:9]) or None if limit.isdecimal() else None,
                grader_info=grader_info or None,
            ),
        )
