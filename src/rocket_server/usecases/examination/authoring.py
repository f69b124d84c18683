"""Tests are made, changed, published and withdrawn; what is published is a paper that never changes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rocket_server.assessments import publish_checks
from rocket_server.assessments.attempts import store as attempts
from rocket_server.assessments.authoring import store
from rocket_server.assessments.authoring.store import Test
from rocket_server.assessments.bank import store as bank
from rocket_server.assessments.definition import (
    MAX_TITLE,
    Definition,
    Section,
    TestStatus,
    read_section,
    read_test,
)
from rocket_server.assessments.model import number
from rocket_server.assessments.papers import Paper
from rocket_server.assessments.refusals import NotPublishable, TestInUse, TestPublished
from rocket_server.audit.model import Action, changed, subject_of
from rocket_server.configuration.snapshot import Configuration
from rocket_server.delivery import outbox
from rocket_server.errors import Conflict, FieldError, InvalidPayload, NotFound
from rocket_server.ids import uuid7
from rocket_server.usecases.examination import told
from rocket_server.usecases.examination.assembling import assemble
from rocket_server.usecases.examination.authors import Author, note, of_test, section_state, test_state

_COPY = " (Copy)"


async def create(conn: Any, configuration: Configuration, data: Any, author: Author) -> str:
    """Make a test, and publish it where that is asked for; its id. Raises InvalidPayload or
    NotPublishable."""
    definition, status = read_test(data)
    organisation_id = configuration.organisation_id
    test_id = uuid7()
    if not definition.shown["alias"]:
        alias = f"{_slug(definition.title)}-{test_id[-4:]}"
        definition = replace(definition, shown={**definition.shown, "alias": alias})
    await store.add_test(conn, organisation_id, test_id, definition, author.name)
    await _tell(conn, configuration, "test.created", author, _about(test_id, definition))
    made = of_test("test.created", test_id, None, test_state(definition))
    await note(conn, organisation_id, author, [made])
    if status is not None and status != "draft":
        await _move(conn, configuration, await _locked(conn, organisation_id, test_id), status, author)
    return test_id


async def update(conn: Any, configuration: Configuration, test_id: str, data: Any, author: Author) -> None:
    """Change what is set of a test, and where it stands. While it is published and has attempts, only what
    takers aren't held to changes, and limits grow. Raises NotFound, InvalidPayload, TestPublished or
    NotPublishable."""
    organisation_id = configuration.organisation_id
    test = await _locked(conn, organisation_id, test_id)
    definition, status = read_test(data, test.definition)
    if definition != test.definition:
        if test.status == "published" and await attempts.has_attempts(conn, organisation_id, test_id):
            _check_changes(test.definition, definition)
        await store.write_test(conn, organisation_id, test_id, definition, author.name)
        await _tell(conn, configuration, "test.updated", author, _about(test_id, definition))
        states = test_state(test.definition), test_state(definition)
        await note(
            conn, organisation_id, author, changed("test.changed", subject_of("test", test_id), *states)
        )
    wanted = replace(test, definition=definition)
    if status is not None and status != test.status:
        await _move(conn, configuration, wanted, status, author)
    elif test.status == "published" and definition != test.definition:
        await _new_paper(conn, configuration, wanted, author)


async def publish(conn: Any, configuration: Configuration, test_id: str, author: Author) -> Test:
    """Let learners take a test as it stands now. Raises NotFound, or NotPublishable with all that is
    missing."""
    test = await _locked(conn, configuration.organisation_id, test_id)
    if test.status != "published":
        await _move(conn, configuration, test, "published", author)
    return test


async def unpublish(conn: Any, configuration: Configuration, test_id: str, author: Author) -> Test:
    """Let nobody begin a test any more; who takes it now, takes it to the end. Raises NotFound or
    Conflict."""
    test = await _locked(conn, configuration.organisation_id, test_id)
    if test.status == "draft":
        raise Conflict("This test isn't published.", {"field": "testId"})
    if test.status != "unpublished":
        await _move(conn, configuration, test, "unpublished", author)
    return test


async def delete(
    conn: Any, configuration: Configuration, test_id: str, author: Author, *, wholly: bool
) -> None:
    """Archive a test that nobody has taken, or remove it wholly. Raises NotFound or TestInUse."""
    organisation_id = configuration.organisation_id
    test = await _locked(conn, organisation_id, test_id)
    if await attempts.has_attempts(conn, organisation_id, test_id):
        raise TestInUse("This test has attempts. Archive it with the status `archived` instead.")
    if wholly:
        await store.delete_test(conn, organisation_id, test_id)
    else:
        await store.set_status(conn, organisation_id, test_id, "archived", author.name)
    await _tell(conn, configuration, "test.deleted", author, _about(test_id, test.definition))
    gone = of_test("test.deleted", test_id, test_state(test.definition), {"wholly": wholly})
    await note(conn, organisation_id, author, [gone])


async def clone(conn: Any, configuration: Configuration, test_id: str, author: Author) -> str:
    """A draft with the same settings, sections, questions and rules; its id. Raises NotFound."""
    organisation_id = configuration.organisation_id
    test = await _locked(conn, organisation_id, test_id)
    sections = await store.sections(conn, organisation_id, test_id)
    links = await store.links(conn, organisation_id, test_id)
    rules = await store.rules(conn, organisation_id, test_id)
    title = test.definition.title[: MAX_TITLE - len(_COPY)] + _COPY
    alias = f"{test.definition.shown['alias'] or _slug(title)}"[: MAX_TITLE - 5] + "_copy"
    definition = replace(test.definition, title=title, shown={**test.definition.shown, "alias": alias})
    copy_id = uuid7()
    await store.add_test(conn, organisation_id, copy_id, definition, author.name)
    rule_ids: dict[str | None, str | None] = {None: None}
    for section in sections:
        section_id = uuid7()
        await store.add_section(conn, organisation_id, section_id, copy_id, section.section, author.name)
        for rule in (one for one in rules if one.section_id == section.section_id):
            rule_ids[rule.rule_id] = new_id = uuid7()
            content = {**rule.content, "ruleId": new_id, "testId": copy_id, "sectionId": section_id}
            await store.add_rule(conn, organisation_id, new_id, content, author.name)
        there = [one for one in links if one.section_id == section.section_id]
        for rule_id in dict.fromkeys(one.rule_id for one in there):
            new = [
                store.NewLink(one.question_id, uuid7(), one.ordering, one.is_compulsory)
                for one in there
                if one.rule_id == rule_id
            ]
            await store.add_links(conn, organisation_id, copy_id, section_id, new, rule_ids[rule_id])
    await _tell(conn, configuration, "test.created", author, _about(copy_id, definition))
    made = of_test("test.created", copy_id, {"copy_of": test_id}, test_state(definition))
    await note(conn, organisation_id, author, [made])
    return copy_id


async def add_section(conn: Any, organisation_id: str, data: Any, author: Author) -> str:
    """Add a section to a test that isn't published; its id. Raises InvalidPayload, NotFound or
    TestPublished."""
    section = read_section(data)
    test = await changeable(conn, organisation_id, _id_in(data, "testId"))
    if len(await store.sections(conn, organisation_id, test.test_id)) >= store.MAX_SECTIONS:
        raise Conflict(f"A test has at most {store.MAX_SECTIONS} sections.", {"field": "testId"})
    section_id = uuid7()
    await store.add_section(conn, organisation_id, section_id, test.test_id, section, author.name)
    made = of_test("section.created", test.test_id, None, section_state(section_id, section))
    await note(conn, organisation_id, author, [made])
    return section_id


async def update_section(conn: Any, organisation_id: str, section_id: str, data: Any, author: Author) -> None:
    """Change a section of a test that isn't published. Raises InvalidPayload, NotFound or TestPublished."""
    kept = await section_of(conn, organisation_id, section_id)
    section: Section = read_section(data, kept.section)
    if isinstance(data, Mapping) and data.get("testId") not in (None, kept.test_id):
        raise InvalidPayload.field("testId", "must stay: a section belongs to one test")
    await changeable(conn, organisation_id, kept.test_id)
    await store.write_section(conn, organisation_id, section_id, section, author.name)
    subject = subject_of("test", kept.test_id)
    states = section_state(section_id, kept.section), section_state(section_id, section)
    await note(conn, organisation_id, author, changed("section.changed", subject, *states))


async def delete_section(conn: Any, organisation_id: str, section_id: str, author: Author) -> None:
    """Remove a section of a test that isn't published and has no attempts. Raises NotFound or Conflict."""
    kept = await section_of(conn, organisation_id, section_id)
    await changeable(conn, organisation_id, kept.test_id)
    if await attempts.has_attempts(conn, organisation_id, kept.test_id):
        raise TestInUse("This section's test has attempts. Set the section's status to `inactive` instead.")
    await store.delete_section(conn, organisation_id, section_id)
    gone = of_test("section.deleted", kept.test_id, section_state(section_id, kept.section))
    await note(conn, organisation_id, author, [gone])


async def section_of(conn: Any, organisation_id: str, section_id: str) -> store.KeptSection:
    """A section. Raises NotFound."""
    kept = await store.find_section(conn, organisation_id, section_id)
    if kept is None:
        raise NotFound("There is no such section.", {"field": "sectionId"})
    return kept


async def changeable(conn: Any, organisation_id: str, test_id: str) -> Test:
    """A test whose parts may be changed, locked. Raises NotFound or TestPublished."""
    test = await _locked(conn, organisation_id, test_id)
    if test.status == "published":
        raise TestPublished("This test is published. Unpublish it, change it, and publish it again.")
    return test


async def add_questions(
    conn: Any,
    organisation_id: str,
    test_id: str,
    section_id: str,
    questions: Sequence[Mapping[str, Any]],
    author: Author,
    rule_id: str | None = None,
) -> tuple[set[str], list[str], list[str]]:
    """Put questions of the bank into a section: which were added, which stood there before, and which nobody
    knows. Raises NotFound, TestPublished or Conflict."""
    test = await changeable(conn, organisation_id, test_id)
    section = await section_of(conn, organisation_id, section_id)
    if section.test_id != test.test_id:
        raise NotFound("This test has no such section.", {"field": "sectionId"})
    there = await store.links(conn, organisation_id, test_id)
    if rule_id is not None:
        rule = await store.find_rule(conn, organisation_id, rule_id)
        if rule is None or (rule.test_id, rule.section_id) != (test_id, section_id):
            raise NotFound("This section has no such rule.", {"field": "ruleId"})
        most = int(rule.content["poolSize"])
        if sum(one.rule_id == rule_id for one in there) + len(questions) > most:
            raise Conflict(f"The pool of this rule has {most} questions.", {"field": "ruleId"})
    if len(there) + len(questions) > store.MAX_QUESTIONS:
        raise Conflict(f"A test has at most {store.MAX_QUESTIONS} questions.", {"field": "questions"})
    wanted = {one["questionId"]: one for one in questions}
    known = await bank.find(conn, organisation_id, wanted)
    unknown = [one for one in wanted if one not in known]
    last = max((one.ordering for one in there if one.section_id == section_id), default=0)
    new = []
    for question_id, one in wanted.items():
        if question_id in known:
            last = last + 1 if one.get("ordering") is None else int(one["ordering"])
            new.append(store.NewLink(question_id, uuid7(), last, bool(one.get("isCompulsory"))))
    added = await store.add_links(conn, organisation_id, test_id, section_id, new, rule_id) if new else set()
    if added:
        after = {"section_id": section_id, "added": len(added), "questions": sorted(added)}
        await note(conn, organisation_id, author, [of_test("test.questions_added", test_id, None, after)])
    return added, [one.question_id for one in new if one.question_id not in added], unknown


async def remove_question(
    conn: Any, organisation_id: str, test_id: str, question_id: str, author: Author
) -> None:
    """Take a question out of a test. Raises NotFound or TestPublished."""
    await changeable(conn, organisation_id, test_id)
    if not await store.remove_link(conn, organisation_id, test_id, question_id):
        raise NotFound("This test has no such question.", {"field": "questionId"})
    gone = of_test("test.question_removed", test_id, {"question": question_id})
    await note(conn, organisation_id, author, [gone])


async def arrange(
    conn: Any,
    organisation_id: str,
    test_id: str,
    sections: Mapping[str, int],
    questions: Sequence[tuple[str, str, int]],
    author: Author,
) -> None:
    """Order the sections of a test and the questions in them; what isn't named stays where it is. Raises
    NotFound or TestPublished."""
    await changeable(conn, organisation_id, test_id)
    before = await _order(conn, organisation_id, test_id)
    there, linked = before["sections"], before["questions"]
    for section_id in {*sections, *(section_id for _, section_id, _ in questions)}:
        if section_id not in there:
            raise NotFound("This test has no such section.", {"field": "sectionId", "sectionId": section_id})
    for question_id, _, _ in questions:
        if question_id not in linked:
            raise NotFound(
                "This test has no such question.", {"field": "questionId", "questionId": question_id}
            )
    await store.place(conn, organisation_id, test_id, sections, questions)
    after = await _order(conn, organisation_id, test_id)
    acts = changed("test.arranged", subject_of("test", test_id), before, after)
    await note(conn, organisation_id, author, acts)


async def _order(conn: Any, organisation_id: str, test_id: str) -> dict[str, Any]:
    """Where sections and questions stand."""
    sections = await store.sections(conn, organisation_id, test_id)
    links = await store.links(conn, organisation_id, test_id)
    return {
        "sections": {one.section_id: one.section.ordering for one in sections},
        "questions": {one.question_id: [one.section_id, one.ordering] for one in links},
    }


async def _locked(conn: Any, organisation_id: str, test_id: str) -> Test:
    test = await store.lock_test(conn, organisation_id, test_id)
    if test is None:
        raise NotFound("There is no such test.", {"field": "testId"})
    return test


async def _move(
    conn: Any, configuration: Configuration, test: Test, status: TestStatus, author: Author
) -> None:
    """Change where a test stands."""
    organisation_id = configuration.organisation_id
    if status == "published":
        paper = await _new_paper(conn, configuration, test, author)
        counted = sum(1 for one in paper.entries.values() if one.is_fixed)
        counted += sum(rule.count for rule in paper.rules if rule.is_active)
        data = _about(test.test_id, test.definition) | {
            "totalMarks": number(test.definition.total_marks),
            "questionCount": counted,
        }
        await _tell(conn, configuration, "test.published", author, data)
        after = {"paper_id": paper.paper_id, "questions": counted}
        act = of_test("test.published", test.test_id, {"status": test.status}, after)
        await note(conn, organisation_id, author, [act])
        return
    if status == "draft" and await attempts.has_attempts(conn, organisation_id, test.test_id):
        raise TestInUse("This test has attempts, so it is no draft any more. Unpublish it instead.")
    await store.set_status(conn, organisation_id, test.test_id, status, author.name)
    if test.status == "published":
        await _tell(conn, configuration, "test.unpublished", author, _about(test.test_id, test.definition))
    if status == "archived":
        await _tell(conn, configuration, "test.deleted", author, _about(test.test_id, test.definition))
    action: Action = "test.unpublished" if test.status == "published" else "test.moved"
    act = of_test(action, test.test_id, {"status": test.status}, {"status": status})
    await note(conn, organisation_id, author, [act])


async def _new_paper(conn: Any, configuration: Configuration, test: Test, author: Author) -> Paper:
    """What is taken from now on: everything that stands in the test now."""
    organisation_id = configuration.organisation_id
    now = datetime.now(UTC)
    paper, findings = await assemble(conn, organisation_id, test, now)
    blocking = [FieldError(one.path, one.message) for one in findings if one.blocking]
    if blocking:
        raise NotPublishable.because(blocking)
    await store.add_paper(conn, organisation_id, paper.paper_id, test.test_id, paper.as_json(), author.name)
    await store.set_status(conn, organisation_id, test.test_id, "published", author.name, paper.paper_id)
    return paper


def _check_changes(before: Definition, after: Definition) -> None:
    faults = publish_checks.refused_changes(before.sets(), after.sets(), 1)
    if faults:
        raise TestPublished(
            "Learners have attempts of this test, which is published. Unpublish it to change this: "
            + "; ".join(f"{fault.path} {fault.message}" for fault in faults),
            {"errors": [fault.as_dict() for fault in faults]},
        )


def _about(test_id: str, definition: Definition) -> dict[str, Any]:
    return {"testId": test_id, "testTitle": definition.title, "testType": definition.type}


def _slug(title: str) -> str:
    """What stands for a title in an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:100] or "test"


def _id_in(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(value, str) or not value:
        raise InvalidPayload.field(name, "is required")
    return value


async def _tell(
    conn: Any, configuration: Configuration, event: str, author: Author, data: Mapping[str, Any]
) -> None:
    now = datetime.now(UTC)
    message = told.message(uuid7(), event, author.name, data, now)
    await outbox.enqueue(conn, configuration.organisation_id, configuration.endpoints, [message], now)
