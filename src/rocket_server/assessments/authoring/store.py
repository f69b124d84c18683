"""Tests, sections, questions in them, rules and papers in the database. Who changes any of it has locked the
test."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rocket_server.assessments.definition import Definition, Section, TestStatus, stored_test
from rocket_server.db.queries import load

SQL = load(__file__, "store.sql")

MAX_SECTIONS = 100  # of one test
MAX_RULES = 200
MAX_QUESTIONS = 2_000


@dataclass(frozen=True, slots=True)
class Test:
    """A test of an author's. `is_objective` where none of its questions waits for a person."""

    test_id: str
    definition: Definition
    status: TestStatus
    paper_id: str | None
    created_by: str
    created_at: datetime
    updated_by: str | None
    updated_at: datetime
    is_objective: bool


@dataclass(frozen=True, slots=True)
class KeptSection:
    """A section of a test."""

    section_id: str
    test_id: str
    section: Section
    created_by: str
    created_at: datetime
    updated_by: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A question in a section of a test; with `rule_id` one of those that a rule may choose."""

    test_question_id: str
    test_id: str
    question_id: str
    section_id: str
    ordering: int
    is_compulsory: bool
    rule_id: str | None


@dataclass(frozen=True, slots=True)
class NewLink:
    """A question to be put into a test."""

    question_id: str
    test_question_id: str
    ordering: int
    is_compulsory: bool


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule of a test, in the spelling of the API."""

    rule_id: str
    test_id: str
    section_id: str
    content: dict[str, Any]
    created_by: str
    created_at: datetime
    updated_by: str | None
    updated_at: datetime


async def add_test(
    conn: Any, organisation_id: str, test_id: str, definition: Definition, author: str
) -> None:
    """Keep a new test, a draft."""
    await conn.execute(SQL["add_test"], organisation_id, test_id, *_test_columns(definition), author)


async def write_test(
    conn: Any, organisation_id: str, test_id: str, definition: Definition, author: str
) -> None:
    """Keep a locked test as it is set now."""
    await conn.execute(SQL["write_test"], organisation_id, test_id, *_test_columns(definition), author)


def _test_columns(definition: Definition) -> tuple[Any, ...]:
    """What the table has of a definition beside the whole, in the order of both statements."""
    return (
        definition.type,
        definition.title,
        definition.attempts,
        definition.starts_at,
        definition.ends_at,
        definition.as_json(),
    )


async def set_status(
    conn: Any,
    organisation_id: str,
    test_id: str,
    status: TestStatus,
    author: str,
    paper_id: str | None = None,
) -> None:
    """Say where a locked test stands, and which paper is taken."""
    await conn.execute(SQL["set_status"], organisation_id, test_id, status, paper_id, author)


async def delete_test(conn: Any, organisation_id: str, test_id: str) -> None:
    """Remove a test that nobody has taken."""
    await conn.execute(SQL["delete_test"], organisation_id, test_id)


async def find_test(conn: Any, organisation_id: str, test_id: str) -> Test | None:
    """A test that wasn't archived."""
    row = await conn.fetchrow(SQL["find_test"], organisation_id, test_id)
    return None if row is None else _test(row)


async def lock_test(conn: Any, organisation_id: str, test_id: str) -> Test | None:
    """A test that wasn't archived, locked until the transaction ends. `is_objective` isn't known of it."""
    row = await conn.fetchrow(SQL["lock_test"], organisation_id, test_id)
    return None if row is None else _test(row)


async def page_tests(
    conn: Any,
    organisation_id: str,
    wanted: tuple[str | None, str | None, str | None],
    limit: int,
    offset: int = 0,
) -> tuple[list[Test], int]:
    """Tests by status, type and text of the title, the latest first; and how many there are in all."""
    rows = await conn.fetch(SQL["page_tests"], organisation_id, *wanted, limit, offset)
    return [_test(row) for row in rows], await conn.fetchval(SQL["count_tests"], organisation_id, *wanted)


async def add_section(
    conn: Any, organisation_id: str, section_id: str, test_id: str, section: Section, author: str
) -> None:
    """Keep a new section."""
    await conn.execute(SQL["add_section"], organisation_id, section_id, test_id, *_columns(section), author)


async def write_section(
    conn: Any, organisation_id: str, section_id: str, section: Section, author: str
) -> None:
    """Keep a section as it is set now."""
    await conn.execute(SQL["write_section"], organisation_id, section_id, *_columns(section), author)


async def delete_section(conn: Any, organisation_id: str, section_id: str) -> None:
    """Remove a section; its questions stay in the bank."""
    await conn.execute(SQL["delete_section"], organisation_id, section_id)


async def sections(conn: Any, organisation_id: str, test_id: str) -> list[KeptSection]:
    """The sections of a test, in their order."""
    rows = await conn.fetch(SQL["sections"], organisation_id, test_id, None)
    return [_section(row) for row in rows]


async def find_section(conn: Any, organisation_id: str, section_id: str) -> KeptSection | None:
    """One section."""
    rows = await conn.fetch(SQL["sections"], organisation_id, None, section_id)
    return _section(rows[0]) if rows else None


async def add_links(
    conn: Any,
    organisation_id: str,
    test_id: str,
    section_id: str,
    links: Sequence[NewLink],
    rule_id: str | None = None,
) -> set[str]:
    """Put questions into a section; which of them weren't in the test before."""
    rows = await conn.fetch(
        SQL["add_links"],
        organisation_id,
        test_id,
        section_id,
        [one.question_id for one in links],
        [one.test_question_id for one in links],
        [one.ordering for one in links],
        [one.is_compulsory for one in links],
        rule_id,
    )
    return {row["question_id"] for row in rows}


async def links(conn: Any, organisation_id: str, test_id: str) -> list[Link]:
    """The questions of a test, in the order of their sections and their own."""
    return [Link(**dict(row)) for row in await conn.fetch(SQL["links"], organisation_id, test_id)]


async def remove_link(conn: Any, organisation_id: str, test_id: str, question_id: str) -> bool:
    """Take a question out of a test; whether it was in it."""
    return await conn.fetchval(SQL["remove_link"], organisation_id, test_id, question_id) is not None


async def place(
    conn: Any,
    organisation_id: str,
    test_id: str,
    of_sections: Mapping[str, int],
    of_links: Sequence[tuple[str, str, int]],
) -> None:
    """Order sections, and questions in them: question, section, place."""
    await conn.execute(
        SQL["place_sections"], organisation_id, test_id, list(of_sections), list(of_sections.values())
    )
    await conn.execute(
        SQL["place_links"],
        organisation_id,
        test_id,
        [question_id for question_id, _, _ in of_links],
        [section_id for _, section_id, _ in of_links],
        [ordering for _, _, ordering in of_links],
    )


async def add_rule(
    conn: Any, organisation_id: str, rule_id: str, content: Mapping[str, Any], author: str
) -> None:
    """Keep a new rule."""
    await conn.execute(
        SQL["add_rule"],
        organisation_id,
        rule_id,
        content["testId"],
        content["sectionId"],
        content["priority"],
        content["isActive"],
        content,
        author,
    )


async def write_rule(
    conn: Any, organisation_id: str, rule_id: str, content: Mapping[str, Any], author: str
) -> None:
    """Keep a rule as it is now."""
    await conn.execute(
        SQL["write_rule"],
        organisation_id,
        rule_id,
        content["priority"],
        content["isActive"],
        content,
        content["sectionId"],
        author,
    )


async def delete_rule(conn: Any, organisation_id: str, rule_id: str) -> None:
    """Remove a rule."""
    await conn.execute(SQL["delete_rule"], organisation_id, rule_id)


async def rules(
    conn: Any, organisation_id: str, test_id: str | None = None, limit: int = MAX_RULES
) -> list[KeptRule]:
    """Rules, a test's where one is named; the most important first."""
    rows = await conn.fetch(SQL["rules"], organisation_id, test_id, None, limit)
    return [_rule(row) for row in rows]


async def find_rule(conn: Any, organisation_id: str, rule_id: str) -> KeptRule | None:
    """One rule."""
    rows = await conn.fetch(SQL["rules"], organisation_id, None, rule_id, 1)
    return _rule(rows[0]) if rows else None


async def uses(conn: Any, organisation_id: str, question_id: str, limit: int) -> list[dict[str, Any]]:
    """The tests that have a question, published ones first."""
    return [dict(row) for row in await conn.fetch(SQL["uses"], organisation_id, question_id, limit)]


async def add_paper(
    conn: Any,
    organisation_id: str,
    paper_id: str,
    test_id: str,
    content: Mapping[str, Any],
    author: str,
    corrects: str | None = None,
) -> None:
    """Keep what is published of a locked test, or what takes the place of a paper."""
    await conn.execute(SQL["add_paper"], organisation_id, paper_id, test_id, corrects, content, author)


async def papers(conn: Any, organisation_id: str, paper_ids: Collection[str]) -> dict[str, Any]:
    """The contents of papers, by id."""
    if not paper_ids:
        return {}
    rows = await conn.fetch(SQL["papers"], organisation_id, list(paper_ids))
    return {row["paper_id"]: (row["test_id"], row["content"]) for row in rows}


def _columns(section: Section) -> tuple[Any, ...]:
    return (
        section.title,
        section.description,
        section.ordering,
        section.status,
        section.min_questions,
        section.max_questions,
    )


def _test(row: Any) -> Test:
    return Test(
        row["test_id"],
        stored_test(row),
        row["status"],
        row["paper_id"],
        row["created_by"],
        row["created_at"],
        row["updated_by"],
        row["updated_at"],
        bool(row["is_objective"]),
    )


def _section(row: Any) -> KeptSection:
    return KeptSection(
        row["section_id"],
        row["test_id"],
        Section(
            row["title"],
            row["description"],
            row["ordering"],
            row["status"],
            row["min_questions"],
            row["max_questions"],
        ),
        row["created_by"],
        row["created_at"],
        row["updated_by"],
        row["updated_at"],
    )


def _rule(row: Any) -> KeptRule:
    return KeptRule(
        row["rule_id"],
        row["test_id"],
        row["section_id"],
        row["content"],
        row["created_by"],
        row["created_at"],
        row["updated_by"],
        row["updated_at"],
    )
