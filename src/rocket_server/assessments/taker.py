"""What a learner sees: of a question while it is open, and of an answer once the result may be shown."""

from __future__ import annotations

from typing import Any

from rocket_server.assessments.answers import Answer, Blanks, Choice, Matches
from rocket_server.assessments.keys import target
from rocket_server.assessments.model import CHOICE, Option, Question
from rocket_server.assessments.order import shuffled
from rocket_server.assessments.scoring import accepts, right_option_ids


def for_taker(question: Question, order_seed: str | None) -> dict[str, Any]:
    """The question as it may be shown before it is scored; nothing in it tells what is right.

    Fields are listed here by name, so that a new one stays hidden until somebody decides otherwise.
    `order_seed` shuffles the options, the same way each time; without it they stand as the author put them.
    The targets of a matching question are always shuffled, since their order would give the pairs away.
    A question's name is the author's and often says too much, so it isn't shown.
    """
    writing = question.writing
    limits = {
        "minLength": writing.min_length,
        "maxLength": writing.max_length,
        "wordLimit": writing.word_limit,
    }
    shown: dict[str, Any] = {
        **question.head(),
        "alias": None,
        "description": question.description,
        "categoryId": question.category_id,
        "status": question.status,
        "params": {name: value for name, value in limits.items() if value is not None} or None,
        "options": [],
    }
    if question.kind in CHOICE:
        shown["options"] = _options(question, question.options, order_seed)
    elif question.kind == "match":
        shown["options"] = _options(question, question.pairs, order_seed)
        shown["matchWithOptions"] = _targets(question, order_seed)
    elif question.kind == "fill_blank":
        shown["blankCount"] = len(question.blanks)
    return shown


def answer_as_shown(question: Question, answer: Answer, *, with_correct: bool) -> dict[str, Any]:
    """An answer in the form of the answer sheet; `with_correct` adds what of it was right."""
    match answer:
        case Choice(picked):
            right = right_option_ids(question)
            chosen = [
                {"optionId": one, **({"isCorrect": one in right} if with_correct else {})} for one in picked
            ]
            return {"selectedOptions": chosen}
        case Blanks(texts):
            blanks = question.blanks
            return {
                "blanks": [
                    {
                        "blankIndex": index,
                        "text": text,
                        **(
                            {"isCorrect": index < len(blanks) and accepts(blanks[index], text)}
                            if with_correct
                            else {}
                        ),
                    }
                    for index, text in enumerate(texts)
                ]
            }
        case Matches(pairs):
            options = {option.id: option for option in question.pairs}
            return {
                "matches": [
                    {
                        "questionOptionId": option_id,
                        "text": options[option_id].text if option_id in options else "",
                        "matchWith": chosen,
                        **(
                            {"isCorrect": option_id in options and target(options[option_id]) == chosen}
                            if with_correct
                            else {}
                        ),
                    }
                    for option_id, chosen in pairs
                ]
            }
        case _:
            return answer.as_json()


def correct_answer(question: Question) -> dict[str, Any]:
    """The key, for whoever may see it: an answer's own form, with all words that a blank accepts.

    For a written answer these are the author's examples.
    """
    if question.kind in CHOICE:
        right = right_option_ids(question)
        return {"selectedOptionIds": [option.id for option in question.options if option.id in right]}
    if question.kind == "fill_blank":
        return {"blanks": [[word.text for word in words] for words in question.blanks]}
    if question.kind == "match":
        return {
            "matches": [{"optionId": option.id, "matchWith": target(option)} for option in question.pairs]
        }
    return {"text": [option.text for option in question.options]}


def _options(question: Question, options: tuple[Option, ...], order_seed: str | None) -> list[dict[str, Any]]:
    ordered = list(options)
    # True and False are read in this order everywhere.
    if order_seed is not None and question.kind != "true_false":
        ordered = shuffled(options, f"{order_seed}/{question.id or question.text}", lambda option: option.id)
    return [
        {
            "questionOptionId": option.id,
            "text": option.text,
            "textFormat": option.text_format,
            "media": dict(option.media) if option.media else None,
            "ordering": place,
        }
        for place, option in enumerate(ordered)
    ]


def _targets(question: Question, order_seed: str | None) -> list[dict[str, Any]]:
    """Each target once, in an order that hangs on its own text alone."""
    targets: dict[str, dict[str, str] | None] = {}
    for option in question.options:
        media = dict(option.match_with_media) if option.match_with_media else None
        targets.setdefault(target(option), media)
    seed = f"{order_seed or ''}/{question.id or question.text}/targets"
    return [
        {"matchWith": text, "matchWithMedia": targets[text]}
        for text in shuffled(targets, seed, lambda text: text)
    ]
