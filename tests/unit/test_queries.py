"""The loader of named SQL: what a query file looks like and which mistakes stop an import."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocket_server.db.queries import QueryFileError, load, parse

FILE = Path("store.sql")

GOOD = """\
-- Everything about keys.

-- name: find_key
-- The key with this hash,
-- unless it was revoked.
SELECT key_id  -- the public part
FROM keys
WHERE hash = $1 AND note <> '-- name: x';

-- name: revoke_key
-- Takes a key back.
UPDATE keys SET revoked_at = $2
WHERE key_id = $1
"""


def test_each_query_has_its_text_and_sentence() -> None:
    """Names lead to SQL without the final semicolon, and to the comment that stands above it."""
    queries = parse(GOOD, FILE)
    assert list(queries) == ["find_key", "revoke_key"]
    assert queries["find_key"].startswith("SELECT key_id  -- the public part")
    assert queries["find_key"].endswith("'-- name: x'")
    assert queries.doc("find_key") == "The key with this hash, unless it was revoked."
    assert queries["revoke_key"] == "UPDATE keys SET revoked_at = $2\nWHERE key_id = $1"


def test_a_file_is_found_beside_the_module(tmp_path: Path) -> None:
    """`load` takes the module's own file and the name of its neighbour."""
    (tmp_path / "store.sql").write_text(GOOD)
    assert len(load(str(tmp_path / "store.py"), "store.sql")) == 2


def test_an_unknown_name_lists_the_known_ones() -> None:
    """Asking for a query that isn't there fails, and says what is."""
    with pytest.raises(QueryFileError, match="has no query find; it has find_key, revoke_key"):
        parse(GOOD, FILE)["find"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no queries"),
        ("-- only words\n", "has no queries"),
        ("SELECT 1;\n-- name: a\n-- One.\nSELECT 1", "SQL above its first"),
        ("-- name: a\n-- One.\nSELECT 1;\n-- name: a\n-- Two.\nSELECT 2;", "two queries a"),
        ("-- name: a\nSELECT 1;", "a has no sentence"),
        ("-- name: a\n-- One.\n", "a has no SQL"),
        ("-- name: a\n-- One.\n;\n", "a has no SQL"),
        ("-- name: a-b\n-- One.\nSELECT 1", "a-b is not a name"),
    ],
)
def test_a_faulty_file_is_refused(text: str, message: str) -> None:
    """A file that can't be meant stops the import with the place at fault."""
    with pytest.raises(QueryFileError, match=message):
        parse(text, FILE)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A module whose SQL isn't there can't be imported."""
    with pytest.raises(FileNotFoundError, match=r"absent\.sql"):
        load(str(tmp_path / "store.py"), "absent.sql")
