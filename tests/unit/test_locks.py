"""Every statement's locks are known, and an order that isn't in the list is seen.

What servers really do is looked at where the tests of `tests/http` end: see `start_server`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import locks

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_what_each_statement_locks_is_known():
    """A table in which rows are locked has its place in the order, or it is said why it needs none."""
    assert locks.unknown_in(locks.queries().values()) == []


def test_the_tables_are_those_of_the_schema():
    """Nothing is said of a table that there isn't."""
    made = set()
    for file in sorted((locks.SOURCES / "db" / "migrations" / "versions").glob("*.sql")):
        made |= set(re.findall(r"CREATE TABLE ([a-z_]+)", file.read_text(encoding="utf-8")))
    assert made >= locks.KNOWN
    assert made - locks.KNOWN == set()


def test_the_page_has_the_order():
    """docs/architecture.md names the steps, in this order."""
    section = PAGE.read_text(encoding="utf-8").partition("## Locks, in order")[2].partition("\n## ")[0]
    assert re.findall(r"^\d+\. \*\*([a-z ]+)\*\*", section, re.M) == list(locks.ORDER)


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT 1 FROM events e JOIN learners l USING (x) FOR NO KEY UPDATE OF e", ["events"]),
        ("SELECT 1 FROM accounts WHERE a = $1 ORDER BY a FOR UPDATE SKIP LOCKED", ["accounts"]),
        ("INSERT INTO event_keys (k) VALUES ($1) ON CONFLICT (k) DO UPDATE SET k = $1", ["event_keys"]),
        ("INSERT INTO events (k) VALUES ($1)", []),
        ("WITH a AS (UPDATE learners SET x = 1) DELETE FROM identities", ["learners", "identities"]),
        ("SELECT 1 FROM nobody_knows FOR UPDATE", ["?FOR UPDATE"]),
        ("SELECT 1 FROM events -- FOR UPDATE", []),
    ],
)
def test_locks_are_read_from_a_statement(statement, tables):
    """Rows that are written or selected FOR …, and rows that others may insert as well."""
    assert locks.tables_locked(statement) == tables


def test_a_wrong_order_is_seen():
    """A step that comes first after a later one is named with both statements; writing again is no fault."""
    account, event = "UPDATE accounts SET x = 1", "SELECT 1 FROM events FOR UPDATE"
    assert locks.fault_in([event, account, "UPDATE events SET x = 1"]) is None
    fault = locks.fault_in([account, event])
    assert fault == f"events ({event}) after accounts ({account})"


def test_exceptions_are_of_statements_that_there_are():
    """None outlives what it was made for."""
    assert locks.EXCEPTIONS.keys() <= locks.queries().keys()
    assert set().union(*locks.EXCEPTIONS.values()) <= set(locks.ORDER)
