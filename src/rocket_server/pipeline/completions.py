"""Which modules a learner has completed: states are ordered by when they were stated, not by arrival."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from rocket_server.db.queries import load
from rocket_server.events.model import CompletionState, Event

SQL = load(__file__, "completions.sql")

Key = tuple[str, str, str]  # learner_id, source, lesson_id


class BadgeAward(NamedTuple):
    """An award for a completion that gave a badge, or nothing and still counts against caps."""

    event_id: str
    award_id: str
    rule_id: str


@dataclass(slots=True)
class Completion:
    """The latest state of one module for one learner, and the entries that the completion earned."""

    state: CompletionState
    occurred_at: datetime
    sequence: int
    event_id: str
    entry_ids: list[str] = field(default_factory=list)
    changed: bool = False
    badge_awards: list[BadgeAward] = field(default_factory=list)


def key_of(event: Event, learner_id: str) -> Key | None:
    """What an event states the completion of; None where it states none."""
    lesson_id = event.properties.get("lesson_id")
    if event.completion is None or not isinstance(lesson_id, str):
        return None
    return learner_id, event.source, lesson_id


class Completions:
    """The states that a group of events is about, read once and written once."""

    def __init__(self, states: dict[Key, Completion]) -> None:
        self._states = states

    def stated(self, key: Key) -> Completion | None:
        """The latest state so far."""
        return self._states.get(key)

    def superseded_by(self, key: Key, event: Event) -> Completion | None:
        """The state that was stated later than `event`, if there is one."""
        state = self._states.get(key)
        if state and (state.occurred_at, state.sequence) > (event.occurred_at, event.sequence):
            return state
        return None

    def state(self, key: Key, event: Event, event_id: str) -> Completion:
        """Take `event` as the latest statement."""
        assert event.completion is not None
        earlier = self._states.get(key)
        state = Completion(
            event.completion,
            event.occurred_at,
            event.sequence,
            event_id,
            earlier.entry_ids if earlier else [],
            changed=True,
            badge_awards=earlier.badge_awards if earlier else [],
        )
        self._states[key] = state
        return state

    def earned(self, key: Key, entry_id: str) -> None:
        """Remember an entry that would have to be taken back."""
        state = self._states[key]
        state.entry_ids.append(entry_id)
        state.changed = True

    def gave_badge(self, key: Key, award: BadgeAward) -> None:
        """Remember an award of a badge, or of nothing, that would have to be taken back."""
        state = self._states[key]
        state.badge_awards.append(award)
        state.changed = True

    def badge_awards(self) -> list[tuple[str, BadgeAward]]:
        """All awards of badges that a withdrawal may take back, each behind its learner's id."""
        return [(key[0], award) for key, state in self._states.items() for award in state.badge_awards]

    def entry_ids(self) -> list[str]:
        """All entries that a withdrawal may take back."""
        return [entry_id for state in self._states.values() for entry_id in state.entry_ids]

    async def write(self, conn: Any, organisation_id: str) -> None:
        changed = [(key, state) for key, state in self._states.items() if state.changed]
        if not changed:
            return
        await conn.execute(
            SQL["write"],
            organisation_id,
            [key[0] for key, _ in changed],
            [key[1] for key, _ in changed],
            [key[2] for key, _ in changed],
            [state.state for _, state in changed],
            [state.occurred_at for _, state in changed],
            [state.sequence for _, state in changed],
            [state.event_id for _, state in changed],
            [",".join(state.entry_ids) for _, state in changed],
            [",".join(" ".join(award) for award in state.badge_awards) for _, state in changed],
        )


async def read(conn: Any, organisation_id: str, keys: Collection[Key]) -> Completions:
    """The states of `keys`; their learners' accounts must be locked."""
    if not keys:
        return Completions({})
    rows = await conn.fetch(
        SQL["find"],
        organisation_id,
        [key[0] for key in keys],
        [key[1] for key in keys],
        [key[2] for key in keys],
    )
    return Completions(
        {
            (row["learner_id"], row["source"], row["lesson_id"]): Completion(
                row["state"],
                row["occurred_at"],
                row["sequence"],
                row["event_id"],
                list(row["entry_ids"]),
                badge_awards=[BadgeAward(*award.split(" ")) for award in row["badge_awards"]],
            )
            for row in rows
        }
    )
