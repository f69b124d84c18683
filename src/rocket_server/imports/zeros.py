"""Ids that lost their leading zeros, as spreadsheets make them: which other id is meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

MAX_DIGITS: Final = 12

_is_bare = re.compile(r"((?:[^:]*:)?)([1-9][0-9]{0,10})", re.ASCII).fullmatch


def may_lack_zeros(user_id: str) -> bool:
    """Whether zeros may have stood before it."""
    return _is_bare(user_id) is not None


def with_zeros(user_id: str) -> list[str]:
    """The id with one zero before it, with two, and so on."""
    match = _is_bare(user_id)
    if match is None:
        return []
    prefix, digits = match.groups()
    return [prefix + digits.zfill(length) for length in range(len(digits) + 1, MAX_DIGITS + 1)]


def lost(user_ids: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """Of ids, those that nobody has while somebody has the same with zeros before it, and that one."""
    found: dict[str, str] = {}
    for user_id in user_ids:
        if user_id not in known:
            meant = next((one for one in with_zeros(user_id) if one in known), None)
            if meant is not None:
                found[user_id] = meant
    return found
