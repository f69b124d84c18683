"""Pages of lists: how many, and from where on."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query

from rocket_server.errors import InvalidPayload
from rocket_server.ids import parse_uuid

Limit = Annotated[int, Query(ge=1, le=500, description="Rows of one page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]

DEFAULT_LIMIT = 50


def encode_cursor(position: str | int) -> str:
    """A cursor that stands for a position in a list; opaque to clients."""
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The position in a cursor. Raises InvalidPayload for what never was one."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise _not_ours() from error


def id_after(cursor: str | None) -> str | None:
    """The id in a cursor; None where there is no cursor."""
    if not cursor:
        return None
    found = parse_uuid(decode_cursor(cursor))
    if found is None:
        raise _not_ours()
    return found


def number_after(cursor: str | None) -> int | None:
    """The number in a cursor; None where there is no cursor."""
    if not cursor:
        return None
    text = decode_cursor(cursor)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise _not_ours()
    return int(text)


def text_after(cursor: str | None) -> str | None:
    """The text in a cursor; None where there is no cursor."""
    if not cursor:
        return None
    text = decode_cursor(cursor)
    if not text.isprintable():
        raise _not_ours()
    return text


def page(name: str, rows: Sequence[dict[str, Any]], limit: int, position: str) -> dict[str, Any]:
    """The answer of a list: rows, and the cursor of the next page where this one is full."""
    return part(name, rows, len(rows) == limit, position)


def part(name: str, rows: Sequence[dict[str, Any]], more: bool, position: str) -> dict[str, Any]:
    """The answer of a list: rows, and the cursor of the next page where `more` may follow."""
    following = encode_cursor(rows[-1][position]) if more and rows else None
    return {name: rows, "next_cursor": following}


def _not_ours() -> InvalidPayload:
    return InvalidPayload.field("cursor", "must be the next_cursor of an earlier answer")
