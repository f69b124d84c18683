"""Counts within one transaction: what the database had, and what the transaction has awarded since."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from rocket_server.rules.evaluate import NOTHING, Count, Probe, ReadCount

Key = tuple[str, str, Probe]  # learner, rule, probe

_BEFORE_ALL_POINTS: Final = -1


class Tally:
    """Answers probes from counts read once per transaction, plus awards made and reversed since.

    `stored` has what the database counted, by learner, rule and probe; a probe that isn't in it found
    nothing. A count takes time logarithmic in the awards of the transaction under its mark.
    """

    def __init__(self, stored: Mapping[Key, Count] | None = None) -> None:
        self._accounts: dict[tuple[str, str], _Account] = {}
        for (learner_id, rule_id, probe), count in (stored or {}).items():
            self.store(learner_id, rule_id, probe, count)

    def store(self, learner_id: str, rule_id: str, probe: Probe, count: Count) -> None:
        """Takes over what the database counted, before anything is added under that mark."""
        account = self._account(learner_id, rule_id)
        if account.stored is _NO_COUNTS:
            account.stored = {}
        account.stored[probe] = count

    def reader(self, learner_id: str, rule_id: str) -> ReadCount:
        """`count` for one learner and rule, as `Case.decide` wants it: good until the next award."""
        account = self._accounts.get((learner_id, rule_id))
        return _count_nothing if account is None else account.count

    def count(self, learner_id: str, rule_id: str, probe: Probe) -> Count:
        """What the probe counts now.

        After a removal of an award that the database held, `earliest` and `latest` may still name it if
        others remain: they only serve explanation.
        """
        return self.reader(learner_id, rule_id)(probe)

    def add(
        self, learner_id: str, rule_id: str, marks: Iterable[str], occurred_at: datetime, points: int
    ) -> None:
        """An award was made under these marks."""
        if not marks:
            return
        added = self._account(learner_id, rule_id).added
        for mark in marks:
            track = added.get(mark)
            if track is None:
                added[mark] = _Track(occurred_at, points)
            else:
                track.add(occurred_at, points)

    def remove(
        self, learner_id: str, rule_id: str, marks: Iterable[str], occurred_at: datetime, points: int
    ) -> None:
        """An award with exactly this time and these points was reversed, of this transaction or before."""
        account = self._account(learner_id, rule_id)
        if account.removed is _NO_TRACKS:
            account.removed = {}
        for mark in marks:
            track = account.added.get(mark)
            if track is not None and track.discard(occurred_at, points):
                continue
            removed = account.removed.get(mark)
            if removed is None:
                account.removed[mark] = _Track(occurred_at, points)
            else:
                removed.add(occurred_at, points)

    def _account(self, learner_id: str, rule_id: str) -> _Account:
        key = (learner_id, rule_id)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account()
        return account


def _count_nothing(probe: Probe) -> Count:
    return NOTHING


# Most accounts of a transaction are made for one award: what they rarely need, they share until they do.
_NO_COUNTS: Final[dict[Probe, Count]] = {}
_NO_TRACKS: Final[dict[str, _Track]] = {}
_NO_SUMS: Final[list[int]] = []


class _Account:
    """What one rule has given to one learner."""

    __slots__ = ("added", "removed", "stored")

    def __init__(self) -> None:
        self.stored = _NO_COUNTS
        self.added: dict[str, _Track] = {}
        self.removed = _NO_TRACKS

    def count(self, probe: Probe) -> Count:
        found = self.stored.get(probe, NOTHING) if self.stored else NOTHING
        mark, since, until = probe
        track = self.added.get(mark)
        if track is not None:
            found = _sum(found, track.count(since, until))
        track = self.removed.get(mark)
        if track is not None:
            found = _difference(found, track.count(since, until))
        return found


class _Track:
    """Awards under one mark, sorted by time. Sums of points are worked out when first asked for, and again
    from where an award was put in; in order of time, each is added up once."""

    __slots__ = ("_awards", "_sums")

    def __init__(self, time: datetime, points: int) -> None:
        self._awards: list[tuple[datetime, int]] = [(time, points)]
        self._sums = _NO_SUMS  # of the first 1, 2, ... awards, as far as they are known

    def add(self, time: datetime, points: int) -> None:
        awards, award = self._awards, (time, points)
        if not awards or awards[-1] <= award:
            awards.append(award)
        else:
            insort(awards, award)
            del self._sums[bisect_left(awards, award) :]

    def discard(self, time: datetime, points: int) -> bool:
        """Takes one such award out; False where there is none."""
        index = bisect_left(self._awards, (time, points))
        if index == len(self._awards) or self._awards[index] != (time, points):
            return False
        del self._awards[index]
        del self._sums[index:]
        return True

    def count(self, since: datetime | None, until: datetime | None) -> Count:
        awards = self._awards
        start = 0 if since is None else bisect_left(awards, (since, _BEFORE_ALL_POINTS))
        end = len(awards) if until is None else bisect_left(awards, (until, _BEFORE_ALL_POINTS))
        if start >= end:
            return NOTHING
        points = self._sum_of_first(end) - self._sum_of_first(start)
        return Count(end - start, points, awards[start][0], awards[end - 1][0])

    def _sum_of_first(self, number: int) -> int:
        if number == 0:
            return 0
        sums = self._sums
        if len(sums) < number:
            if sums is _NO_SUMS:
                sums = self._sums = []
            total = sums[-1] if sums else 0
            for _, points in self._awards[len(sums) : number]:
                total += points
                sums.append(total)
        return sums[number - 1]


def _sum(left: Count, right: Count) -> Count:
    if not left.awards:
        return right
    if not right.awards:
        return left
    times = [time for time in (left.earliest, left.latest, right.earliest, right.latest) if time is not None]
    return Count(
        left.awards + right.awards,
        left.points + right.points,
        min(times, default=None),
        max(times, default=None),
    )


def _difference(left: Count, right: Count) -> Count:
    awards = left.awards - right.awards
    if awards <= 0:
        return NOTHING
    return Count(awards, left.points - right.points, left.earliest, left.latest)
