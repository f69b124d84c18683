"""P1: batch ingest beside bare inserts of the same rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import asyncpg
import psutil

from benchmarks import client, figures, workload
from benchmarks.client import Load, Outcome
from benchmarks.figures import Report, repeated
from benchmarks.serve import Server, serving
from benchmarks.stand import Stand, stand, subscribe_webhook

EVENTS = 60_000  # of one round
BATCH = 500
IN_FLIGHT = 4
_EXPECT = b'"duplicates":0,"failed":0'

_TEXTS = {"jsonb": "text", "text[]": "text"}  # how a column's values travel in an array


def run() -> dict[str, Any]:
    """The figures of P1."""
    with stand() as target, serving(target.url) as server:
        subscribe_webhook(target)
        made = warm_up(target, server)

        def round_(number: int) -> dict[str, float]:
            since = newest_event(target)
            sent = workload.events(f"round{number}", EVENTS)
            figures_of_round = ingest(target, server, sent)
            made.extend(sent)
            return {**figures_of_round, "bare_rows_per_s": bare_inserts(target, since)}

        values = figures.repeat(round_)
        check_counts(target, made)
    return Report(
        "P1",
        f"POST /v1/events/batch, {BATCH} events a request, {IN_FLIGHT} in flight, {workload.LEARNERS:,}"
        f" learners, default rules, one webhook; yardstick: the same rows by bare INSERT; {figures.REPEATS}"
        f" rounds of {EVENTS:,} events; counts of events, deliveries, entries and balances checked",
        [
            repeated(
                "batch ingest",
                "events/s",
                values["events_per_s"],
                values["bare_rows_per_s"],
                target=8_000,
                ratio_target=0.35,
            )
        ],
        figures.medians(values),
    ).as_dict()


def warm_up(target: Stand, server: Server, label: str = "warm") -> list[dict[str, Any]]:
    """Lets every learner be seen once. The events sent."""
    made = workload.events(label, workload.LEARNERS)
    for number, event in enumerate(made):
        event["user_id"] = f"learner-{number}"
    ingest(target, server, made)
    return made


def ingest(target: Stand, server: Server, made: list[dict[str, Any]]) -> dict[str, float]:
    """Sends events in batches; events a second and processor time an event."""
    requests = [
        client.request("POST", "/v1/events/batch", target.api_key, body)
        for body in workload.batches(made, BATCH)
    ]
    load = Load([server.port], requests, _EXPECT, IN_FLIGHT, timeout_s=180)
    outcome, costs = measured(target, [server], load, len(made))
    return {"events_per_s": len(made) / outcome.seconds, **costs}


def measured(
    target: Stand, servers: Sequence[Server], load: Load, events: int
) -> tuple[Outcome, dict[str, float]]:
    """Sends a load; processor milliseconds an event of server, PostgreSQL and client, and how many cores
    others kept busy meanwhile: a figure measured beside others says less."""
    server_s, database_s = sum(server.cpu_s() for server in servers), target.database_cpu_s()
    machine_s, started = machine_cpu_s(), time.perf_counter()
    outcome = client.send(load)
    machine_s, seconds = machine_cpu_s() - machine_s, time.perf_counter() - started
    server_s = sum(server.cpu_s() for server in servers) - server_s
    database_s = target.database_cpu_s() - database_s
    return outcome, {
        "cores_taken_by_others": max(0.0, machine_s - server_s - database_s - outcome.cpu_s) / seconds,
        "server_cpu_ms_per_event": server_s * 1000 / events,
        "database_cpu_ms_per_event": database_s * 1000 / events,
        "client_cpu_ms_per_event": outcome.cpu_s * 1000 / events,
    }


def machine_cpu_s() -> float:
    """Processor seconds that the whole machine has worked."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + getattr(times, "steal", 0.0))


def newest_event(target: Stand) -> str:
    """The id after which the events of a round lie."""
    found = target.fetch_value(
        "SELECT event_id::text FROM events WHERE organisation_id = $1 ORDER BY event_id DESC LIMIT 1",
        target.organisation_id,
    )
    return found or "00000000-0000-0000-0000-000000000000"


def bare_inserts(target: Stand, since: str, limit: int = EVENTS) -> float:
    """Rows a second of the yardstick: the events stored after `since`, put into a table of the same shape,
    500 a transaction, on one connection. The rows are read and laid out beforehand."""

    async def work(conn: asyncpg.Connection) -> float:
        await conn.execute("DROP TABLE IF EXISTS bare_events")
        await conn.execute("CREATE TABLE bare_events (LIKE events INCLUDING ALL)")
        columns = await conn.fetch(
            "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute"
            " WHERE attrelid = 'events'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        travelling = [_TEXTS.get(column["type"], column["type"]) for column in columns]
        names = ", ".join(column["name"] for column in columns)
        shown = ", ".join(
            f"{column['name']}::{travel}" for column, travel in zip(columns, travelling, strict=True)
        )
        values = ", ".join(f"{column['name']}::{column['type']}" for column in columns)
        arrays = ", ".join(f"${number}::{travel}[]" for number, travel in enumerate(travelling, 1))
        rows = await conn.fetch(
            f"SELECT {shown} FROM events WHERE organisation_id = $1 AND event_id > $2"
            " ORDER BY event_id LIMIT $3",
            target.organisation_id,
            since,
            limit,
        )
        groups = [
            [
                list(column)
                for column in zip(*(row.values() for row in rows[start : start + BATCH]), strict=True)
            ]
            for start in range(0, len(rows), BATCH)
        ]
        insert = await conn.prepare(
            f"INSERT INTO bare_events ({names}) SELECT {values} FROM unnest({arrays}) AS rows ({names})"
            " ON CONFLICT DO NOTHING"
        )
        started = time.perf_counter()
        for group in groups:
            async with conn.transaction():
                await insert.fetch(*group)
        seconds = time.perf_counter() - started
        stored = await conn.fetchval("SELECT count(*) FROM bare_events")
        assert stored == len(rows), f"{stored} of {len(rows)} rows were stored"
        await conn.execute("DROP TABLE bare_events")
        return len(rows) / seconds

    return target.query(work)


def check_counts(target: Stand, made: list[dict[str, Any]], deliveries: bool = True) -> None:
    """Raises AssertionError where the database doesn't hold exactly what these events make."""
    wanted = workload.expected(made)

    async def count(conn: asyncpg.Connection) -> dict[str, Any]:
        row = await conn.fetchrow(
            "SELECT (SELECT count(*) FROM events WHERE status = 'processed') AS events,"
            " (SELECT count(*) FROM event_keys) AS event_keys,"
            " (SELECT count(*) FROM deliveries) AS deliveries,"
            " (SELECT count(*) FROM entries) AS entries,"
            " (SELECT sum(amount)::bigint FROM entries) AS points,"
            " (SELECT sum(points)::bigint FROM accounts) AS balances"
        )
        balances = await conn.fetch(
            "SELECT l.user_id, a.points FROM learners l"
            " JOIN accounts a ON a.organisation_id = l.organisation_id AND a.account_id = l.learner_id"
            " WHERE a.points <> 0"
        )
        return {**row, "by_user": dict(tuple(each.values()) for each in balances)}

    found = target.query(count)
    by_user = found.pop("by_user")
    asked = {
        "events": wanted.events,
        "event_keys": wanted.events,
        "deliveries": wanted.events if deliveries else 0,
        "entries": wanted.entries,
        "points": wanted.points,
        "balances": wanted.points,
    }
    assert found == asked, f"the database holds {found}, should hold {asked}"
    assert by_user == wanted.points_by_user, "a learner's balance differs"
