"""The schema of people: what the server may do with it, and what it does with older rows."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import asyncpg
import pytest

from rocket_server.db.migrate import VERSIONS, upgrade

OLDER = ("0001_", "0002_")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET reason = 'x'",
        "UPDATE entries SET metadata = NULL",
        "UPDATE entries SET amount = 1",
        "DELETE FROM entries",
        "UPDATE learner_changes SET actor = 'x'",
        "DELETE FROM learner_changes",
    ],
)
def test_the_server_can_not_change_the_past(statement, portal, store):
    """Entries and notes about who did what can only be added, also for merging and anonymising."""

    async def work():
        async with store.transaction() as conn:
            await conn.execute(statement)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        portal.call(work)


async def test_what_was_written_about_older_entries_is_kept_apart(empty_database: str, tmp_path: Path):
    """The migration moves reasons of entries by hand to where they can be forgotten."""
    for file in VERSIONS.glob("*.*"):
        if file.name.startswith(OLDER):
            shutil.copy(file, tmp_path)
    await upgrade(empty_database, tmp_path)
    owner = await asyncpg.connect(empty_database)
    organisation, learner, by_hand, by_rule = (uuid.uuid4() for _ in range(4))
    for entry, number, rule in ((by_hand, 1, None), (by_rule, 2, "course_completed")):
        await owner.execute(
            "INSERT INTO entries (organisation_id, entry_id, learner_id, number, kind, from_account,"
            " to_account, amount, balance_after, reason, rule_id, actor, metadata, occurred_at)"
            " VALUES ($1, $2, $3, $4, 'award', $5, $3, 1, $4, 'why', $6, 'x', '{\"a\": 1}', now())",
            organisation,
            entry,
            learner,
            number,
            uuid.uuid4(),
            rule,
        )
    await upgrade(empty_database)
    notes = await owner.fetch("SELECT entry_id, learner_id, reason, metadata FROM entry_notes")
    assert [tuple(row) for row in notes] == [(by_hand, learner, "why", '{"a": 1}')]
    reasons = await owner.fetch("SELECT entry_id, reason FROM entries ORDER BY number")
    assert [tuple(row) for row in reasons] == [(by_hand, None), (by_rule, "why")]
    await owner.close()


async def test_identities_of_older_rows_get_one_form(empty_database: str, tmp_path: Path):
    """An identity in combining characters becomes NFC; where somebody else has that form, both stay."""
    for file in VERSIONS.glob("*.*"):
        if file.name < "0009":
            shutil.copy(file, tmp_path)
    await upgrade(empty_database, tmp_path)
    owner = await asyncpg.connect(empty_database)
    organisation = uuid.uuid4()
    people = {identity: uuid.uuid4() for identity in ("rene\u0301", "zoe\u0308", "zo\u00eb", "anna")}
    for identity, learner in people.items():
        for statement in (
            "INSERT INTO learners (organisation_id, learner_id, user_id) VALUES ($1, $2, $3)",
            "INSERT INTO identities (organisation_id, learner_id, identity) VALUES ($1, $2, $3)",
        ):
            await owner.execute(statement, organisation, learner, identity)
    await upgrade(empty_database)
    identities = {row[0]: row[1] for row in await owner.fetch("SELECT identity, learner_id FROM identities")}
    shown = {row[0]: row[1] for row in await owner.fetch("SELECT user_id, learner_id FROM learners")}
    await owner.close()
    expected = {"ren\u00e9" if name == "rene\u0301" else name: one for name, one in people.items()}
    assert identities == shown == expected
