"""Rules that choose a test's questions: how they are written, and which questions they match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, get_args

from rocket_server.assessments.fields import MAX_ID, Fields
from rocket_server.assessments.model import KINDS, LEVELS, ZERO, Kind, Level, number
from rocket_server.assessments.questions import MARKS_PLACES, MAX_MARKS, MAX_SHORT, MAX_TEXT
from rocket_server.conditions.reading import Problems
from rocket_server.errors import InvalidPayload

RuleType = Literal["category_based", "difficulty_based", "type_based", "mixed"]
Strategy = Literal["random", "sequential", "weighted"]
Mode = Literal["DYNAMIC", "PRESELECTED"]
RULE_TYPES: Final[tuple[RuleType, ...]] = get_args(RuleType)
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

MAX_QUESTIONS: Final = 500  # of one rule, and of one test
MAX_POOL: Final = 10_000
_MAX_LISTED: Final = 1_000
_CRITERIA: Final = (
    "categories", "difficultyLevels", "questionTypes", "marks", "includeQuestionIds", "excludeQuestionIds",
)  # fmt: skip
_FIELDS: Final = (
    "ruleId", "name", "description", "ruleType", "testId", "sectionId", "numberOfQuestions", "poolSize",
    "minMarks", "maxMarks", "selectionStrategy", "criteria", "selectionMode", "isActive", "priority",
)  # fmt: skip
_SHOWN_ONLY: Final = ("tenantId", "organisationId", "createdBy", "createdAt", "updatedBy", "updatedAt")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A published question, as far as rules ask. `times_used` is in how many tests it stands."""

    id: str
    kind: Kind
    level: Level
    marks: Decimal
    category_id: str | None = None
    times_used: int = 0


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a question must be. An empty list asks nothing."""

    categories: frozenset[str] = frozenset()
    levels: frozenset[Level] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    marks: frozenset[Decimal] = frozenset()
    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Chooses `count` questions: for each attempt anew from all that match (`DYNAMIC`), or from `pool_size`
    of them that were chosen when the test was published (`PRESELECTED`)."""

    id: str
    name: str
    count: int
    pool_size: int
    rule_type: RuleType = "mixed"
    section_id: str | None = None
    test_id: str | None = None
    description: str | None = None
    strategy: Strategy = "random"
    mode: Mode = "DYNAMIC"
    criteria: Criteria = Criteria()
    min_marks: Decimal | None = None
    max_marks: Decimal | None = None
    priority: int = 0
    is_active: bool = True

    def as_json(self) -> dict[str, Any]:
        """The rule as it is answered and stored; `parse_rule` reads it."""
        return {
            "ruleId": self.id,
            "name": self.name,
            "description": self.description,
            "ruleType": self.rule_type,
            "testId": self.test_id,
            "sectionId": self.section_id,
            "numberOfQuestions": self.count,
            "poolSize": self.pool_size,
            "minMarks": None if self.min_marks is None else number(self.min_marks),
            "maxMarks": None if self.max_marks is None else number(self.max_marks),
            "selectionStrategy": self.strategy,
            "criteria": _criteria_json(self.criteria),
            "selectionMode": self.mode,
            "isActive": self.is_active,
            "priority": self.priority,
        }


def parse_rule(data: Any, *, rule_id: str) -> Rule:
    """The rule in `data`, in the spelling of the API. Raises InvalidPayload."""
    problems = Problems()
    if not isinstance(data, Mapping):
        raise InvalidPayload.field("", "must be a rule: an object with name, ruleType and numberOfQuestions")
    fields = Fields(data, "", problems)
    fields.refuse_unknown((*_FIELDS, *_SHOWN_ONLY))
    count = _required(fields, "numberOfQuestions", MAX_QUESTIONS)
    pool_size = _required(fields, "poolSize", MAX_POOL)
    if count and pool_size and pool_size < count:
        fields.fault("poolSize", f"must be at least numberOfQuestions, which is {count}")
    least = fields.decimal("minMarks", ZERO, MAX_MARKS, MARKS_PLACES)
    most = fields.decimal("maxMarks", ZERO, MAX_MARKS, MARKS_PLACES)
    if least is not None and most is not None and least > most:
        fields.fault("minMarks", "must be at most maxMarks")
    wanted = fields.object("criteria")
    rule = Rule(
        id=rule_id,
        name=fields.text("name", MAX_SHORT, required=True) or "",
        count=count,
        pool_size=pool_size,
        rule_type=fields.one_of("ruleType", RULE_TYPES) or "mixed",
        section_id=fields.identifier("sectionId"),
        test_id=fields.identifier("testId"),
        description=fields.text("description", MAX_TEXT),
        strategy=fields.one_of("selectionStrategy", STRATEGIES, "random") or "random",
        mode=fields.one_of("selectionMode", MODES, "DYNAMIC") or "DYNAMIC",
        criteria=read_criteria(wanted) if wanted else Criteria(),
        min_marks=least,
        max_marks=most,
        priority=fields.whole("priority", 0, 1_000) or 0,
        is_active=fields.flag("isActive", True),
    )
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    return rule


def parse_criteria(data: Any) -> Criteria:
    """What a preview without a rule asks for. Raises InvalidPayload."""
    if not isinstance(data, Mapping):
        raise InvalidPayload.field("", "must be an object")
    problems = Problems()
    criteria = read_criteria(Fields(data, "", problems))
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    return criteria


def read_criteria(fields: Fields) -> Criteria:
    """What questions must be; faults go to the fields' problems."""
    fields.refuse_unknown(_CRITERIA)
    return Criteria(
        frozenset(_words(fields, "categories")),
        frozenset(_words(fields, "difficultyLevels", LEVELS)),  # type: ignore[arg-type]
        frozenset(_words(fields, "questionTypes", KINDS)),  # type: ignore[arg-type]
        _marks(fields),
        frozenset(_words(fields, "includeQuestionIds")),
        frozenset(_words(fields, "excludeQuestionIds")),
    )


def reasons(rule: Rule, candidate: Candidate) -> list[str]:
    """The names of all criteria that the question doesn't meet; none where it matches."""
    wanted = rule.criteria
    found = []
    if wanted.categories and candidate.category_id not in wanted.categories:
        found.append("categories")
    if wanted.levels and candidate.level not in wanted.levels:
        found.append("difficultyLevels")
    if wanted.kinds and candidate.kind not in wanted.kinds:
        found.append("questionTypes")
    if wanted.marks and candidate.marks not in wanted.marks:
        found.append("marks")
    if rule.min_marks is not None and candidate.marks < rule.min_marks:
        found.append("minMarks")
    if rule.max_marks is not None and candidate.marks > rule.max_marks:
        found.append("maxMarks")
    if wanted.include and candidate.id not in wanted.include:
        found.append("includeQuestionIds")
    if candidate.id in wanted.exclude:
        found.append("excludeQuestionIds")
    return found


def _required(fields: Fields, name: str, most: int) -> int:
    if fields.data.get(name) is None:
        fields.fault(name, "is required")
    return fields.whole(name, 1, most) or 0


def _words(fields: Fields, name: str, known: tuple[str, ...] | None = None) -> list[str]:
    values = fields.data.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or len(values) > _MAX_LISTED:
        fields.fault(name, f"must be a list of at most {_MAX_LISTED} strings")
        return []
    for index, value in enumerate(values):
        if not isinstance(value, str) or not value or len(value) > MAX_ID:
            fields.fault(f"{name}[{index}]", f"must be a string of 1 to {MAX_ID} characters")
        elif known is not None and value not in known:
            fields.fault(f"{name}[{index}]", f"must be one of {', '.join(known)}")
    return [value for value in values if isinstance(value, str)]


def _marks(fields: Fields) -> frozenset[Decimal]:
    values = fields.data.get("marks")
    if values is None:
        return frozenset()
    if not isinstance(values, list) or len(values) > _MAX_LISTED:
        fields.fault("marks", f"must be a list of at most {_MAX_LISTED} numbers")
        return frozenset()
    listed = {f"marks[{index}]": value for index, value in enumerate(values)}
    entries = Fields(listed, fields.path, fields.problems)
    found = (entries.decimal(name, ZERO, MAX_MARKS, MARKS_PLACES) for name in listed)
    return frozenset(marks for marks in found if marks is not None)


def _criteria_json(criteria: Criteria) -> dict[str, Any]:
    lists: dict[str, list[Any]] = {
        "categories": sorted(criteria.categories),
        "difficultyLevels": [level for level in LEVELS if level in criteria.levels],
        "questionTypes": [kind for kind in KINDS if kind in criteria.kinds],
        "marks": [number(marks) for marks in sorted(criteria.marks)],
        "includeQuestionIds": sorted(criteria.include),
        "excludeQuestionIds": sorted(criteria.exclude),
    }
    return {name: values for name, values in lists.items() if values}
