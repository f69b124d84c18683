"""From the kinds of question that Moodle knows to ours, and back; what scores otherwise is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from rocket_server.assessments.formats.bank import Unfit
from rocket_server.assessments.formats.percentages import (
    are_equal_shares,
    marks_of,
    percentage_of,
    write_percentage,
)
from rocket_server.assessments.keys import shares, target
from rocket_server.assessments.model import SCORED, ZERO, Option, Question, TextFormat

FREE_WRONG_CHOICES: Final = (
    "wrong choices cost nothing there; here each costs its share, so that picking everything earns nothing"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as both formats have it. `part` is of the question's marks, from -1 to 1."""

    text: str
    part: Fraction
    text_format: TextFormat = "plain"
    feedback: str | None = None

    def option(self, **more: object) -> Option:
        option = Option("", self.text, text_format=self.text_format, feedback=self.feedback)
        return replace(option, **more)  # type: ignore[arg-type]


def single_choice(base: Question, answers: Sequence[Answer]) -> Question:
    """One right answer of 100 percent; wrong ones cost what their negative percentage says. Raises Unfit."""
    partly = [answer for answer in answers if 0 < answer.part < 1]
    if len(answers) < 2:
        raise Unfit("has fewer than two choices")
    if partly:
        percent = write_percentage(partly[0].part)
        raise Unfit(
            f"gives {percent}% for one of its single choices, and a single choice has no partial marks"
        )
    right = [answer for answer in answers if answer.part == 1]
    if len(right) != 1:
        raise Unfit(f"has {len(right)} right answers, and a single choice has exactly one")
    costs = {answer.part for answer in answers if answer.part != 1}
    every_same = len(costs) == 1
    negative = marks_of(-min(costs), base.marks) if every_same else ZERO
    return replace(
        base,
        kind="mcq",
        negative_marks=negative,
        options=tuple(
            answer.option(
                is_correct=answer.part == 1,
                marks=ZERO if every_same or answer.part == 1 else marks_of(answer.part, base.marks),
            )
            for answer in answers
        ),
    )


def several_choices(base: Question, answers: Sequence[Answer]) -> tuple[Question, str | None]:
    """Right answers with their parts, wrong ones with their costs; and what changed. Raises Unfit."""
    right = [answer.part for answer in answers if answer.part > 0]
    wrong = [answer.part for answer in answers if answer.part <= 0]
    if not right:
        raise Unfit("has no right answer")
    equal = are_equal_shares(right)
    if not equal and sum((marks_of(part, base.marks) for part in right), ZERO) != base.marks:
        raise Unfit(
            f"has right answers of {write_percentage(sum(right, Fraction(0)))}% together instead of 100%"
        )
    free = bool(wrong) and not any(wrong)
    usual = free or (bool(wrong) and are_equal_shares([-part for part in wrong]))
    options = tuple(
        answer.option(
            is_correct=answer.part > 0,
            marks=ZERO if (equal if answer.part > 0 else usual) else marks_of(answer.part, base.marks),
        )
        for answer in answers
    )
    question = replace(base, kind="multiple_answer", allow_partial_scoring=True, options=options)
    return question, FREE_WRONG_CHOICES if free else None


def all_or_nothing(base: Question, answers: Sequence[Answer]) -> Question:
    """Exactly the right choices, or nothing."""
    options = tuple(answer.option(is_correct=answer.part > 0) for answer in answers)
    return replace(base, kind="multiple_answer", options=options)


def true_or_false(base: Question, true: Answer, false: Answer) -> Question:
    """A claim; the options stand in this order everywhere."""
    if {true.part, false.part} != {Fraction(0), Fraction(1)}:
        raise Unfit("must give 100% for one of true and false, and 0% for the other")
    options = tuple(answer.option(is_correct=answer.part == 1) for answer in (true, false))
    return replace(base, kind="true_false", options=options)


def short_answer(
    base: Question, answers: Sequence[Answer], *, case_sensitive: bool
) -> tuple[Question, str | None]:
    """One blank with the words that it takes; and what was left out. Raises Unfit."""
    taken: dict[str, Answer] = {}
    left_out = []
    for answer in answers:
        key = answer.text if case_sensitive else answer.text.casefold()
        if answer.part <= 0 or key in taken:
            left_out.append(answer.text)
            continue
        if "*" in answer.text.replace("\\*", ""):
            raise Unfit(f"accepts {answer.text[:40]!r}, whose * stands for anything; blanks take whole words")
        taken[key] = replace(answer, text=answer.text.replace("\\*", "*"))
    if not any(answer.part == 1 for answer in taken.values()):
        raise Unfit("has no answer of 100%")
    partly = any(answer.part != 1 for answer in taken.values())
    options = tuple(
        answer.option(
            is_correct=True,
            blank_index=0,
            case_sensitive=case_sensitive,
            marks=marks_of(answer.part, base.marks) if partly else ZERO,
        )
        for answer in taken.values()
    )
    question = replace(base, kind="fill_blank", allow_partial_scoring=partly, options=options)
    return question, f"not kept: answers that earn nothing ({', '.join(left_out)})" if left_out else None


def matching(base: Question, pairs: Sequence[tuple[Answer, str]]) -> Question:
    """Items and their targets, each pair worth the same; an item without text is a target more."""
    options = tuple(item.option(match_with=match, is_correct=bool(item.text)) for item, match in pairs)
    return replace(base, kind="match", allow_partial_scoring=True, options=options)


def check_writable(question: Question) -> None:
    """What no format of Moodle's can say, for any kind. Raises Unfit."""
    if question.grading_type not in SCORED:
        raise Unfit(f"is for {question.grading_type}, which isn't scored")
    if not question.marks:
        raise Unfit("has no marks yet")
    if question.media or any(option.media or option.match_with_media for option in question.options):
        raise Unfit("links to media, which Moodle embeds as files")
    if not question.needs_review and len(question.options) < (1 if question.kind == "fill_blank" else 2):
        raise Unfit("has no options yet")
    if question.negative_marks and question.kind not in ("mcq", "dropdown"):
        raise Unfit(f"has negative marks, which Moodle has no place for in this kind: {question.kind}")


def choice_parts(question: Question) -> list[Fraction]:
    """Each option's part of the marks, as Moodle has it. Raises Unfit."""
    single = question.kind in ("mcq", "dropdown")
    right = [option for option in question.options if option.is_correct]
    wrong = [option for option in question.options if not option.is_correct]
    free = not any(option.marks for option in wrong)
    found = []
    for option in question.options:
        if option.is_correct:
            equal = single or shares(right)
            found.append(Fraction(1, len(right)) if equal else percentage_of(option.marks, question.marks))
        elif single:
            found.append(percentage_of(option.marks or -question.negative_marks, question.marks))
        else:
            found.append(Fraction(-1, len(wrong)) if free else percentage_of(option.marks, question.marks))
    return found


def blank_parts(question: Question) -> list[Fraction]:
    """Each accepted word's part. Raises Unfit."""
    if len(question.blanks) != 1:
        raise Unfit(f"has {len(question.blanks)} blanks, and a short answer of Moodle has one")
    if len({option.case_sensitive for option in question.options}) > 1:
        raise Unfit("minds letter case for some of its words only")
    if not question.allow_partial_scoring or shares(question.options):
        return [Fraction(1) for _ in question.options]
    return [percentage_of(option.marks, question.marks) for option in question.options]


def check_matching(question: Question) -> None:
    """Moodle scores pairs in equal parts, and nothing else. Raises Unfit."""
    if not question.allow_partial_scoring:
        raise Unfit("is matched all or nothing, and Moodle gives a part for each pair")
    if len({option.marks for option in question.pairs}) > 1:
        raise Unfit("has pairs with different marks, and Moodle gives all the same")
    if len({target(option) for option in question.options}) < 2:
        raise Unfit("has one target only")


def true_and_false(question: Question) -> tuple[Option, Option]:
    """The options that stand for true and for false. Raises Unfit."""
    if any(option.marks < 0 for option in question.options):
        raise Unfit("has negative marks, which Moodle has no place for in this kind: true_false")
    first, second = question.options
    return (second, first) if first.text.strip().casefold() in ("false", "f") else (first, second)
