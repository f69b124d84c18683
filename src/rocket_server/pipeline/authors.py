"""Whose it was that somebody else deleted: of some things Moodle names who deleted them, not their author."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from rocket_server.configuration.snapshot import Configuration
from rocket_server.pipeline.completions import SQL
from rocket_server.pipeline.model import Item
from rocket_server.sources import CATALOGUED

_NOTE: Final = "The learner is who made what was deleted; the event names only who deleted it."


async def find(conn: Any, configuration: Configuration, items: Sequence[Item]) -> None:
    """Put the author in the place of who deleted something, where the thing is known by its id.

    Of what is unknown nothing is to be taken back, so the event stays as it is. No statement where no event
    deletes such a thing; to be called before learners are looked up.
    """
    wanted: dict[tuple[str, str, str], list[Item]] = {}
    for item in items:
        event = item.event
        is_staff = event.ignored is not None and event.ignored.startswith("staff:")
        if event.source_kind in CATALOGUED and (event.ignored is None or is_staff):
            statement = configuration.withdrawals.of_author(event)
            if statement is not None and statement.sought is not None:
                thing = (event.source, statement.subject, statement.sought.event)
                wanted.setdefault(thing, []).append(item)
    if not wanted:
        return
    authors = await _stored(conn, configuration.organisation_id, list(wanted))
    for item in items:  # those that arrive together with the deletion
        statement = configuration.withdrawals.stated(item.event)
        if statement is not None and statement.state == "completed" and item.event.user_id is not None:
            authors.setdefault((item.event.source, statement.subject), item.event.user_id)
    for (source, subject, _), deletions in wanted.items():
        for item in deletions:
            user_id = authors.get((source, subject))
            if user_id is not None and user_id != item.event.user_id:
                notes = (*item.event.notes, _NOTE)
                # The address in it, if any, is that of who deleted.
                item.event = replace(item.event, user_id=user_id, email=None, ignored=None, notes=notes)


async def _stored(
    conn: Any, organisation_id: str, things: list[tuple[str, str, str]]
) -> dict[tuple[str, str], str]:
    columns = [list(column) for column in zip(*things, strict=True)]
    rows = await conn.fetch(SQL["authors"], organisation_id, *columns)
    return {things[row["number"] - 1][:2]: row["user_id"] for row in rows}
