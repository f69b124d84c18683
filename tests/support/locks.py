"""The order of locks, as docs/architecture.md has it, and what statements lock.

A statement's locks are read from its SQL: rows that it updates, deletes or selects FOR …, and rows that it
inserts where another transaction may insert the same ones. What it inserts else is its own: nobody waits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import rocket_server
from rocket_server.db.queries import parse

SOURCES = Path(rocket_server.__file__).parent

ORDER = (
    "act",
    "attempt",
    "dedupe keys",
    "events",
    "organisation",
    "people",
    "accounts",
)
# In which step rows of a table are locked.
STEPS = {
    "idempotency_keys": "act",
    "assessment_attempts": "attempt",
    "event_keys": "dedupe keys",
    "events": "events",
    "organisations": "organisation",
    "learners": "people",
    "identities": "people",
    "accounts": "accounts",
}
# Others may insert the same rows, and wait for whoever was first.
SHARED_INSERTS = {"idempotency_keys", "event_keys", "learners", "identities"}
# What is only changed by who holds a lock of the order already, so that nobody waits for it.
UNDER = {
    "account": (
        *("award_marks", "completions", "entry_notes", "learner_ranks"),
        *("badge_awards", "badge_marks", "badge_credentials"),
    ),
    "attempt": ("assessment_answers", "assessment_regrades", "assessment_regrade_changes"),
}
# Rows with an order of their own: transactions that lock them lock nothing else that others wait for, or lock
# it last, each after its thing.
BESIDE = {
    "settings": (
        *("tenants", "api_keys", "sources", "source_slugs", "source_tokens", "source_hmac_secrets"),
        *("badges", "badge_images", "issuer_keys", "course_resets", "plugin_installations"),
        *("rules", "rule_batches", "rule_batch_entries"),
    ),
    "tests": (
        *("assessment_tests", "assessment_sections", "assessment_questions", "assessment_rules"),
        *("assessment_test_questions", "assessment_papers"),
    ),
    "delivery": (
        *("endpoints", "endpoint_secrets", "endpoint_states"),
        *("deliveries", "delivery_attempts", "messages", "recoveries"),
    ),
    "background": (
        *("erasures", "rank_states", "jobs", "request_log", "learner_changes"),
        *("import_files", "import_chunks", "import_rejects", "import_keys"),
        *("standings", "standing_counts", "standing_progress", "leaderboard_states"),
    ),
    "sign-in": (
        *("members", "member_sessions", "member_browsers", "member_links", "member_recovery_codes"),
        "sign_in_failures",
    ),
    "never changed": ("audit", "entries"),
}

# Statements that take a step after later ones all the same: after which, and why nobody minds.
EXCEPTIONS = {
    # Keys of events that the transaction itself causes, such as a badge's: no other transaction has them. A
    # plugin that was just installed gets its rows, in the organisation's name, before the keys that are sent;
    # whoever is in the way is tried again.
    "events/store.sql: claim_keys": {"events", "organisation", "people", "accounts"},
    # Events of a learner whose account is held are decided anew, since something was withdrawn; and a split
    # locks two people before it finds whose events are whose. Who merges a copy into one of these events at
    # that moment may be in the way, and is tried again.
    "events/store.sql: lock": {"organisation", "people", "accounts"},
    # Keys that were used long ago: nobody locks them any more.
    "people/anonymise.sql: forget_keys": {"attempt", "events", "people", "accounts"},
}

KNOWN = {*STEPS, *set().union(*UNDER.values()), *set().union(*BESIDE.values())}

_COMMENT = re.compile(r"--[^\n]*")
_WRITE = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)(?:\s+AS)?(?:\s+([a-z]+))?", re.ASCII)
_FROM = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)(?:\s+AS)?(?:\s+([a-z]+)\b)?", re.ASCII)
_FOR = re.compile(r"\bFOR\s+(?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)(?:\s+OF\s+([a-z]+))?", re.ASCII)


def tables_locked(statement: str) -> list[str]:
    """The tables whose rows a statement locks, in the order in which it names them."""
    text = _COMMENT.sub("", statement)
    found: list[tuple[int, str]] = []
    for match in _WRITE.finditer(text):
        verb, table = match.group(1), match.group(2)
        is_clause = verb == "UPDATE" and text[: match.start()].rstrip().endswith(("FOR", "KEY", "DO"))
        if not is_clause and (verb != "INSERT INTO" or table in SHARED_INSERTS):
            found.append((match.start(), table))
    for match in _FOR.finditer(text):
        named = _FROM.findall(text[: match.start()])
        alias = match.group(1)
        tables = [table for table, its in named if table in KNOWN and alias in (None, its, table)]
        # Without a name all tables of the SELECT are locked; here each has one.
        found.append((match.start(), tables[-1] if tables else f"?{match.group()}"))
    return [table for _, table in sorted(found)]


@cache
def steps_of(statement: str) -> tuple[str, ...]:
    """The steps of the order that a statement takes."""
    return tuple(STEPS[table] for table in tables_locked(statement) if table in STEPS)


def fault_in(statements: Sequence[str]) -> str | None:
    """What is wrong with the order in one transaction: a step that is taken for the first time after a later
    one. Rows of a step that was taken before may be written again."""
    taken: dict[str, str] = {}
    for statement in statements:
        for step in steps_of(statement):
            if step in taken:
                continue
            for later, by in taken.items():
                is_late = ORDER.index(later) > ORDER.index(step)
                if is_late and later not in EXCEPTIONS.get(name_of(statement), ()):
                    return f"{step} ({name_of(statement)}) after {later} ({name_of(by)})"
            taken[step] = statement
    return None


def faults_in(recorded: Path) -> list[str]:
    """What is wrong in what servers recorded (`watched_serving.py`), each fault once."""
    if not recorded.exists():
        return []
    lines = recorded.read_text(encoding="utf-8").splitlines()
    return sorted({fault for line in lines if (fault := fault_in(json.loads(line)))})


def unknown_in(statements: Iterable[str]) -> list[str]:
    """Tables that statements lock and of which nothing is said above."""
    return sorted({table for one in statements for table in tables_locked(one) if table not in KNOWN})


def name_of(statement: str) -> str:
    """The file and name of a query, or its first words where it is in no file."""
    return {text: name for name, text in queries().items()}.get(statement, " ".join(statement.split())[:80])


@cache
def queries() -> dict[str, str]:
    """Every query of the server, by its file and name."""
    return {
        f"{file.relative_to(SOURCES)}: {name}": text
        for file in sorted(SOURCES.rglob("*.sql"))
        if "migrations" not in file.parts
        for name, text in parse(file.read_text(encoding="utf-8"), file).items()
    }
