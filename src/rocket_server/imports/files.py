"""Files that are imported, kept in pieces so that any worker can go on, and their rejected rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from rocket_server.db.pool import add_rows
from rocket_server.db.queries import load
from rocket_server.errors import Conflict
from rocket_server.ids import FIRST_ID
from rocket_server.imports.reading import WINDOW_BYTES
from rocket_server.imports.unpack import PIECE_BYTES

SQL = load(__file__, "files.sql")

MAX_FILES: Final = 20  # of one organisation, that are coming in or worked on

_REJECTED_KEPT: Final = timedelta(days=60)  # after the job has finished
_PIECES_AT_ONCE: Final = 40  # that are removed; 10 MiB
_ROWS_AT_ONCE: Final = 10_000
_WINDOW_PIECES: Final = WINDOW_BYTES // PIECE_BYTES + 1


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that wasn't taken, as it is in the file, where it ends there, and why."""

    ends_at: int
    line: int
    fields: list[str]
    reason: str


async def begin(conn: Any, organisation_id: str, file_id: str) -> None:
    """Make room for a file. Raises Conflict where the organisation has MAX_FILES."""
    if await conn.fetchval(SQL["count"], organisation_id) >= MAX_FILES:
        raise Conflict(
            f"At most {MAX_FILES} files of an organisation are imported at once. Wait until one is done.",
            {"limit": MAX_FILES},
        )
    await conn.execute(SQL["begin"], organisation_id, file_id)


async def add(conn: Any, organisation_id: str, file_id: str, begins_at: int, pieces: Sequence[bytes]) -> None:
    """Keep pieces of PIECE_BYTES, of which only a file's last one may be shorter, from a byte on."""
    rows = [
        (organisation_id, file_id, begins_at + PIECE_BYTES * number, piece)
        for number, piece in enumerate(pieces)
    ]
    columns = ("organisation_id", "file_id", "begins_at", "content")
    await add_rows(conn, "import_chunks", columns, rows)


async def end(conn: Any, organisation_id: str, file_id: str, size: int, encoding: str) -> None:
    """Note that the file is all there."""
    await conn.execute(SQL["end"], organisation_id, file_id, size, encoding)


async def window(conn: Any, organisation_id: str, file_id: str, offset: int) -> bytes:
    """The file's bytes from `offset` on, as many as are read at once."""
    begins_at = offset // PIECE_BYTES * PIECE_BYTES
    rows = await conn.fetch(SQL["window"], organisation_id, file_id, begins_at, _WINDOW_PIECES)
    found = b"".join(row[0] for row in rows)
    return found[offset - begins_at :][:WINDOW_BYTES]


async def reject(conn: Any, organisation_id: str, file_id: str, rows: Sequence[Rejected]) -> None:
    """Keep rows that weren't taken."""
    columns = ("organisation_id", "file_id", "ends_at", "line", "fields", "reason")
    kept = [
        (
            organisation_id,
            file_id,
            row.ends_at,
            row.line,
            list(map(_kept, row.fields)),
            _kept(row.reason)[:2_000],
        )
        for row in rows
    ]
    await add_rows(conn, "import_rejects", columns, kept)


async def rejected(conn: Any, organisation_id: str, file_id: str, after: int, limit: int) -> list[Rejected]:
    """Rows that weren't taken, behind a byte of the file."""
    rows = await conn.fetch(SQL["rejected"], organisation_id, file_id, after, limit)
    return [Rejected(*row.values()) for row in rows]


async def first_seen(conn: Any, organisation_id: str, file_id: str, keys: Sequence[bytes]) -> set[bytes]:
    """Of dedupe keys, those that a trial meets for the first time; the next time it doesn't."""
    rows = await conn.fetch(SQL["first_seen"], organisation_id, file_id, list(keys))
    return {row[0] for row in rows}


async def of_import(conn: Any, organisation_id: str, file_id: str, event_ids: Sequence[str]) -> set[str]:
    """Of stored events, those that came from this file."""
    if not event_ids:
        return set()
    rows = await conn.fetch(SQL["of_import"], organisation_id, list(event_ids), file_id)
    return {row[0] for row in rows}


async def due(conn: Any, after: tuple[str, ...] | None, limit: int) -> list[tuple[str, str]]:
    """The next organisations and files of which something is to be removed."""
    rows = await conn.fetch(SQL["due"], *(after or (FIRST_ID, FIRST_ID)), _REJECTED_KEPT, limit)
    return [(row[0], row[1]) for row in rows]


async def tidy(conn: Any, organisation_id: str, file_id: str) -> bool:
    """Remove some of what nobody needs any more of a file; whether more may be left."""
    is_emptied = await conn.fetchval(SQL["is_emptied"], organisation_id, file_id)
    if is_emptied is None:
        return False
    if is_emptied:
        if await conn.fetchval(SQL["drop_rejected"], organisation_id, file_id, _ROWS_AT_ONCE) > 0:
            return True
        await conn.execute(SQL["forget"], organisation_id, file_id)
        return False
    if await conn.fetchval(SQL["drop_chunks"], organisation_id, file_id, _PIECES_AT_ONCE) > 0:
        return True
    if await conn.fetchval(SQL["drop_keys"], organisation_id, file_id, _ROWS_AT_ONCE) > 0:
        return True
    await conn.execute(SQL["emptied"], organisation_id, file_id)
    return False


def _kept(text: str) -> str:
    """Without what PostgreSQL can't keep as text."""
    return text.replace("\x00", "\ufffd")
