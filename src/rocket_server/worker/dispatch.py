"""Finds endpoints with work, claims for each no more than it can take at once, and sends."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import asyncpg
import structlog

from rocket_server.db.halves import is_nobodys
from rocket_server.db.pool import Database
from rocket_server.delivery import facts, queue
from rocket_server.delivery.bodies import render
from rocket_server.delivery.model import AttemptResult, Claimed, Fact, Target
from rocket_server.delivery.settle import DeliveryResult
from rocket_server.delivery.targets import TargetCache
from rocket_server.errors import RocketError
from rocket_server.jobs import Rests
from rocket_server.worker.ports import Plugins, WebhookSender
from rocket_server.worker.settling import Settling
from rocket_server.worker.window import Window

log = structlog.get_logger(__name__)

_POLL_S: Final = (0.15, 0.25)  # between two looks for work, drawn anew each time
_AWAY_MAX_S: Final = 5.0  # between two while the database is away
_ENDPOINTS: Final = 500  # found with one look
_LANES: Final = 10_000  # endpoints that are remembered
_CLAIMS: Final = 4  # at once
_CLAIM_AT_LEAST: Final = 16  # free slots, before endpoints are asked for more: claims in sets are cheaper
_GUARD_S: Final = 3.5  # how much longer than the time-out a sender may take, whatever it does
# A delivery that so many workers in a row were lost with isn't innocent.
MAX_LOST: Final = 20


@dataclass(slots=True, eq=False)
class _Lane:
    """One endpoint. `in_flight` counts what is asked for too."""

    organisation_id: str
    endpoint_id: str
    window: Window
    in_flight: int = 0
    claiming: bool = False
    turn: int = 0  # grows with each claim, of whatever endpoint


@dataclass(slots=True)
class _Work:
    """What a claim brought, ready to be sent: where each delivery goes and what it tells."""

    ready: list[tuple[Target, Claimed, Fact]] = field(default_factory=list)
    untold: list[DeliveryResult] = field(default_factory=list)  # what came of it without being sent
    to_give_back: list[Claimed] = field(default_factory=list)


class Dispatcher:
    """Keeps at most `concurrency` deliveries in flight, fairly divided among endpoints.

    An endpoint with nothing in flight comes first. Each has a window of its own, and those that fail share
    half of all slots, so that however many of them there are, the others are served.
    """

    def __init__(
        self,
        database: Database,
        sender: WebhookSender,
        plugins: Plugins,
        settling: Settling,
        concurrency: int,
    ) -> None:
        self._database = database
        self._sender = sender
        self._plugins = plugins
        self._settling = settling
        self._concurrency = concurrency
        self._targets = TargetCache()
        self._lanes: OrderedDict[tuple[str, str], _Lane] = OrderedDict()
        self._hungry: set[_Lane] = set()
        self._busy: set[_Lane] = set()
        self._in_flight = 0
        self._turns = 0
        self._rests = Rests()  # endpoints whose claims failed
        self._claims: set[asyncio.Task[None]] = set()
        self._sends: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Deliveries that are being claimed, sent or handed over to be settled."""
        return self._in_flight

    async def run(self) -> None:
        """Find work and send it until `stop`; then wait for what is in flight."""
        polling = asyncio.create_task(self._poll())
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                self._start_claims()
                await self._wake.wait()
            while self._claims or self._sends:
                await asyncio.wait({*self._claims, *self._sends})
        finally:
            for task in (polling, *self._claims, *self._sends):
                task.cancel()
            await asyncio.gather(polling, *self._claims, *self._sends, return_exceptions=True)

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping.set()
        self._wake.set()

    async def _poll(self) -> None:
        away_s = 0.0
        while not self._stopping.is_set():
            try:
                await self._look()
            except (RocketError, asyncpg.PostgresError) as error:
                if not away_s:
                    log.warning("queue_not_read", reason=str(error))
                away_s = min(max(away_s * 2, _POLL_S[1]), _AWAY_MAX_S)
            else:
                if away_s:
                    log.info("queue_read_again")
                away_s = 0.0
            pause_s = max(away_s * random.uniform(0.5, 1), random.uniform(*_POLL_S))  # noqa: S311
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _look(self) -> None:
        """Go through all endpoints with work, so that none is hidden by those that always have some."""
        after: queue.Due | None = None
        while not self._stopping.is_set():
            async with self._database.connection() as conn:
                found = await queue.due(conn, self._plugins.known(), after, _ENDPOINTS)
            self._note(found)
            if len(found) < _ENDPOINTS:
                return
            after = found[-1]

    def _note(self, found: Iterable[queue.Due]) -> None:
        for due in found:
            key = (due.organisation_id, due.endpoint_id)
            if self._rests.rests(key):
                continue
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = _Lane(*key, Window(due.failures))
            self._lanes.move_to_end(key)
            self._hungry.add(lane)
        self._forget()
        self._wake.set()

    def _forget(self) -> None:
        """Forget the endpoints that were idle for longest, where there are too many."""
        surplus = len(self._lanes) - _LANES
        if surplus > 0:
            idle = (key for key, lane in self._lanes.items() if not lane.in_flight)
            for key in list(islice(idle, surplus)):
                self._hungry.discard(self._lanes.pop(key))

    def _start_claims(self) -> None:
        """Ask for as much as there is room for, for the endpoints with the least in flight first, and among
        these for the ones whose last turn was longest ago."""
        failing = sum(lane.in_flight for lane in self._busy if lane.window.failing)
        for lane in sorted(self._hungry, key=_least_first):
            free = self._concurrency - self._in_flight
            if len(self._claims) >= _CLAIMS or free < min(_CLAIM_AT_LEAST, max(1, self._concurrency // 8)):
                return
            room = min(self._room(lane), free)
            if lane.window.failing:
                room = min(room, self._concurrency // 2 - failing)
                failing += max(room, 0)
            if room <= 0:
                continue
            lane.claiming = True
            self._turns += 1
            lane.turn = self._turns
            self._occupy(lane, room)
            task = asyncio.create_task(self._claim(lane, room))
            self._claims.add(task)
            task.add_done_callback(self._claims.discard)

    def _room(self, lane: _Lane) -> int:
        """How many more the endpoint may have; none while that is little: claims in sets are cheaper."""
        room = lane.window.size - lane.in_flight
        return 0 if lane.claiming or (lane.in_flight and room < lane.window.size // 2) else room

    def _occupy(self, lane: _Lane, count: int) -> None:
        lane.in_flight += count
        self._in_flight += count
        self._busy.add(lane)

    def _free(self, lane: _Lane, count: int = 1) -> None:
        lane.in_flight -= count
        self._in_flight -= count
        if not lane.in_flight:
            self._busy.discard(lane)
        if self._hungry:
            self._wake.set()

    async def _claim(self, lane: _Lane, count: int) -> None:
        occupied = count
        try:
            work = await self._take(lane, count)
            for target, claimed, fact in work.ready:
                task = asyncio.create_task(self._send(lane, target, claimed, fact))
                self._sends.add(task)
                task.add_done_callback(self._sends.discard)
                occupied -= 1
            for result in work.untold:
                await self._settling.put(result)
            self._rests.succeeded((lane.organisation_id, lane.endpoint_id))
        except Exception as error:
            self._hungry.discard(lane)  # until it is found again, and doesn't rest
            self._rests.failed((lane.organisation_id, lane.endpoint_id))
            if isinstance(error, RocketError | asyncpg.PostgresError):
                log.warning("claim_failed", endpoint_id=lane.endpoint_id, reason=str(error))
            else:
                log.exception("claim_broke", endpoint_id=lane.endpoint_id)
        finally:
            lane.claiming = False
            self._free(lane, occupied)
            self._wake.set()

    async def _take(self, lane: _Lane, count: int) -> _Work:
        """Claim up to `count` deliveries and read what they need. Nothing is held when this returns.

        It is one transaction: where an endpoint can't be read, nothing was claimed. What can't be told is
        found out only where reading all at once failed.
        """
        try:
            return await self._take_all(lane, count, facts.read_all)
        except Exception as error:
            if is_nobodys(error):
                raise
            return await self._take_all(lane, count, facts.read_apart)

    async def _take_all(self, lane: _Lane, count: int, read: facts.Read) -> _Work:
        organisation_id = lane.organisation_id

        async def take(conn: Any) -> tuple[int, _Work]:
            claim = await queue.claim(conn, organisation_id, lane.endpoint_id, count)
            if claim is None or not claim.deliveries:
                return 0, _Work()
            now = datetime.now(UTC)
            targets = await self._targets.current(conn, organisation_id, claim.version, now)
            event_ids = [claimed.event_id for claimed in claim.deliveries]
            known, unreadable = await read(conn, targets.tenant_id, organisation_id, event_ids)
            work = _sort(claim.deliveries, targets.by_id.get(lane.endpoint_id), known, unreadable, now)
            if work.to_give_back:
                await queue.give_back(conn, organisation_id, work.to_give_back)
            return len(claim.deliveries), work

        claimed, work = await self._database.run(take, ingest=True)
        if claimed < count:
            self._hungry.discard(lane)
        return work

    async def _send(self, lane: _Lane, target: Target, claimed: Claimed, fact: Fact) -> None:
        started_at = datetime.now(UTC)
        outcome: AttemptResult | None
        try:
            try:
                async with asyncio.timeout(target.timeout_ms / 1000 + _GUARD_S):
                    outcome = await self._deliver(target, claimed, fact)
            except TimeoutError:
                outcome = _failed(started_at, "timeout", "It took longer than its time-out.")
            except Exception as error:
                log.exception("delivery_broke", endpoint_id=claimed.endpoint_id)
                outcome = _failed(started_at, "internal", f"{type(error).__name__} while it was being sent.")
            if outcome is None:
                lane.window.crowded()
                self._hungry.discard(lane)  # until it is found again: others may have room sooner
                await self._give_back(claimed)
                return
            if outcome.delivered:
                lane.window.succeeded()
            else:
                lane.window.failed()
            await self._settling.put(DeliveryResult(claimed, outcome))
        finally:
            self._free(lane)

    async def _give_back(self, claimed: Claimed) -> None:
        """Leave a delivery that wasn't tried to whoever has room for it first."""
        try:
            async with self._database.transaction() as conn:
                await queue.give_back(conn, claimed.organisation_id, [claimed])
        except (RocketError, asyncpg.PostgresError) as error:
            log.warning("not_given_back", endpoint_id=claimed.endpoint_id, reason=str(error))

    async def _deliver(self, target: Target, claimed: Claimed, fact: Fact) -> AttemptResult | None:
        if target.kind == "plugin":
            service = self._plugins.http_target(target)
            if service is None:
                return await self._plugins.call(target, claimed, fact)
            target = service
        return await self._sender.send(target, claimed.delivery_id, render(fact, target.format))


def _sort(
    deliveries: Sequence[Claimed],
    target: Target | None,
    known: dict[str, Fact],
    unreadable: Collection[str],
    now: datetime,
) -> _Work:
    work = _Work()
    for claimed in deliveries:
        fact = known.get(claimed.event_id)
        if claimed.lost > MAX_LOST:
            sentence = f"{claimed.lost} workers in a row were lost while they sent it."
            work.untold.append(_given_up(claimed, now, "workers_lost", sentence))
        elif target is None:  # it was disabled in between
            work.to_give_back.append(claimed)
        elif claimed.event_id in unreadable:
            # A try that failed: it comes again later, when the cause may have been mended.
            outcome = _failed(now, "unreadable", "Its event can't be read; the log says why.")
            work.untold.append(DeliveryResult(claimed, outcome))
        elif fact is None:
            sentence = "The event that it tells of isn't stored any more."
            work.untold.append(_given_up(claimed, now, "event_gone", sentence))
        else:
            work.ready.append((target, claimed, fact))
    return work


def _given_up(claimed: Claimed, now: datetime, error: str, sentence: str) -> DeliveryResult:
    return DeliveryResult(claimed, AttemptResult(now, 0, None, error, sentence), sentence)


def _failed(started_at: datetime, error: str, answer: str) -> AttemptResult:
    elapsed = datetime.now(UTC) - started_at
    return AttemptResult(started_at, int(elapsed.total_seconds() * 1000), None, error, answer)


def _least_first(lane: _Lane) -> Any:
    return lane.in_flight, lane.turn
