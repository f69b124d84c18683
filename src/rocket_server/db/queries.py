"""Named queries: SQL kept in a `.sql` file beside the module that runs it.

A file is a list of queries, each under its name and at least one line that says what it is for:

    -- name: find_key
    -- The key with this hash, unless it was revoked.
    SELECT … FROM keys WHERE …;

A module reads its file when it is imported and takes what it needs into constants, so that a missing
or doubled name stops the import and not a request:

    _SQL = load(__file__, "store.sql")
    _FIND_KEY = _SQL["find_key"]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"^--\s*name:\s*(\S+)\s*$", re.MULTILINE)
_COMMENTS = re.compile(r"(?:\s*--[^\n]*\n)*")


class QueryFileError(Exception):
    """A `.sql` file can't be used as it stands; the message names the file and the query."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query: its text without the final semicolon, and the sentence that stands above it."""

    text: str
    doc: str


class Queries(Mapping[str, str]):
    """Name → text of each query of one file; `doc(name)` is what the file says about it."""

    def __init__(self, path: Path, queries: Mapping[str, Query]) -> None:
        self._path = path
        self._queries = queries

    def __getitem__(self, name: str) -> str:
        return self._find(name).text

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)

    def doc(self, name: str) -> str:
        """The sentence above the query."""
        return self._find(name).doc

    def _find(self, name: str) -> Query:
        if name not in self._queries:
            raise QueryFileError(f"{self._path.name} has no query {name}; it has {', '.join(self._queries)}")
        return self._queries[name]


def load(module_file: str, name: str) -> Queries:
    """The queries of file `name`, which stands beside `module_file`. Raises QueryFileError."""
    path = Path(module_file).with_name(name)
    return parse(path.read_text(encoding="utf-8"), path)


def parse(text: str, path: Path) -> Queries:
    """The queries in `text`; `path` is named in errors. Raises QueryFileError."""
    preamble, *parts = _NAME.split(text)
    if _COMMENTS.sub("", preamble + "\n", count=1).strip():
        raise QueryFileError(f"{path.name} has SQL above its first `-- name:`")
    queries: dict[str, Query] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if not name.isidentifier():
            raise QueryFileError(f"{path.name}: {name} is not a name; use letters, digits and _")
        if name in queries:
            raise QueryFileError(f"{path.name} has two queries {name}")
        queries[name] = _query(body, f"{path.name}: {name}")
    if not queries:
        raise QueryFileError(f"{path.name} has no queries; each begins with `-- name: …`")
    return Queries(path, queries)


def _query(body: str, where: str) -> Query:
    head = _COMMENTS.match(body)
    comments = head.group() if head else ""
    doc = " ".join(line.strip().lstrip("-").strip() for line in comments.splitlines()).strip()
    sql = body[len(comments) :].strip().removesuffix(";").rstrip()
    if not doc:
        raise QueryFileError(f"{where} has no sentence that says what it is for")
    if not sql:
        raise QueryFileError(f"{where} has no SQL")
    return Query(sql, doc)
