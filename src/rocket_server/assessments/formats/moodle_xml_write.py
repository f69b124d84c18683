"""Writes Moodle XML that Moodle imports and `moodle_xml.read` reads without a difference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Final
from xml.sax.saxutils import escape

from rocket_server.assessments.formats import kinds
from rocket_server.assessments.formats.bank import Entry, Note, Unfit, Written, left_behind, name_of, short
from rocket_server.assessments.formats.moodle_xml import FORMATS, SHORT_LINES
from rocket_server.assessments.formats.percentages import write_percentage
from rocket_server.assessments.keys import target
from rocket_server.assessments.model import Option, Question, TextFormat

_NAMES: Final = {ours: theirs for theirs, ours in FORMATS.items()}
_LONG_LINES: Final = 15
_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").search


def write(entries: Iterable[Entry]) -> Written:
    """The bank as Moodle XML. What doesn't fit is left out, by a note with its name."""
    written = Written("")
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n']
    category: str | None = None
    for entry in entries:
        name = name_of(entry)
        try:
            text = _question(entry.question)
        except Unfit as unfit:
            written.notes.append(Note(name, str(unfit), refused=True))
            continue
        if entry.category and entry.category != category:
            category = entry.category
            parts.append(
                f'  <question type="category">\n    {_wrapped("category", category)}\n  </question>\n'
            )
        parts.append(text)
        message = left_behind(lost(entry.question))
        if message:
            written.notes.append(Note(name, message))
        if entry.question.kind == "multiple_answer" and not entry.question.allow_partial_scoring:
            plugin = "Moodle needs the plugin qtype_multichoiceset to read it: it is all or nothing"
            written.notes.append(Note(name, plugin))
    parts.append("</quiz>\n")
    written.text = "".join(parts)
    return written


def lost(question: Question) -> list[str]:
    """What Moodle XML has no place for, without changing a score."""
    writing = question.writing
    said = {
        "the description": question.description,
        "the ideal time": question.ideal_time,
        "the rubric": writing.rubric,
        "the least length": writing.min_length,
        "the greatest length": writing.max_length,
        "example answers": question.options if question.needs_review else None,
    }
    return [name for name, value in said.items() if value]


def _question(question: Question) -> str:
    kinds.check_writable(question)
    if question.kind == "fill_blank":
        kind, lines = "shortanswer", _short_answer(question)
    elif question.kind == "true_false":
        kind, lines = "truefalse", _true_false(question)
    elif question.kind == "match":
        kind, lines = "matching", _matching(question)
    elif question.needs_review:
        kind, lines = "essay", _essay(question)
    elif question.kind == "multiple_answer" and not question.allow_partial_scoring:
        kind, lines = "multichoiceset", _all_or_nothing(question)
    else:
        kind, lines = "multichoice", _choice(question)
    head = [
        _wrapped("name", question.alias or short(question.text)),
        _formatted("questiontext", question.text, question.text_format),
        _formatted("generalfeedback", question.feedback or "", question.text_format),
        f"<defaultgrade>{question.marks:f}</defaultgrade>",
    ]
    if question.level != "medium":
        lines.append(f"<tags><tag><text>{question.level}</text></tag></tags>")
    body = "".join(f"    {line}\n" for line in (*head, *lines))
    return f'  <question type="{kind}">\n{body}  </question>\n'


def _choice(question: Question) -> list[str]:
    single = "false" if question.kind == "multiple_answer" else "true"
    parts = kinds.choice_parts(question)
    return [
        f"<single>{single}</single>",
        "<shuffleanswers>true</shuffleanswers>",
        "<answernumbering>abc</answernumbering>",
        *(_answer(option, part, option.text) for option, part in zip(question.options, parts, strict=True)),
    ]


def _all_or_nothing(question: Question) -> list[str]:
    answers = (_answer(option, Fraction(int(option.is_correct)), option.text) for option in question.options)
    return ["<shuffleanswers>true</shuffleanswers>", *answers]


def _true_false(question: Question) -> list[str]:
    true, false = kinds.true_and_false(question)
    named = ((true, "true"), (false, "false"))
    return [_answer(option, Fraction(int(option.is_correct)), text) for option, text in named]


def _short_answer(question: Question) -> list[str]:
    parts = kinds.blank_parts(question)
    answers = (
        _answer(option, part, option.text.replace("*", "\\*"))
        for option, part in zip(question.options, parts, strict=True)
    )
    return [f"<usecase>{int(question.options[0].case_sensitive)}</usecase>", *answers]


def _matching(question: Question) -> list[str]:
    kinds.check_matching(question)
    return [
        "<shuffleanswers>true</shuffleanswers>",
        *(
            f'<subquestion format="{_NAMES[option.text_format]}">{_text(option.text)}'
            f"{_wrapped('answer', target(option))}</subquestion>"
            for option in question.options
        ),
    ]


def _essay(question: Question) -> list[str]:
    writing = question.writing
    lines = SHORT_LINES if question.kind == "subjective" else _LONG_LINES
    limit = [f"<maxwordlimit>{writing.word_limit}</maxwordlimit>"] if writing.word_limit else []
    return [
        "<responseformat>editor</responseformat>",
        f"<responsefieldlines>{lines}</responsefieldlines>",
        "<attachments>0</attachments>",
        *limit,
        _formatted("graderinfo", writing.grader_info or "", "html"),
    ]


def _answer(option: Option, part: Fraction, text: str) -> str:
    feedback = _formatted("feedback", option.feedback or "", option.text_format)
    return (
        f'<answer fraction="{write_percentage(part)}" format="{_NAMES[option.text_format]}">'
        f"{_text(text)}{feedback}</answer>"
    )


def _formatted(tag: str, text: str, text_format: TextFormat) -> str:
    return f'<{tag} format="{_NAMES[text_format]}">{_text(text)}</{tag}>'


def _wrapped(tag: str, text: str) -> str:
    return f"<{tag}>{_text(text)}</{tag}>"


def _text(text: str) -> str:
    found = _NOT_IN_XML(text)
    if found:
        raise Unfit(f"has the character U+{ord(found.group()):04X}, which XML can't hold")
    return f"<text>{escape(text, {chr(13): '&#13;'})}</text>" if text else "<text></text>"
