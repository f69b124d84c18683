"""Group commit: requests that wait at the same time share one transaction.

Each organisation has a lane. A submission to an idle lane runs at once; what arrives while the lane's
transactions are at work waits and is taken together when one of them is done. So the wait is never longer
than a transaction, and the busier the server, the more events share the cost of one commit.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from rocket_server import pipeline
from rocket_server.configuration.snapshot import Configuration, Configurations
from rocket_server.db.halves import by_halves
from rocket_server.db.pool import Database
from rocket_server.errors import AuthenticationFailed, RocketError, Unavailable
from rocket_server.events.model import Event
from rocket_server.metrics import GROUP_EVENTS, GROUP_SECONDS, WAITING_EVENTS
from rocket_server.organisations import keys, request_log, sources
from rocket_server.organisations.request_log import Request, RequestOutcome
from rocket_server.pace import Pace, TakesTooLong
from rocket_server.pipeline import Result

log = structlog.get_logger(__name__)

# Events that wait beside a running transaction before another is begun for them. Fewer are better off sharing
# the next one: what a transaction costs by itself is as much as these events cost.
_WORTH_ANOTHER_TRANSACTION = 200

# Faulty items of a list that the request log names.
_LISTED_FAULTS = 5

# What one transaction computes at most, in comparisons of values: some tenths of a second. With the few rules
# that most organisations have it isn't felt; a thousand rules make groups small.
_GROUP_WEIGHT = 200_000

_READING_S = 10.0  # of the bodies of a group, the time that others have in between included


@dataclass(slots=True)
class Credential:
    """By what a submission was let in, and as of which version of its organisation that is known. Kept by
    the process beside the key, so that finding it good once serves later submissions."""

    kind: str  # "key" or "token", or "signature", which is checked anew for each request
    hash: bytes
    version: int


@dataclass(slots=True)
class Submission:
    """Events of one request. They are read by `read` once the organisation's configuration is known; what
    `read` raises is the answer to this request alone. With `request`, the source's log gets a row; `said` is
    what `read` says of a list's items that aren't among its events."""

    organisation_id: str
    credential: Credential
    weight: int  # events, at most
    read: Callable[[Configuration], Sequence[Event]]
    request: Request | None = None
    said: list[str] = field(default_factory=list)
    done: asyncio.Future[list[Result]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class GroupCommit:
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
        `max_waiting` events may wait in one lane."""
        self._database = database
        self._configurations = configurations
        self._in_flight = in_flight
        self._max_group = max_group
        self._max_waiting = max_waiting
        self._lanes: dict[str, _Lane] = {}
        self._closed = False

    async def submit(self, submission: Submission) -> list[Result]:
        """Results in the order of the submission's events. Raises what `read` raises, AuthenticationFailed
        where the credential was revoked meanwhile, Unavailable where the database or the lane has no room."""
        if self._closed:
            raise Unavailable("The server is stopping. Send the same request again.")
        lane = self._lanes.setdefault(submission.organisation_id, _Lane())
        if lane.waiting_events + submission.weight > self._max_waiting:
            raise Unavailable("Too many events are waiting already. Send the same request again.")
        lane.waiting.append(submission)
        lane.waiting_events += submission.weight
        WAITING_EVENTS.inc(submission.weight)
        if not lane.running or (
            lane.running < self._in_flight and lane.waiting_events >= _WORTH_ANOTHER_TRANSACTION
        ):
            lane.running += 1
            task = asyncio.create_task(self._run(submission.organisation_id, lane))
            lane.tasks.add(task)
            task.add_done_callback(lane.tasks.discard)
        # Shielded: the events stay in their group even if this client goes away.
        return await asyncio.shield(submission.done)

    def group_size(self, organisation_id: str) -> int:
        """How many events of an organisation may share a transaction, by what its rules cost each of them."""
        known = self._configurations.remembered(organisation_id)
        return self._max_group if known is None else self._size_by(known)

    def _size_by(self, configuration: Configuration) -> int:
        return max(1, min(self._max_group, _GROUP_WEIGHT // configuration.weight))

    async def close(self) -> None:
        """Take nothing more, and wait until everything that was taken is answered."""
        self._closed = True
        tasks = [task for lane in self._lanes.values() for task in lane.tasks]
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, organisation_id: str, lane: _Lane) -> None:
        try:
            while group := lane.take(self.group_size(organisation_id)):
                events = sum(submission.weight for submission in group)
                WAITING_EVENTS.dec(events)
                GROUP_EVENTS.observe(events)
                with GROUP_SECONDS.time():
                    await self._commit(organisation_id, group)
        finally:
            lane.running -= 1
            if not lane.running and not lane.waiting:
                self._lanes.pop(organisation_id, None)

    async def _commit(self, organisation_id: str, group: list[Submission]) -> None:
        """Commit a group and answer it; where it fails as a whole, its parts: one can't harm another."""

        async def work(part: Sequence[Submission]) -> None:
            answers = await self._database.run(
                lambda conn: self._work(conn, organisation_id, part), ingest=True
            )
            for submission, answer in zip(part, answers, strict=True):
                _answer(submission, answer)

        def fail(part: Sequence[Submission], error: Exception) -> None:
            if not isinstance(error, RocketError):
                log.error("submission_failed", organisation_id=organisation_id, exc_info=error)
            for submission in part:
                _answer(submission, error)

        await by_halves(group, work, fail)

    async def _work(
        self, conn: Any, organisation_id: str, group: Sequence[Submission]
    ) -> list[list[Result] | BaseException]:
        configuration = await self._configurations.current(conn, organisation_id)
        if sum(submission.weight for submission in group) > self._size_by(configuration):
            # What the rules cost wasn't known yet, or was changed, when the group was taken together.
            raise TakesTooLong
        revoked = await _revoked(conn, configuration.version, group)
        readings: list[Sequence[Event] | BaseException] = []
        pace = Pace(_READING_S)
        for submission in group:
            if pace.is_due():
                await pace.rest()
            if submission.credential.hash in revoked:
                readings.append(AuthenticationFailed("This key or token was revoked."))
                continue
            try:
                readings.append(submission.read(configuration))
            except RocketError as error:
                readings.append(error)
            except Exception as error:
                log.exception("event_not_read", organisation_id=organisation_id)
                readings.append(error)
        events = [
            event for reading in readings if not isinstance(reading, BaseException) for event in reading
        ]
        now = datetime.now(UTC)
        results = await pipeline.ingest(conn, configuration, events, now) if events else []

        answers: list[list[Result] | BaseException] = []
        start = 0
        for reading in readings:
            if isinstance(reading, BaseException):
                answers.append(reading)
            else:
                answers.append(results[start : start + len(reading)])
                start += len(reading)
        await request_log.add(conn, organisation_id, now, _logged(group, answers))
        return answers


@dataclass(slots=True)
class _Lane:
    """What waits for one organisation."""

    waiting: deque[Submission] = field(default_factory=deque)
    waiting_events: int = 0
    running: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def take(self, max_events: int) -> list[Submission]:
        """The submissions that waited longest: at least one, and no more than `max_events` events."""
        group: list[Submission] = []
        events = 0
        while self.waiting and (not group or events + self.waiting[0].weight <= max_events):
            submission = self.waiting.popleft()
            events += submission.weight
            group.append(submission)
        self.waiting_events -= events
        return group


async def _revoked(conn: Any, version: int, group: Sequence[Submission]) -> set[bytes]:
    """Credentials that don't count any more; looked up only where the organisation was changed since they
    were last found good."""
    stale = [submission.credential for submission in group if submission.credential.version != version]
    revoked: set[bytes] = set()
    for kind, live in (("key", keys.live), ("token", sources.live_tokens)):
        hashes = {credential.hash for credential in stale if credential.kind == kind}
        if hashes:
            revoked |= hashes - await live(conn, list(hashes))
    for credential in stale:
        if credential.hash not in revoked:
            credential.version = version
    return revoked


def _logged(
    group: Sequence[Submission], answers: Sequence[list[Result] | BaseException]
) -> list[tuple[Request, RequestOutcome]]:
    """What the request logs of sources say of this group."""
    logged: list[tuple[Request, RequestOutcome]] = []
    for submission, answer in zip(group, answers, strict=True):
        if submission.request is None:
            continue
        if isinstance(answer, RocketError):
            logged.append((submission.request, RequestOutcome(answer.status, "refused", answer.message)))
        elif isinstance(answer, BaseException):
            continue
        elif len(answer) == 1 and not submission.said:
            (result,) = answer
            said = result.reason or " ".join(result.notes) or None
            logged.append((submission.request, RequestOutcome(200, result.status, said, result.event_id)))
        else:
            counts = Counter(result.status for result in answer)
            counted = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
            said = "; ".join([f"list: {counted or 'no event'}", *submission.said[:_LISTED_FAULTS]])
            logged.append((submission.request, RequestOutcome(200, "list", said, None)))
    return logged


def _answer(submission: Submission, answer: list[Result] | BaseException) -> None:
    if submission.done.done():
        return
    if isinstance(answer, BaseException):
        # The future would keep the frames, and these the body and the future: see `_forget_frames`.
        submission.done.set_exception(answer.with_traceback(None))
    else:
        submission.done.set_result(answer)
