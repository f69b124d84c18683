"""A test is put together as it would be taken: its questions as they are now, and the pools of its rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rocket_server.assessments.authoring import store
from rocket_server.assessments.authoring.store import Link, Test
from rocket_server.assessments.bank import store as bank
from rocket_server.assessments.bank.store import Wanted
from rocket_server.assessments.model import Question
from rocket_server.assessments.papers import Entry, Paper
from rocket_server.assessments.publish_checks import Draft, Finding, Placed, Section, check
from rocket_server.assessments.rules import MAX_POOL, Candidate, Rule, parse_rule, reasons
from rocket_server.assessments.selection import Chosen, TooMuch, bounded, choose
from rocket_server.ids import uuid7

MAX_PAPER_POOL = 2_000  # questions from which the dynamic rules of one paper choose


async def assemble(conn: Any, organisation_id: str, test: Test, now: datetime) -> tuple[Paper, list[Finding]]:
    """The paper that a locked test makes now, and what was found about it; some of that may forbid it."""
    sections = [
        one
        for one in await store.sections(conn, organisation_id, test.test_id)
        if one.section.status == "active"
    ]
    links = await store.links(conn, organisation_id, test.test_id)
    known = await bank.find(conn, organisation_id, [one.question_id for one in links])
    rules = [
        parse_rule(one.content, rule_id=one.rule_id)
        for one in await store.rules(conn, organisation_id, test.test_id)
    ]
    active = [rule for rule in rules if rule.is_active]
    shown = {one.section_id for one in sections}
    entries = {
        link.question_id: Entry(
            known[link.question_id].question, link.section_id, link.is_compulsory, link.rule_id
        )
        for link in links
        if link.section_id in shown
    }
    dynamic = [rule for rule in active if rule.mode == "DYNAMIC"]
    pool = await candidates(conn, organisation_id, dynamic)
    free = [entry for question_id, entry in pool.items() if question_id not in entries][:MAX_POOL]
    paper_id = uuid7()
    chosen, faults = _choose(active, links, [entry.as_candidate() for entry in free], paper_id)

    definition = test.definition
    draft = Draft(
        definition.title,
        definition.type,
        definition.grading_type,
        definition.total_marks,
        definition.passing_marks,
        definition.attempts_grading,
        definition.attempts,
        definition.time_limit_min,
        definition.starts_at,
        definition.ends_at,
        tuple(
            Section(
                one.section_id,
                one.section.title,
                tuple(
                    Placed(known[link.question_id].question, link.is_compulsory)
                    for link in links
                    if link.section_id == one.section_id and link.rule_id is None
                ),
            )
            for one in sections
        ),
        tuple(chosen),
    )
    listed = [entry.as_candidate() for entry in free]
    for question_id in bounded(dynamic, listed, chosen, paper_id, MAX_PAPER_POOL):
        entries[question_id] = pool[question_id]
    paper = Paper(
        paper_id,
        test.test_id,
        definition.title,
        definition.grading_type,
        definition.time_limit_min,
        definition.total_marks,
        definition.passing_marks,
        definition.questions_shuffle,
        definition.answers_shuffle,
        definition.allow_resubmission,
        tuple(one.section_id for one in sections),
        entries,
        tuple(active),
    )
    return paper, [*faults, *check(draft, now)]


async def candidates(conn: Any, organisation_id: str, rules: Sequence[Rule]) -> dict[str, Entry]:
    """The published questions of the bank that match one of the rules, in the order of the bank."""
    found: dict[str, Question] = {}
    for rule in rules:
        wanted = rule.criteria
        listed = Wanted(
            "published",
            sorted(wanted.kinds) or None,
            sorted(wanted.levels) or None,
            sorted(wanted.categories) or None,
            None,
            rule.min_marks,
            rule.max_marks,
        )
        for kept in await bank.page(conn, organisation_id, listed, MAX_POOL):
            if not reasons(rule, Entry(kept.question).as_candidate()):
                found[kept.question_id] = kept.question
    weighted = any(rule.strategy == "weighted" for rule in rules)
    uses = await bank.uses(conn, organisation_id, found) if weighted else {}
    return {one: Entry(question, times_used=uses.get(one, 0)) for one, question in sorted(found.items())}


def _choose(
    rules: Sequence[Rule], links: Sequence[Link], pool: Sequence[Candidate], seed: str
) -> tuple[list[Chosen], list[Finding]]:
    """What each rule would get: dynamic ones from the pool, preselected ones from what was put aside for
    them."""
    dynamic = [rule for rule in rules if rule.mode == "DYNAMIC"]
    try:
        chosen = choose(dynamic, pool, seed)
    except TooMuch as error:
        return [], [Finding("TOO_MUCH", "rules", f"{error}.")]
    for rule in rules:
        if rule.mode == "PRESELECTED":
            kept = [one.question_id for one in links if one.rule_id == rule.id]
            chosen.append(Chosen(rule, len(kept), tuple(kept[: rule.count])))
    return chosen, []
