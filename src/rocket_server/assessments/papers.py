"""A published test as its takers have it: it never changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from rocket_server.assessments.answers import stored_answer, too_short
from rocket_server.assessments.grading import Outcome, outcome
from rocket_server.assessments.model import SCORED, ZERO, GradingType, Question
from rocket_server.assessments.order import shuffled
from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.rules import Candidate, Rule, parse_rule
from rocket_server.assessments.scoring import Score, score_answer
from rocket_server.assessments.selection import choose, draw


@dataclass(frozen=True, slots=True)
class Entry:
    """A question of a paper: in a section, in the pool of a rule, or, with neither, in the pool from which
    the dynamic rules choose."""

    question: Question
    section_id: str | None = None
    is_compulsory: bool = False
    rule_id: str | None = None
    times_used: int = 0

    @property
    def is_fixed(self) -> bool:
        """Whether each attempt has it."""
        return self.section_id is not None and self.rule_id is None

    def as_candidate(self) -> Candidate:
        question = self.question
        return Candidate(
            question.id or "",
            question.kind,
            question.level,
            question.marks,
            question.category_id,
            self.times_used,
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "question": self.question.as_json(),
            "sectionId": self.section_id,
            "isCompulsory": self.is_compulsory,
            "ruleId": self.rule_id,
            "timesUsed": self.times_used,
        }


@dataclass(frozen=True, slots=True)
class Paper:
    """What an attempt is held to, from its start to its result. `entries` are by question, in their order;
    `rules` choose among those that aren't fixed."""

    paper_id: str
    test_id: str
    title: str
    grading_type: GradingType
    time_limit_min: int | None
    total_marks: Decimal
    passing_marks: Decimal
    questions_shuffle: bool
    answers_shuffle: bool
    allow_resubmission: bool
    section_ids: tuple[str, ...]
    entries: Mapping[str, Entry]
    rules: tuple[Rule, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is stored; `read_paper` reads it."""
        return {
            "title": self.title,
            "gradingType": self.grading_type,
            "timeDuration": self.time_limit_min,
            "totalMarks": str(self.total_marks),
            "passingMarks": str(self.passing_marks),
            "questionsShuffle": self.questions_shuffle,
            "answersShuffle": self.answers_shuffle,
            "allowResubmission": self.allow_resubmission,
            "sections": list(self.section_ids),
            "questions": [entry.as_json() for entry in self.entries.values()],
            "rules": [rule.as_json() for rule in self.rules],
        }

    def question(self, question_id: str) -> Question:
        """A question of the paper. Raises KeyError for another."""
        return self.entries[question_id].question

    def options_seed(self, attempt_id: str) -> str | None:
        """What orders the options of an attempt's questions; None leaves them as the author put them."""
        return attempt_id if self.answers_shuffle else None

    def draw(self, attempt_id: str) -> list[str]:
        """The questions of an attempt in its order: the same each time, and section by section."""
        chosen = self._chosen(attempt_id)
        drawn: list[str] = []
        for section_id in self.section_ids:
            there = [
                question_id
                for question_id, entry in self.entries.items()
                if entry.is_fixed and entry.section_id == section_id
            ]
            there += chosen.get(section_id, [])
            drawn += shuffled(there, attempt_id, str) if self.questions_shuffle else there
        return drawn

    def _chosen(self, seed: str) -> dict[str, list[str]]:
        """What the rules choose for one attempt, by section."""
        found: dict[str, list[str]] = {}
        if not self.rules:
            return found
        dynamic = [rule for rule in self.rules if rule.mode == "DYNAMIC"]
        pool = [entry.as_candidate() for entry in self.entries.values() if entry.section_id is None]
        for each in choose(dynamic, pool, seed):
            found.setdefault(each.rule.section_id or "", []).extend(each.question_ids)
        for rule in self.rules:
            if rule.mode == "PRESELECTED" and rule.is_active:
                kept = [one for one, entry in self.entries.items() if entry.rule_id == rule.id]
                found.setdefault(rule.section_id or "", []).extend(draw(rule, kept, seed))
        return found

    def score(
        self, question_ids: Iterable[str], answers: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Score]:
        """What stored answers to an attempt's questions earn by the key; those that await a person are
        open."""
        if self.grading_type not in SCORED:  # nothing is right or wrong, whatever its questions say elsewhere
            return dict.fromkeys(question_ids, Score(ZERO, None))
        scores: dict[str, Score] = {}
        for question_id in question_ids:
            question = self.question(question_id)
            given = answers.get(question_id)
            answer = None if given is None else stored_answer(question.kind, given)
            scores[question_id] = score_answer(question, answer)
        return scores

    def outcome(self, scores: Iterable[Score], *, reviewed: bool = False) -> Outcome:
        """What an attempt comes to."""
        return outcome(
            scores,
            passing_marks=self.passing_marks,
            grading_type=self.grading_type,
            reviewed=reviewed,
        )

    def unanswered(self, question_ids: Iterable[str], answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """The compulsory questions of an attempt that have no answer."""
        return [
            question_id
            for question_id in question_ids
            if self.entries[question_id].is_compulsory
            and stored_answer(self.question(question_id).kind, answers.get(question_id)).is_empty
        ]

    def too_short(self, question_ids: Iterable[str], answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """The questions of an attempt whose written answer was begun and is too short to be handed in."""
        return [
            question_id
            for question_id in question_ids
            if too_short(
                question := self.question(question_id),
                stored_answer(question.kind, answers.get(question_id)),
            )
        ]

    def corrected(self, paper_id: str, question: Question) -> Paper:
        """The paper that takes the place of this one, with another version of one of its questions."""
        assert question.id is not None
        entries = dict(self.entries)
        entries[question.id] = replace(entries[question.id], question=question)
        return replace(self, paper_id=paper_id, entries=entries)


def read_paper(paper_id: str, test_id: str, content: Mapping[str, Any]) -> Paper:
    """A paper as it is stored."""
    entries: dict[str, Entry] = {}
    for one in content["questions"]:
        question = parse_question(one["question"])
        assert question.id is not None
        entries[question.id] = Entry(
            question, one["sectionId"], one["isCompulsory"], one["ruleId"], one["timesUsed"]
        )
    return Paper(
        paper_id,
        test_id,
        content["title"],
        content["gradingType"],
        content["timeDuration"],
        Decimal(content["totalMarks"]),
        Decimal(content["passingMarks"]),
        content["questionsShuffle"],
        content["answersShuffle"],
        content["allowResubmission"],
        tuple(content["sections"]),
        entries,
        tuple(parse_rule(rule, rule_id=rule["ruleId"]) for rule in content["rules"]),
    )


def in_order(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Entries by the id of their question."""
    return {entry.question.id: entry for entry in entries if entry.question.id is not None}
