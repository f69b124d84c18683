"""Events come in: what a group of submissions is read to, awarded, logged and answered.

Submissions of one organisation share transactions (`lanes.py`). Within one of them each is read by the
configuration of that moment, and by nothing that was remembered: a credential that was revoked meanwhile
doesn't count any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import structlog

from rocket_server import pipeline
from rocket_server.configuration.snapshot import Configuration, Configurations
from rocket_server.db.pool import Database
from rocket_server.errors import AuthenticationFailed, RocketError
from rocket_server.events.model import Event
from rocket_server.lanes import Lanes, Meters
from rocket_server.metrics import EVENTS, GROUP_EVENTS, GROUP_SECONDS, POINTS, WAITING_EVENTS
from rocket_server.organisations import request_log
from rocket_server.organisations.admission import Credential, revoked
from rocket_server.organisations.request_log import Request, RequestOutcome
from rocket_server.pace import Pace, TakesTooLong
from rocket_server.pipeline import Result

log = structlog.get_logger(__name__)

# Faulty items of a list that the request log names.
LISTED_FAULTS = 5

# What one transaction computes at most, in comparisons of values: some tenths of a second. With the few rules
# that most organisations have it isn't felt; a thousand rules make groups small.
_GROUP_WEIGHT = 200_000

_READING_S = 10.0  # of the bodies of a group, the time that others have in between included

_METERS: Final = Meters(WAITING_EVENTS, GROUP_EVENTS, GROUP_SECONDS)
_events = cache(EVENTS.labels)  # looking up a metric's child takes longer than counting


@dataclass(slots=True)
class Submission:
    """Events of one request. They are read by `read` once the organisation's configuration is known; what
    `read` raises is the answer to this request alone, and None stands for an item of a list that is no
    event. With `request`, the source's log gets a row; `said` is what `read` says of such items, of which
    LISTED_FAULTS are enough."""

    organisation_id: str
    credential: Credential
    weight: int  # events, at most
    read: Callable[[Configuration], Iterable[Event | None]]
    request: Request | None = None
    said: list[str] = field(default_factory=list)


class Intake:
    """Takes submissions and answers each when its events are committed."""

    def __init__(
        self,
        database: Database,
        configurations: Configurations,
        *,
        in_flight: int = 2,
        max_group: int = 2_000,
        max_waiting: int = 50_000,
    ) -> None:
        """`in_flight` transactions of one organisation run at once, each with at most `max_group` events;
        `max_waiting` events of one organisation may wait."""
        self._configurations = configurations
        self._max_group = max_group
        self._lanes: Lanes[Submission, list[Result]] = Lanes(
            database,
            self._work,
            most=self.group_size,
            meters=_METERS,
            in_flight=in_flight,
            max_waiting=max_waiting,
        )

    async def submit(self, submission: Submission) -> list[Result]:
        """Results in the order of the submission's events. Raises what `read` raises, AuthenticationFailed
        where the credential was revoked meanwhile, Unavailable where the database or the lane has no room."""
        results = await self._lanes.submit(submission.organisation_id, submission, submission.weight)
        for status, times in Counter(result.status for result in results).items():
            _events(status).inc(times)
        POINTS.inc(sum(result.points_awarded for result in results if result.points_awarded > 0))
        return results

    def group_size(self, organisation_id: str) -> int:
        """How many events of an organisation may share a transaction, by what its rules cost each of them."""
        known = self._configurations.remembered(organisation_id)
        return self._max_group if known is None else self._size_by(known)

    async def close(self) -> None:
        """Take nothing more, and wait until everything that was taken is answered."""
        await self._lanes.close()

    def _size_by(self, configuration: Configuration) -> int:
        return group_size(configuration, self._max_group)

    async def _work(
        self, conn: Any, organisation_id: str, group: Sequence[Submission]
    ) -> list[list[Result] | Exception]:
        configuration = await self._configurations.equipped(conn, organisation_id)
        if sum(submission.weight for submission in group) > self._size_by(configuration):
            # What the rules cost wasn't known yet, or was changed, when the group was taken together.
            raise TakesTooLong
        gone = await revoked(conn, configuration.version, [one.credential for one in group])
        readings = await _read(configuration, group, gone)
        events = [event for reading in readings if not isinstance(reading, Exception) for event in reading]
        now = datetime.now(UTC)
        results = iter(await pipeline.ingest(conn, configuration, events, now) if events else ())
        answers = [_answer(reading, results) for reading in readings]
        await request_log.add(conn, organisation_id, now, _logged(group, answers))
        return answers


def group_size(configuration: Configuration, most: int) -> int:
    """How many events may share a transaction, at most `most`, by what the organisation's rules cost each."""
    return max(1, min(most, _GROUP_WEIGHT // max(1, configuration.weight)))


async def _read(
    configuration: Configuration, group: Sequence[Submission], gone: set[bytes]
) -> list[Sequence[Event] | Exception]:
    """The events of each submission, or why it has none."""
    readings: list[Sequence[Event] | Exception] = []
    pace = Pace(_READING_S)
    for submission in group:
        if submission.credential.hash in gone:
            readings.append(AuthenticationFailed("This key or token was revoked."))
            continue
        try:
            events: list[Event] = []
            for event in submission.read(configuration):
                if event is not None:
                    events.append(event)
                if pace.is_due():
                    await pace.rest()
            readings.append(events)
        except RocketError as error:
            readings.append(error)
        except Exception as error:
            log.exception("event_not_read", organisation_id=configuration.organisation_id)
            readings.append(error)
    return readings


def _answer(reading: Sequence[Event] | Exception, results: Iterator[Result]) -> list[Result] | Exception:
    """The results of a submission's own events: `results` are those of all, in the same order."""
    return reading if isinstance(reading, Exception) else [next(results) for _ in reading]


def _logged(
    group: Sequence[Submission], answers: Sequence[list[Result] | Exception]
) -> list[tuple[Request, RequestOutcome]]:
    """What the request logs of sources say of this group."""
    logged: list[tuple[Request, RequestOutcome]] = []
    for submission, answer in zip(group, answers, strict=True):
        if submission.request is None:
            continue
        if isinstance(answer, RocketError):
            logged.append((submission.request, RequestOutcome(answer.status, "refused", answer.message)))
        elif isinstance(answer, Exception):
            continue
        elif len(answer) == 1 and not submission.said:
            (result,) = answer
            said = result.reason or " ".join(result.notes) or None
            logged.append((submission.request, RequestOutcome(200, result.status, said, result.event_id)))
        else:
            counts = Counter(result.status for result in answer)
            counted = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
            said = "; ".join([f"list: {counted or 'no event'}", *submission.said[:LISTED_FAULTS]])
            logged.append((submission.request, RequestOutcome(200, "list", said, None)))
    return logged
