"""Installations that tests may hurt, and what must hold of every one of them afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.insistent import Answers, points_of
from support.installation import Installation


@pytest.fixture
def install(data_dir: Path) -> Iterator[Callable[..., Installation]]:
    """Makes an installation in a folder, the test's own by default, with settings of the server."""
    with ExitStack() as stack:

        def make(folder: Path = data_dir, **settings: str) -> Installation:
            made = Installation(folder, data_dir / "server.log", settings)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def check_nothing_lost() -> Callable[[Installation, Answers], None]:
    """Checks that what is stored is what was acknowledged, once, with each award once."""
    return _check_nothing_lost


def _check_nothing_lost(installation: Installation, answers: Answers) -> None:
    assert not answers.unexpected
    assert answers.acknowledged.keys() == answers.sent.keys()
    rows = installation.fetch(
        "SELECT source_event_id, event_id::text AS event_id FROM events WHERE source <> 'rocket'"
    )
    stored = {row["source_event_id"]: row["event_id"] for row in rows}
    assert len(rows) == len(stored), "an event is stored twice"
    assert stored == answers.acknowledged
    assert answers.given.keys() == answers.gifts.keys()
    gifts = installation.fetch(
        "SELECT n.reason, e.entry_id::text AS entry_id FROM entries e"
        " LEFT JOIN entry_notes n USING (organisation_id, entry_id) WHERE e.rule_id IS NULL"
    )
    assert sorted(tuple(row) for row in gifts) == sorted(answers.given.items())
    balances = installation.fetch(
        "SELECT l.user_id, a.points FROM accounts a JOIN learners l ON l.learner_id = a.account_id"
    )
    assert {row["user_id"]: row["points"] for row in balances} == points_of(answers)
    assert installation.verify() == []
