"""P9: batch ingest and balance reads with many events stored already, beside an empty database."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from benchmarks import client, figures, workload
from benchmarks.batch import EVENTS, ingest, warm_up
from benchmarks.client import Load
from benchmarks.figures import Report, repeated
from benchmarks.serve import Server, serving
from benchmarks.stand import Stand, stand, subscribe_webhook
from rocket_server.db.queries import load

SQL = load(__file__, "fill.sql")

STORED = 10_000_000
READS = 10_000  # of one round
READERS = 4  # connections
_AT_ONCE = 250_000
_BYTES_PER_EVENT = 2_000  # with indexes and log, generously
_FILL_TIMEOUT_S = 3_600
_VERIFIED_LEARNERS, _VERIFIED_EVENTS = 200, 4_807


def run(events: int = STORED) -> dict[str, Any]:
    """The figures of P9 with `events` stored."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < events * _BYTES_PER_EVENT:
        raise RuntimeError(f"{events:,} events need {events * _BYTES_PER_EVENT / 1e9:.0f} GB of free disk")
    check_fill()
    with stand() as target:
        empty = _measure(target)
    with stand() as target:
        filled_s = fill(target, events)
        stored = _measure(target)
        found = target.fetch_value("SELECT count(*) FROM events")
        wanted = events + workload.LEARNERS + figures.REPEATS * EVENTS
        assert found == wanted, f"{found} of {wanted} events are stored"
        size = target.fetch_value("SELECT pg_database_size(current_database())")
    return Report(
        "P9",
        f"P1 and GET /v1/users/{{id}}/balance over {READERS} connections with {events:,} events stored;"
        f" yardstick: the same on an empty database; {figures.REPEATS} rounds",
        [
            repeated(
                "batch ingest", "events/s", stored["events_per_s"], empty["events_per_s"], ratio_target=0.8
            ),
            repeated(
                "balance p99", "ms", stored["read_p99_ms"], empty["read_p99_ms"], target=5, at_least=False
            ),
        ],
        {
            "stored_events": events,
            "fill_s": round(filled_s),
            "database_gb": round(size / 1e9, 1),
            **figures.medians({f"{name}_stored": found for name, found in stored.items()}),
            **figures.medians({f"{name}_empty": found for name, found in empty.items()}),
        },
    ).as_dict()


def _measure(target: Stand) -> dict[str, list[float]]:
    with serving(target.url) as server:
        subscribe_webhook(target)
        warm_up(target, server)
        read_balances(target, server, "warm")
        return figures.repeat(
            lambda number: {
                **ingest(target, server, workload.events(f"round{number}", EVENTS)),
                **read_balances(target, server, f"reads{number}"),
            }
        )


def read_balances(target: Stand, server: Server, seed: str) -> dict[str, float]:
    """Reads balances of learners at random."""
    rng = random.Random(seed)
    requests = [
        client.request("GET", f"/v1/users/learner-{rng.randrange(workload.LEARNERS)}/balance", target.api_key)
        for _ in range(READS)
    ]
    outcome = client.send(Load([server.port], requests, b'"earned":', READERS, timeout_s=120))
    return {
        "reads_per_s": READS / outcome.seconds,
        "read_p50_ms": figures.percentile_ms(outcome.latencies_s, 50),
        "read_p99_ms": figures.percentile_ms(outcome.latencies_s, 99),
    }


def fill(target: Stand, events: int, learners: int = workload.LEARNERS) -> float:
    """Stores events with everything that belongs to them, as if the server had; the seconds it took."""
    first = datetime.now(UTC) - timedelta(seconds=2 * events + 30 * 86_400)

    async def work(conn: asyncpg.Connection) -> None:
        await conn.execute("SET synchronous_commit = off")
        organisation = target.organisation_id
        await conn.execute(SQL["fill_learners"], organisation, learners, events)
        for start in range(0, events, _AT_ONCE):
            end = min(start + _AT_ONCE, events)
            await conn.execute(
                SQL["fill_events"],
                organisation,
                learners,
                start,
                end,
                first,
                timeout=_FILL_TIMEOUT_S,
            )
        await conn.execute("VACUUM (ANALYZE)", timeout=_FILL_TIMEOUT_S)
        await conn.execute("CHECKPOINT", timeout=_FILL_TIMEOUT_S)

    started = time.monotonic()
    target.query(work)
    return time.monotonic() - started


def check_fill() -> None:
    """Raises AssertionError where what `fill` stores isn't what the server would have stored."""
    with stand() as target:
        fill(target, _VERIFIED_EVENTS, _VERIFIED_LEARNERS)
        found = target.verify()
        assert not found, f"the filled database doesn't add up: {found[:3]}"
