"""What stands and what was withdrawn (modules, posts, attempts): states are ordered by when they were stated,
not by arrival."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from rocket_server.db.queries import load
from rocket_server.events.model import CompletionState, Event
from rocket_server.rules.evaluate import Decision
from rocket_server.sources import CATALOGUED
from rocket_server.sources.withdrawals import Sought, Statement

SQL = load(__file__, "completions.sql")

MAX_PAST: Final = 100

Key = tuple[str, str, str]  # learner_id, source, subject


class BadgeAward(NamedTuple):
    """An award for a completion that gave a badge, or nothing and still counts against caps."""

    event_id: str
    award_id: str
    rule_id: str
    rule_version: int


@dataclass(slots=True)
class Completion:
    """The latest state of one thing for one learner, and the entries that it earned."""

    state: CompletionState
    occurred_at: datetime
    sequence: int
    event_id: str
    entry_ids: list[str] = field(default_factory=list)
    changed: bool = False
    badge_awards: list[BadgeAward] = field(default_factory=list)


def key_of(statement: Statement | None, source: str, learner_id: str) -> Key | None:
    """What an event's statement is about; None where it states nothing."""
    return None if statement is None else (learner_id, source, statement.subject)


class Completions:
    """The states that a group of events is about, read once and written once."""

    def __init__(self, states: dict[Key, Completion]) -> None:
        self._states = states

    async def read_more(self, conn: Any, organisation_id: str, keys: Collection[Key]) -> None:
        """Read the states of further `keys`; their learners' accounts must be locked."""
        missing = [key for key in keys if key not in self._states]
        if missing:
            self._states |= await _read(conn, organisation_id, missing)

    def stated(self, key: Key) -> Completion | None:
        """The latest state so far."""
        return self._states.get(key)

    def superseded_by(self, key: Key, event: Event) -> Completion | None:
        """The state that was stated later than `event`, if there is one."""
        state = self._states.get(key)
        if state and (state.occurred_at, state.sequence) > (event.occurred_at, event.sequence):
            return state
        return None

    def state(
        self, key: Key, event: Event, event_id: str, said: CompletionState, since: datetime | None = None
    ) -> Completion:
        """Take what `event` said as the latest statement; what was stated before `since` is over."""
        earlier = self._states.get(key)
        if earlier is not None and since is not None and earlier.occurred_at < since:
            earlier = None
        state = Completion(
            said,
            event.occurred_at,
            event.sequence,
            event_id,
            earlier.entry_ids if earlier else [],
            changed=True,
            badge_awards=earlier.badge_awards if earlier else [],
        )
        self._states[key] = state
        return state

    def remember(
        self, key: Key, occurred_at: datetime, sequence: int, event_id: str, decisions: list[dict[str, Any]]
    ) -> None:
        """Take a stored event that had stated nothing for the statement that something stands."""
        state = self._states.get(key)
        if state is None or (state.occurred_at, state.sequence) < (occurred_at, sequence):
            earlier, state = state, Completion("completed", occurred_at, sequence, event_id, changed=True)
            if earlier is not None:
                state.entry_ids, state.badge_awards = earlier.entry_ids, earlier.badge_awards
            self._states[key] = state
        for decision in decisions:
            if decision["outcome"] != "awarded":
                continue
            detail = decision["detail"]
            if "entry_id" in detail:
                state.entry_ids.append(detail["entry_id"])
            if "award_id" in detail and ("badge" in detail or "multiplies" not in detail):
                state.badge_awards.append(
                    BadgeAward(event_id, detail["award_id"], decision["rule_id"], decision["rule_version"])
                )

    def earned(self, key: Key, entry_id: str) -> None:
        """Remember an entry that would have to be taken back."""
        state = self._states[key]
        state.entry_ids.append(entry_id)
        state.changed = True

    def gave(self, key: Key, event_id: str, decision: Decision, entry_id: str | None) -> None:
        """Remember an award that would have to be taken back. One that gave a badge, or counts without any
        points, is known by its own id; a multiplier that was used stays used."""
        if entry_id is not None:
            self.earned(key, entry_id)
        detail = decision.detail
        if decision.badge is not None or ("award_id" in detail and "multiplies" not in detail):
            self._gave_badge(
                key, BadgeAward(event_id, detail["award_id"], decision.rule_id, decision.rule_version)
            )

    def _gave_badge(self, key: Key, award: BadgeAward) -> None:
        """Remember an award of a badge, or of nothing, that would have to be taken back."""
        state = self._states[key]
        state.badge_awards.append(award)
        state.changed = True

    def badge_awards(self) -> list[BadgeAward]:
        """All awards of badges that a withdrawal may take back."""
        return [award for state in self._states.values() for award in state.badge_awards]

    def entry_ids(self) -> list[str]:
        """All entries that a withdrawal may take back."""
        return [entry_id for state in self._states.values() for entry_id in state.entry_ids]

    def forget(self, gone: Collection[str]) -> None:
        """Awards that were taken back needn't be any more."""
        for state in self._states.values():
            if state.changed and gone:
                state.entry_ids = [one for one in state.entry_ids if one not in gone]
                state.badge_awards = [one for one in state.badge_awards if one.award_id not in gone]

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
            [",".join(" ".join(map(str, award)) for award in state.badge_awards) for _, state in changed],
        )


async def from_past(
    conn: Any,
    organisation_id: str,
    wanted: Mapping[Key, Sought],
    states: Completions,
    again: Collection[str] = (),
) -> None:
    """Find what withdrawals take back that was never stated: it was stored before it could be withdrawn.

    Of one thing the latest MAX_PAST events are looked at; those in `again` state it themselves, as they are
    decided afresh beside the withdrawal. Their learners' accounts must be locked.
    """
    wanted = {key: sought for key, sought in wanted.items() if states.stated(key) is None}
    if not wanted:
        return
    rows = await conn.fetch(
        SQL["past"],
        organisation_id,
        [key[0] for key in wanted],
        [key[1] for key in wanted],
        [sought.event for sought in wanted.values()],
        [sought.by for sought in wanted.values()],
        [sought.value for sought in wanted.values()],
        [sought.module for sought in wanted.values()],
        MAX_PAST,
    )
    keys = list(wanted)
    for row in rows:
        if row["event_id"] in again:
            continue
        number = row["source_event_id"] or ""
        sequence = int(number) if row["source_kind"] in CATALOGUED and number.isdecimal() else 0
        states.remember(
            keys[row["number"] - 1], row["occurred_at"], sequence, row["event_id"], row["decisions"]
        )


async def read(conn: Any, organisation_id: str, keys: Collection[Key]) -> Completions:
    """The states of `keys`; their learners' accounts must be locked."""
    states = Completions({})
    await states.read_more(conn, organisation_id, keys)
    return states


async def _read(conn: Any, organisation_id: str, keys: Collection[Key]) -> dict[Key, Completion]:
    rows = await conn.fetch(
        SQL["find"],
        organisation_id,
        [key[0] for key in keys],
        [key[1] for key in keys],
        [key[2] for key in keys],
    )
    return {
        (row["learner_id"], row["source"], row["lesson_id"]): Completion(
            row["state"],
            row["occurred_at"],
            row["sequence"],
            row["event_id"],
            list(row["entry_ids"]),
            badge_awards=[_badge_award(award) for award in row["badge_awards"]],
        )
        for row in rows
    }


def _badge_award(written: str) -> BadgeAward:
    event_id, award_id, rule_id, version = written.split(" ")
    return BadgeAward(event_id, award_id, rule_id, int(version))
