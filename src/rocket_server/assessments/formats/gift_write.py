"""Writes GIFT that Moodle imports and `gift.read` reads without a difference."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from rocket_server.assessments.formats import kinds
from rocket_server.assessments.formats.bank import Entry, Note, Unfit, Written, left_behind, name_of
from rocket_server.assessments.formats.moodle_xml_write import lost
from rocket_server.assessments.formats.percentages import write_percentage
from rocket_server.assessments.keys import target
from rocket_server.assessments.model import Option, Question, TextFormat

_ESCAPES: Final = str.maketrans(
    {character: f"\\{character}" for character in "\\#=~{}:"} | {"\n": "\\n", "\r": ""}
)


def write(entries: Iterable[Entry]) -> Written:
    """The bank as GIFT. What doesn't fit is left out, by a note with its name."""
    written = Written("")
    parts = []
    category: str | None = None
    for entry in entries:
        question, name = entry.question, name_of(entry)
        try:
            text = _question(question)
        except Unfit as unfit:
            written.notes.append(Note(name, str(unfit), refused=True))
            continue
        if entry.category and entry.category != category:
            category = entry.category
            parts.append(f"$CATEGORY: {' '.join(category.split())}\n\n")
        parts.append(text)
        gone = lost(question)
        gone += ["the word limit"] if question.writing.word_limit else []
        gone += ["what its reviewer goes by"] if question.writing.grader_info else []
        gone += (
            [f"its {question.marks:f} marks: GIFT has none and Moodle gives 1"] if question.marks != 1 else []
        )
        gone += ["that its answer is short"] if question.kind == "subjective" else []
        message = left_behind(gone)
        if message:
            written.notes.append(Note(name, message))
    written.text = "".join(parts)
    return written


def _question(question: Question) -> str:
    kinds.check_writable(question)
    default = question.text_format
    tag = f"// [tag:{question.level}]\n" if question.level != "medium" else ""
    name = f"::{_escaped(question.alias)}::" if question.alias else ""
    text = _text(question.text, default, "moodle", always=not name)
    feedback = f"####{_text(question.feedback, default, default)}" if question.feedback else ""
    lines = _answers(question)
    if len(lines) > 1:
        body = "".join(f"\t{line}\n" for line in (*lines, *([feedback] if feedback else [])))
        return f"{tag}{name}{text}{{\n{body}}}\n\n"
    return f"{tag}{name}{text}{{{''.join(lines)}{feedback}}}\n\n"


def _answers(question: Question) -> list[str]:
    if question.needs_review:
        return []
    default = question.text_format
    if question.kind == "true_false":
        return [_truth(question)]
    if question.kind == "match":
        kinds.check_matching(question)
        return [_pair(option, default) for option in question.options]
    if question.kind == "fill_blank":
        parts = kinds.blank_parts(question)
        if question.options[0].case_sensitive:
            raise Unfit("minds letter case, and GIFT can't say so")
        if any("->" in option.text for option in question.options):
            raise Unfit("accepts a word with ->, which GIFT reads as a pair")
        return [
            f"=%{write_percentage(part)}%{_word(option)}{_comment(option, default)}"
            for option, part in zip(question.options, parts, strict=True)
        ]
    if question.kind == "multiple_answer" and not question.allow_partial_scoring:
        raise Unfit("is all or nothing, and GIFT gives parts")
    single = question.kind != "multiple_answer"
    return [
        _choice(option, part, default, single=single)
        for option, part in zip(question.options, kinds.choice_parts(question), strict=True)
    ]


def _choice(option: Option, part: Fraction, default: TextFormat, *, single: bool) -> str:
    text = _text(option.text, option.text_format, default)
    if single and part == 1:
        sign = "="
    else:  # a text that looks like a percentage needs one of its own before it
        sign = "~" if not part and not text.startswith("%") else f"~%{write_percentage(part)}%"
    return f"{sign}{text}{_comment(option, default)}"


def _word(option: Option) -> str:
    """An accepted word, whose * stands for itself."""
    return _escaped(option.text.replace("*", "\\*"))


def _pair(option: Option, default: TextFormat) -> str:
    if "->" in option.text:
        raise Unfit("has an item with ->, which GIFT reads as its target")
    return f"={_text(option.text, option.text_format, default)} -> {_escaped(target(option))}"


def _truth(question: Question) -> str:
    true, false = kinds.true_and_false(question)
    right, wrong = (true, false) if true.is_correct else (false, true)
    default = question.text_format
    said = [_text(option.feedback or "", option.text_format, default) for option in (wrong, right)]
    comments = "".join(f"#{text}" for text in said) if any(said) else ""
    return f"{'TRUE' if true.is_correct else 'FALSE'}{comments}"


def _comment(option: Option, default: TextFormat) -> str:
    return f"#{_text(option.feedback, option.text_format, default)}" if option.feedback else ""


def _text(text: str, text_format: TextFormat, default: TextFormat, *, always: bool = False) -> str:
    """A text with its format where it isn't the one that would be taken; `always` also keeps what begins a
    block from being read as a comment, a category or a name."""
    needed = text_format != default or text.startswith("[") or always
    return f"[{text_format}]{_escaped(text)}" if text and needed else _escaped(text)


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
