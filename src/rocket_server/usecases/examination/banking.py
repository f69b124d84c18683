"""The bank: questions are made, changed and archived; rules say which of them a test asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rocket_server.assessments.authoring import store as authoring_store
from rocket_server.assessments.bank import store
from rocket_server.assessments.bank.store import Kept
from rocket_server.assessments.model import Question, number
from rocket_server.assessments.questions import parse_question
from rocket_server.assessments.rules import Candidate, Criteria, Rule, parse_rule
from rocket_server.assessments.selection import Chosen, choose
from rocket_server.audit.model import changed as differing
from rocket_server.audit.model import subject_of
from rocket_server.configuration.snapshot import Configuration
from rocket_server.delivery import outbox
from rocket_server.errors import Conflict, InvalidPayload, NotFound
from rocket_server.ids import uuid4, uuid7
from rocket_server.usecases.examination import authoring, told
from rocket_server.usecases.examination.assembling import candidates
from rocket_server.usecases.examination.authors import Author, note, of_test, question_made

MAX_PREVIEWED = 500  # questions that a preview shows


async def create(conn: Any, configuration: Configuration, data: Any, author: Author) -> Kept:
    """Make a question and, where the request names a test and a section, put it there. Raises InvalidPayload,
    NotFound or TestPublished."""
    question = parse_question(data, question_id=uuid7(), new_id=uuid4)
    organisation_id = configuration.organisation_id
    (kept,) = await add(conn, configuration, [question], author)
    test_id, section_id = data.get("testId"), data.get("sectionId")
    if test_id is None and section_id is None:
        return kept
    for name, value in (("testId", test_id), ("sectionId", section_id)):
        if not isinstance(value, str) or not value:
            raise InvalidPayload.field(name, "is required where the question is put into a test")
    place = {
        "questionId": kept.question_id,
        "ordering": data.get("ordering"),
        "isCompulsory": data.get("isCompulsory", False),
    }
    await authoring.add_questions(conn, organisation_id, test_id, section_id, [place], author)
    return kept


async def add(
    conn: Any, configuration: Configuration, questions: Sequence[Question], author: Author
) -> list[Kept]:
    """Keep new questions, which have their ids, and tell of them."""
    kept = await store.add(conn, configuration.organisation_id, questions, author.name)
    told_of = [("question.created", one.question) for one in kept]
    told_of += [("question.published", one.question) for one in kept if one.question.status == "published"]
    await _tell(conn, configuration, author, told_of)
    made = [question_made(one.question) for one in kept]
    await note(conn, configuration.organisation_id, author, made)
    return kept


async def update(
    conn: Any, configuration: Configuration, question_id: str, data: Any, author: Author
) -> Kept:
    """Change a question; what isn't sent stays. Papers that were published keep it as it was. Raises NotFound
    or InvalidPayload."""
    if not isinstance(data, Mapping):
        raise InvalidPayload.field("", "must be a JSON object")
    before = await locked(conn, configuration.organisation_id, question_id)
    question = changed(before.question, data)
    kept = await store.write(conn, configuration.organisation_id, question, author.name)
    told_of = [("question.updated", question)]
    if question.status == "published" and before.question.status != "published":
        told_of.append(("question.published", question))
    await _tell(conn, configuration, author, told_of)
    await _note_change(conn, configuration, author, before.question, question)
    return kept


def changed(before: Question, data: Mapping[str, Any]) -> Question:
    """A question with what `data` changes. Raises InvalidPayload."""
    merged = {**before.as_json(), **data}
    return parse_question(merged, question_id=before.id, new_id=uuid4)


async def archive(conn: Any, configuration: Configuration, question_id: str, author: Author) -> None:
    """Let no rule choose a question any more; tests that have it keep it. Raises NotFound."""
    before = await locked(conn, configuration.organisation_id, question_id)
    question = changed(before.question, {"status": "archived"})
    await store.write(conn, configuration.organisation_id, question, author.name)
    await _tell(conn, configuration, author, [("question.deleted", question)])
    await _note_change(conn, configuration, author, before.question, question)


async def _note_change(
    conn: Any, configuration: Configuration, author: Author, before: Question, after: Question
) -> None:
    subject = subject_of("question", after.id or "")
    acts = differing("question.changed", subject, before.as_json(), after.as_json())
    await note(conn, configuration.organisation_id, author, acts)


async def locked(conn: Any, organisation_id: str, question_id: str) -> Kept:
    """A question, locked. Raises NotFound."""
    kept = await store.lock(conn, organisation_id, question_id)
    if kept is None:
        raise NotFound("There is no such question.", {"field": "questionId"})
    return kept


async def add_rule(conn: Any, organisation_id: str, data: Any, author: Author) -> str:
    """Add a rule to a rule-based test that isn't published; its id. Raises InvalidPayload, NotFound,
    TestPublished or Conflict."""
    rule = parse_rule(data, rule_id=uuid7())
    await _check_place(conn, organisation_id, rule)
    await authoring_store.add_rule(conn, organisation_id, rule.id, rule.as_json(), author.name)
    made = of_test("test_rule.created", rule.test_id or "", None, {"rule_id": rule.id, **rule.as_json()})
    await note(conn, organisation_id, author, [made])
    return rule.id


async def update_rule(conn: Any, organisation_id: str, rule_id: str, data: Any, author: Author) -> None:
    """Change a rule of a test that isn't published. Raises InvalidPayload, NotFound or TestPublished."""
    if not isinstance(data, Mapping):
        raise InvalidPayload.field("", "must be a JSON object")
    before = await rule_of(conn, organisation_id, rule_id)
    rule = parse_rule({**before.as_json(), **data}, rule_id=rule_id)
    if rule.test_id != before.test_id:
        raise InvalidPayload.field("testId", "must stay: a rule belongs to one test")
    await _check_place(conn, organisation_id, rule)
    await authoring_store.write_rule(conn, organisation_id, rule_id, rule.as_json(), author.name)
    subject = subject_of("test", rule.test_id or "")
    acts = differing("test_rule.changed", subject, before.as_json(), rule.as_json())
    await note(conn, organisation_id, author, acts)


async def delete_rule(conn: Any, organisation_id: str, rule_id: str, author: Author) -> None:
    """Remove a rule of a test that isn't published. Raises NotFound or TestPublished."""
    rule = await rule_of(conn, organisation_id, rule_id)
    await authoring.changeable(conn, organisation_id, rule.test_id or "")
    await authoring_store.delete_rule(conn, organisation_id, rule_id)
    gone = of_test("test_rule.deleted", rule.test_id or "", {"rule_id": rule_id, **rule.as_json()})
    await note(conn, organisation_id, author, [gone])


async def rule_of(conn: Any, organisation_id: str, rule_id: str) -> Rule:
    """A rule. Raises NotFound."""
    kept = await authoring_store.find_rule(conn, organisation_id, rule_id)
    if kept is None:
        raise NotFound("There is no such rule.", {"field": "ruleId"})
    return parse_rule(kept.content, rule_id=rule_id)


async def preview(conn: Any, organisation_id: str, rule: Rule) -> tuple[Chosen, list[Candidate]]:
    """What a rule would choose now, and the questions of the bank that match it."""
    found = [entry.as_candidate() for entry in (await candidates(conn, organisation_id, [rule])).values()]
    (chosen,) = choose([rule], found, rule.id)
    return chosen, found


async def matching(conn: Any, organisation_id: str, criteria: Criteria) -> list[Kept]:
    """The questions that meet criteria, without a rule: the first ones of them."""
    rule = Rule("preview", "preview", 1, 1, criteria=criteria)
    found = await candidates(conn, organisation_id, [rule])
    kept = await store.find(conn, organisation_id, list(found)[:MAX_PREVIEWED])
    return [kept[question_id] for question_id in found if question_id in kept]


async def preselect(conn: Any, organisation_id: str, rule_id: str, author: Author) -> tuple[int, int]:
    """Put the pool of a preselected rule aside in its test, or what its pool lacks; how many questions were
    added, and how many stood there before. Raises NotFound, TestPublished or Conflict."""
    test_id = (await rule_of(conn, organisation_id, rule_id)).test_id or ""
    await authoring.changeable(conn, organisation_id, test_id)
    rule = await rule_of(conn, organisation_id, rule_id)  # as it is now that nobody else changes it
    if rule.mode != "PRESELECTED":
        raise Conflict("This rule chooses for each attempt anew.", {"field": "selectionMode"})
    links = await authoring_store.links(conn, organisation_id, test_id)
    there = {one.question_id for one in links}
    aside = sum(one.rule_id == rule_id for one in links)
    if aside >= rule.pool_size:
        return 0, aside
    rule = replace(rule, count=max(rule.count - aside, 0), pool_size=rule.pool_size - aside)
    found = [
        entry.as_candidate()
        for question_id, entry in (await candidates(conn, organisation_id, [rule])).items()
        if question_id not in there
    ]
    (chosen,) = choose([rule], found, rule.id, pools=True)
    if chosen.lacking:
        raise Conflict(f"The bank doesn't suffice: {chosen.why()}.", {"field": "criteria"})
    added, _, _ = await authoring.add_questions(
        conn,
        organisation_id,
        test_id,
        rule.section_id or "",
        [{"questionId": one} for one in chosen.question_ids],
        author,
        rule_id,
    )
    return len(added), aside


async def _check_place(conn: Any, organisation_id: str, rule: Rule) -> None:
    for name, value in (("testId", rule.test_id), ("sectionId", rule.section_id)):
        if value is None:
            raise InvalidPayload.field(name, "is required")
    test = await authoring.changeable(conn, organisation_id, rule.test_id or "")
    if test.definition.type != "rule_based":
        raise Conflict("Only a test of type rule_based has rules.", {"field": "testId"})
    section = await authoring.section_of(conn, organisation_id, rule.section_id or "")
    if section.test_id != test.test_id:
        raise NotFound("This test has no such section.", {"field": "sectionId"})


async def _tell(
    conn: Any, configuration: Configuration, author: Author, told_of: Sequence[tuple[str, Question]]
) -> None:
    now = datetime.now(UTC)
    messages = [
        told.message(
            uuid7(),
            event,
            author.name,
            {
                "questionId": question.id,
                "questionType": question.kind,
                "level": question.level,
                "marks": number(question.marks),
                "status": question.status,
            },
            now,
        )
        for event, question in told_of
    ]
    await outbox.enqueue(conn, configuration.organisation_id, configuration.endpoints, messages, now)
