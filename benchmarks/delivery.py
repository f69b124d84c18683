"""P5: delivery by one worker beside a bare loop of the same HTTP client, and beside dead endpoints."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
import uvloop

from benchmarks import figures, workload
from benchmarks.batch import ingest, machine_cpu_s, newest_event, warm_up
from benchmarks.figures import Report, repeated
from benchmarks.receiver import Receivers, Request, receiving
from benchmarks.serve import Server, serving
from benchmarks.stand import Stand, stand
from benchmarks.startup import COMMAND
from rocket_server.delivery import endpoints, facts, outbox, signing, targets
from rocket_server.delivery.bodies import render
from rocket_server.delivery.settings import EndpointSettings
from rocket_server.leaderboards import refresh
from rocket_server.organisations import store
from rocket_server.worker.window import MOST as CONNECTIONS

DELIVERIES = 20_000  # of one round and set-up
# Ten endpoints beside the one that is well. Each has a queue that doesn't run dry.
DEAD = ("refusing",) * 5 + ("silent",) * 4 + ("broken",)
_DEAD_EVENTS = ("quiz.*", "lesson.*")
_READY = "Rocket delivers"
_START_TIMEOUT_S = 30
_TIMEOUT_S = 180
_STOP_TIMEOUT_S = 60


def run(deliveries: int = DELIVERIES) -> dict[str, Any]:
    """The figures of P5. Each round measures the bare client, the worker, and the worker beside dead
    endpoints, on queues of their own."""
    with stand() as target, receiving() as receivers, serving(target.url) as server:
        warm_up(target, server)

        def round_(number: int) -> dict[str, float]:
            alone = _Queue(target, server, receivers, f"alone{number}", deliveries)
            bare_per_s = alone.post_bare()
            values = alone.deliver()
            beside = _Queue(target, server, receivers, f"beside{number}", deliveries, DEAD)
            beside_values = beside.deliver()
            return {
                "deliveries_per_s": values.pop("deliveries_per_s"),
                "bare_posts_per_s": bare_per_s,
                "beside_dead_per_s": beside_values["deliveries_per_s"],
                **values,
                "cores_taken_by_others_beside_dead": beside_values["cores_taken_by_others"],
            }

        values = figures.repeat(round_)
    return Report(
        "P5",
        f"one `rocket work`, {deliveries:,} queued deliveries to a receiver that answers at once, from when"
        " the waiting worker may claim to the last one settled; yardstick: a bare loop of the same client"
        f" posting the same bodies over {CONNECTIONS} connections; and with {len(DEAD)} dead endpoints beside"
        f" it ({DEAD.count('refusing')} refuse, {DEAD.count('silent')} never answer,"
        f" {DEAD.count('broken')} answers 500), yardstick: without; {figures.REPEATS} rounds; every request,"
        " signature, row and attempt checked",
        [
            repeated(
                "delivery",
                "deliveries/s",
                values["deliveries_per_s"],
                values["bare_posts_per_s"],
                target=1_500,
                ratio_target=0.5,
            ),
            repeated(
                "beside dead endpoints",
                "deliveries/s",
                values["beside_dead_per_s"],
                values["deliveries_per_s"],
                ratio_target=0.9,
            ),
        ],
        figures.medians(values),
    ).as_dict()


class _Queue:
    """Events that were really taken, queued for an endpoint that is well and for `dead` ones."""

    def __init__(
        self,
        target: Stand,
        server: Server,
        receivers: Receivers,
        label: str,
        size: int,
        dead: tuple[str, ...] = (),
    ) -> None:
        self._target = target
        self._receivers = receivers
        self._dead = dead
        self._endpoint_ids, self._secret = _subscribe(target, receivers, dead)
        self._endpoint_id = self._endpoint_ids[0]
        since = newest_event(target)
        ingest(target, server, workload.events(label, size))
        _enable(target, ())
        self._bodies = _bodies(target, self._endpoint_id, since)
        assert len(self._bodies) == size, f"{len(self._bodies)} of {size} deliveries are queued"

    def post_bare(self) -> float:
        """Posts a second of the yardstick: the same client and bodies, and nothing else."""
        gc.collect()
        gc.freeze()  # as the worker does
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                seconds = runner.run(_post(self._receivers.url("well"), self._bodies))
        finally:
            gc.unfreeze()
        assert len(self._receivers.take().well) == len(self._bodies)
        return len(self._bodies) / seconds

    def deliver(self) -> dict[str, float]:
        """Lets a worker deliver it all and checks that it did; deliveries a second, and processor time."""
        size = len(self._bodies)
        with working(self._target.url) as worker:
            _let_catch_up(self._target)
            _enable(self._target, self._endpoint_ids)
            machine_s, receivers_s = machine_cpu_s(), self._receivers.cpu_s()
            database_s, worker_s = self._target.database_cpu_s(), _cpu_s(worker)
            started = time.perf_counter()
            self._wait(started)
            seconds = time.perf_counter() - started
            machine_s, receivers_s = machine_cpu_s() - machine_s, self._receivers.cpu_s() - receivers_s
            database_s, worker_s = self._target.database_cpu_s() - database_s, _cpu_s(worker) - worker_s
        self._check()
        others_s = machine_s - receivers_s - database_s - worker_s
        return {
            "deliveries_per_s": size / seconds,
            "worker_cpu_ms_per_delivery": worker_s * 1000 / size,
            "database_cpu_ms_per_delivery": database_s * 1000 / size,
            "receiver_cpu_ms_per_delivery": receivers_s * 1000 / size,
            "cores_taken_by_others": max(0.0, others_s) / seconds,
        }

    def _wait(self, started: float) -> None:
        """Returns once every delivery is settled. The database is only asked when all are received."""
        while self._receivers.count() < len(self._bodies):
            if time.perf_counter() - started > _TIMEOUT_S:
                raise RuntimeError(f"only {self._receivers.count()} deliveries came in {_TIMEOUT_S} s")
            time.sleep(0.02)

        async def pending(conn: asyncpg.Connection) -> bool:
            return bool(
                await conn.fetchval(
                    "SELECT EXISTS (SELECT FROM deliveries WHERE organisation_id = $1 AND endpoint_id = $2"
                    " AND status = 'pending')",
                    self._target.organisation_id,
                    self._endpoint_id,
                )
            )

        while self._target.query(pending):
            if time.perf_counter() - started > _TIMEOUT_S:
                raise RuntimeError(f"the results were not settled in {_TIMEOUT_S} s")
            time.sleep(0.01)

    def _check(self) -> None:
        """Raises AssertionError where a delivery didn't come exactly once, as it should, and is so noted."""
        received = self._receivers.take()
        requests = [Request.read(raw) for raw in received.well]
        found = {request.headers["webhook-id"]: request.body for request in requests}
        assert len(requests) == len(found), f"{len(requests) - len(found)} deliveries came twice"
        assert found == self._bodies, "what was received differs from what was queued"
        for request in requests:
            self._check_signatures(request)
        size = len(self._bodies)
        counts = self._target.query(self._count)
        expected = {"rows": size, "delivered": size, "attempts": size, "delivering": size}
        assert counts == expected, f"the database holds {counts}, should hold {expected}"
        for kind in set(self._dead) - {"refusing"}:
            assert getattr(received, kind) > 0, f"the {kind} receiver was never tried"

    def _check_signatures(self, request: Request) -> None:
        headers = request.headers
        assert signing.verify(self._secret, request.body, headers["x-signature"])
        verdict = signing.verify_standard(
            self._secret,
            headers["webhook-id"],
            headers["webhook-timestamp"],
            headers["webhook-signature"],
            request.body,
            now_s=time.time(),
        )
        assert verdict == "fits", f"a signature {verdict}"

    async def _count(self, conn: asyncpg.Connection) -> dict[str, int]:
        row = await conn.fetchrow(
            "SELECT d.*, a.* FROM"
            " (SELECT count(*) AS rows, count(*) FILTER (WHERE status = 'delivered' AND attempts = 1)"
            " AS delivered FROM deliveries WHERE organisation_id = $1 AND endpoint_id = $2) AS d,"
            " (SELECT count(*) AS attempts, count(*) FILTER (WHERE delivered AND status = 200) AS delivering"
            " FROM delivery_attempts WHERE organisation_id = $1 AND endpoint_id = $2) AS a",
            self._target.organisation_id,
            self._endpoint_id,
        )
        return dict(row)


@contextmanager
def working(database_url: str) -> Iterator[psutil.Process]:
    """`rocket work` with default settings, from when it says that it delivers until the block ends."""
    environment = {
        **os.environ,
        "ROCKET_DATABASE_URL": database_url,
        "ROCKET_ALLOW_PRIVATE_WEBHOOKS": "1",  # the receivers are on this machine
    }
    with tempfile.NamedTemporaryFile(prefix="rocket-bench-") as output:
        process = subprocess.Popen(
            [str(COMMAND), "work"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + _START_TIMEOUT_S
            while _READY not in (said := Path(output.name).read_text()):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the worker did not start: {said}")
                time.sleep(0.005)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _subscribe(target: Stand, receivers: Receivers, dead: tuple[str, ...]) -> tuple[list[str], str]:
    """Makes an endpoint that is well and the dead ones; their ids, that one first, and its secret."""

    async def work(conn: asyncpg.Connection) -> tuple[list[str], str]:
        async with conn.transaction():
            settings = EndpointSettings(receivers.url("well"), ("*",))
            well, secret = await endpoints.create(conn, target.organisation_id, settings, None)
            ids = [well.endpoint_id]
            for name in dead:
                settings = EndpointSettings(receivers.url(name), _DEAD_EVENTS)
                made, _ = await endpoints.create(conn, target.organisation_id, settings, None)
                ids.append(made.endpoint_id)
            return ids, secret

    return target.query(work)


def _enable(target: Stand, endpoint_ids: Sequence[str]) -> None:
    """Lets these endpoints be delivered to, and no others."""

    async def work(conn: asyncpg.Connection) -> None:
        async with conn.transaction():
            await conn.execute(
                "UPDATE endpoints SET enabled = endpoint_id = ANY ($2::uuid[]),"
                " disabled_reason = CASE WHEN NOT endpoint_id = ANY ($2::uuid[]) THEN 'by_hand' END"
                " WHERE organisation_id = $1",
                target.organisation_id,
                endpoint_ids,
            )
            await store.touch(conn, target.organisation_id)

    target.query(work)


def _let_catch_up(target: Stand) -> None:
    """Returns once the worker has brought the standings up to the events: that is other work than this."""

    async def behind(conn: asyncpg.Connection) -> bool:
        return bool(await refresh.due(conn, datetime.now(UTC), None, 1))

    deadline = time.monotonic() + _TIMEOUT_S
    while target.query(behind):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the standings are still behind after {_TIMEOUT_S} s")
        time.sleep(0.2)


def _bodies(target: Stand, endpoint_id: str, since: str) -> dict[str, bytes]:
    """What the endpoint must receive: the bodies of all events after `since`, by delivery."""

    async def work(conn: asyncpg.Connection) -> dict[str, bytes]:
        known = await targets.read(conn, target.organisation_id)
        rows = await conn.fetch(
            "SELECT event_id::text FROM events WHERE organisation_id = $1 AND event_id > $2",
            target.organisation_id,
            since,
        )
        told = await facts.read(conn, known.tenant_id, target.organisation_id, [row[0] for row in rows])
        return {
            outbox.delivery_id(event_id, endpoint_id): render(fact, "rocket")
            for event_id, fact in told.items()
        }

    return target.query(work)


async def _post(url: str, bodies: Mapping[str, bytes]) -> float:
    """Posts all of them; the seconds that it took."""
    remaining = iter(bodies.items())
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, auto_decompress=False) as session:

        async def post_some() -> None:
            for delivery_id, body in remaining:
                headers = {"Content-Type": "application/json", "webhook-id": delivery_id}
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()
                    assert response.status == 200

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(post_some())
        return time.perf_counter() - started
