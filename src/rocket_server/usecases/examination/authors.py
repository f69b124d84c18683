"""Who changes tests and questions, and what the audit log says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rocket_server.assessments.definition import Definition, Section
from rocket_server.assessments.model import Question, number
from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Action, Actor, subject_of


@dataclass(frozen=True, slots=True)
class Author:
    """The key that acts, and by what name a change is kept: that of the person for whom a platform calls, or
    else the key's. The audit log has the key alone: the person may be a learner elsewhere."""

    actor: Actor
    name: str


async def note(conn: Any, organisation_id: str, author: Author, acts: Sequence[Act]) -> None:
    """Write down what an author did."""
    await audit.add(conn, organisation_id, author.actor, acts)


def of_test(
    action: Action,
    test_id: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Act:
    """An act about a test or its parts."""
    return Act(action, subject_of("test", test_id), before, after)


def test_state(definition: Definition) -> dict[str, Any]:
    """What is set of a test."""
    return {**definition.sets(), **definition.as_json()}


def section_state(section_id: str, section: Section) -> dict[str, Any]:
    """What is set of a section."""
    return {"section_id": section_id, **asdict(section)}


def question_made(question: Question) -> Act:
    """A new question, in few words: banks come in files of thousands."""
    after = {
        "kind": question.kind,
        "level": question.level,
        "marks": number(question.marks),
        "status": question.status,
    }
    return Act("question.created", subject_of("question", question.id or ""), None, after)
