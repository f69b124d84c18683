"""Whose attempt it is: the learner's, under whatever identity they are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rocket_server.learners import store as learners


class Owned(Protocol):
    """Something of a learner's."""

    @property
    def user_id(self) -> str: ...

    @property
    def learner_id(self) -> str: ...


async def foreign(conn: Any, organisation_id: str, pairs: Sequence[tuple[str, Owned]]) -> set[int]:
    """Which of the pairs of an identity and an attempt don't belong together, by their place. An identity
    that isn't the one under which the attempt was begun may still be the same person's."""
    doubtful = [index for index, (user_id, attempt) in enumerate(pairs) if attempt.user_id != user_id]
    if not doubtful:
        return set()
    known = await learners.find(conn, organisation_id, {pairs[index][0] for index in doubtful})
    return {
        index
        for index in doubtful
        if (learner := known.get(pairs[index][0])) is None or learner.learner_id != pairs[index][1].learner_id
    }
