"""A key is corrected after attempts: they are scored anew, and the points that change are decided anew.

The corrected question makes a paper beside each that had it. Attempts move there piece by piece, each scored
in the transaction that moves it, so that every attempt is corrected once, by however many workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rocket_server.assessments.attempts import regrades, store
from rocket_server.assessments.attempts.regrades import Regrade
from rocket_server.assessments.authoring import store as authoring
from rocket_server.assessments.bank import store as bank
from rocket_server.assessments.model import CHOICE, Question
from rocket_server.assessments.regrade import scoring_differs
from rocket_server.audit.model import changed as differing
from rocket_server.audit.model import subject_of
from rocket_server.configuration.snapshot import Configuration, Configurations
from rocket_server.db.pool import Database, alone
from rocket_server.errors import Conflict, FieldError, InvalidPayload, NotFound
from rocket_server.ids import uuid4, uuid7
from rocket_server.usecases.examination import banking, rescoring
from rocket_server.usecases.examination.authors import Author, note
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.rescoring import Scored

KEY: Final = ("options", "marks", "negativeMarks", "allowPartialScoring")
AT_ONCE: Final = 100  # attempts of one transaction
PREVIEWED: Final = 500  # attempts that a preview goes through
MAX_PAPERS: Final = 200
MAX_REASON: Final = 1_000


@dataclass(frozen=True, slots=True)
class Correction:
    """What an author corrects, in the spelling of the API, and why."""

    question_id: str
    key: Mapping[str, Any]
    reason: str


async def begin(
    conn: Any, configuration: Configuration, papers: Papers, wanted: Correction, author: Author
) -> Regrade:
    """Correct the key from now on, and note which attempts are to be scored anew. Raises NotFound,
    InvalidPayload, or Conflict where nothing changes or another correction isn't finished."""
    organisation_id = configuration.organisation_id
    if not await alone(conn, "regrades", organisation_id) or await regrades.running(conn, organisation_id):
        raise Conflict("Another key is being corrected. Try again in a moment.", {"field": "questionId"})
    kept = await banking.locked(conn, organisation_id, wanted.question_id)
    key = _with_ids(kept.question, wanted.key)
    after = banking.changed(kept.question, key)
    found = await regrades.papers_with(conn, organisation_id, wanted.question_id, MAX_PAPERS + 1)
    if len(found) > MAX_PAPERS:
        raise Conflict(f"This question stands in more than {MAX_PAPERS} papers.", {"field": "questionId"})
    tests = {
        test_id: await authoring.lock_test(conn, organisation_id, test_id)
        for test_id in sorted({test_id for _, test_id in found})
    }
    sheets = await papers.get(conn, organisation_id, [paper_id for paper_id, _ in found])
    differs = bool(scoring_differs(kept.question, after))
    replaced: dict[str, str] = {}
    for paper_id, test_id in found:
        before = sheets[paper_id].question(wanted.question_id)
        corrected = banking.changed(before, key)
        if not scoring_differs(before, corrected):
            continue
        differs = True
        paper = sheets[paper_id].corrected(uuid7(), corrected)
        replaced[paper_id] = paper.paper_id
        await authoring.add_paper(
            conn, organisation_id, paper.paper_id, test_id, paper.as_json(), author.name, paper_id
        )
        test = tests[test_id]
        if test is not None and test.paper_id == paper_id:
            await authoring.set_status(
                conn, organisation_id, test_id, test.status, author.name, paper.paper_id
            )
    if not differs:
        raise Conflict("Nothing that scores answers changes.", {"field": "question"})
    await bank.write(conn, organisation_id, after, author.name)
    regrade = Regrade(
        uuid7(), wanted.question_id, wanted.reason, kept.question.as_json(), after.as_json(), replaced,
        0, 0, 0, author.name, datetime.now(UTC), None,
    )  # fmt: skip
    await regrades.add(conn, organisation_id, regrade)
    acts = differing(
        "question.regraded", subject_of("question", wanted.question_id), regrade.before, regrade.after
    )
    await note(conn, organisation_id, author, acts)
    return regrade


async def go_on(conn: Any, configuration: Configuration, papers: Papers, regrade_id: str) -> bool:
    """Score a set of attempts anew; whether there may be more."""
    organisation_id = configuration.organisation_id
    regrade = await regrades.lock(conn, organisation_id, regrade_id)
    if regrade is None or regrade.finished_at is not None:
        return False
    attempt_ids = await regrades.pending(conn, organisation_id, regrade.papers, AT_ONCE)
    locked = await store.lock(conn, organisation_id, attempt_ids)
    moving = {one: attempt for one, attempt in locked.items() if attempt.paper_id in regrade.papers}
    moved = {one: regrade.papers[attempt.paper_id] for one, attempt in moving.items()}
    sheets = await papers.get(conn, organisation_id, set(moved.values()))
    given = await store.answers(conn, organisation_id, moving)
    scored = [
        Scored.of(attempt, sheets[moved[one]], given[one])
        for one, attempt in moving.items()
        if attempt.status == "submitted"
    ]
    changed = [one for one in scored if one.differs(regrade.question_id)]
    points = await rescoring.write(conn, configuration, regrade, changed)
    await regrades.move(conn, organisation_id, moved)
    changes = [one.change(points.get(one.attempt.attempt_id, 0)) for one in changed]
    await regrades.add_changes(conn, organisation_id, regrade_id, changes)
    more = len(attempt_ids) == AT_ONCE
    counts = (len(scored), len(changed), sum(points.values()))
    await regrades.count(conn, organisation_id, regrade_id, counts, finished=not more)
    return more


async def preview(
    database: Database,
    configurations: Configurations,
    organisation_id: str,
    wanted: Correction,
    author: Author,
) -> tuple[Regrade, list[dict[str, Any]]]:
    """What a correction would change, points included: it is made in a transaction that is undone. It goes
    through so many attempts at most; where there are more it isn't finished."""
    papers = Papers()  # what is read here is undone, and nobody else's

    async def work(conn: Any) -> tuple[Regrade, list[dict[str, Any]]]:
        configuration = await configurations.current(conn, organisation_id)
        regrade = await begin(conn, configuration, papers, wanted, author)
        for _ in range(PREVIEWED // AT_ONCE):
            if not await go_on(conn, configuration, papers, regrade.regrade_id):
                break
        reached = await regrades.find(conn, organisation_id, regrade.regrade_id)
        rows = await regrades.changes(conn, organisation_id, regrade.regrade_id, None, PREVIEWED)
        if reached is None:
            raise NotFound("There is no such question.", {"field": "questionId"})
        return reached, rows

    return await database.dry_run(work)


async def go_on_somewhere(
    database: Database, configurations: Configurations, papers: Papers, organisation_id: str
) -> bool:
    """A piece of the organisation's correction; whether there may be more."""

    async def work(conn: Any) -> bool:
        regrade_id = await regrades.running(conn, organisation_id)
        if regrade_id is None:
            return False
        configuration = await configurations.current(conn, organisation_id)
        return await go_on(conn, configuration, papers, regrade_id)

    return await database.run(work)


def _with_ids(before: Question, key: Mapping[str, Any]) -> dict[str, Any]:
    """The correction with an id for each new word of a blank, the same in every paper. Options that answers
    name must keep their ids, so that answers stay true. Raises InvalidPayload."""
    faults = [
        FieldError(f"question.{name}", f"can't be corrected; only {', '.join(KEY)} can")
        for name in key
        if name not in KEY
    ]
    options = key.get("options")
    if options is None:
        if faults:
            raise InvalidPayload.from_fields(faults)
        return dict(key)
    known = {option.id for option in before.options}
    named = before.kind in CHOICE or before.kind == "match"
    made = []
    for place, option in enumerate(options if isinstance(options, list) else []):
        given = option.get("questionOptionId") if isinstance(option, Mapping) else None
        if named and not (isinstance(given, str) and given in known):
            path = f"question.options[{place}].questionOptionId"
            faults.append(FieldError(path, "must name an option of the question: answers name it, too"))
        made.append(
            {**option, "questionOptionId": given or uuid4()} if isinstance(option, Mapping) else option
        )
    if faults:
        raise InvalidPayload.from_fields(faults)
    return {**key, "options": made if isinstance(options, list) else options}
