"""P3: latency of single events that arrive at a steady pace, whatever the server does."""

from __future__ import annotations

from typing import Any

from benchmarks import client, figures, workload
from benchmarks.batch import check_counts, measured, warm_up
from benchmarks.client import Load
from benchmarks.figures import Check, Report
from benchmarks.serve import serving
from benchmarks.single import PROCESSED, post
from benchmarks.stand import stand

PER_SECOND = 500
SECONDS = 60
CONNECTIONS = 64


def run(seconds: int = SECONDS) -> dict[str, Any]:
    """The figures of P3: one round of a minute. Latency counts from when a request was due."""
    with stand() as target, serving(target.url) as server:
        made = warm_up(target, server)
        singles = workload.events("singles", 2_000)
        post(target, [server], singles)
        sent = workload.events("paced", PER_SECOND * seconds)
        requests = [
            client.request("POST", "/v1/events", target.api_key, body) for body in workload.bodies(sent)
        ]
        load = Load([server.port], requests, PROCESSED, CONNECTIONS, seconds + 60, PER_SECOND)
        outcome, costs = measured(target, [server], load, len(sent))
        check_counts(target, [*made, *singles, *sent], deliveries=False)
    latencies = outcome.latencies_s
    return Report(
        "P3",
        f"{PER_SECOND} single events a second for {seconds} s, open loop; no errors, counts checked",
        [
            Check("p50", figures.percentile_ms(latencies, 50), "ms", 8, at_least=False),
            Check("p99", figures.percentile_ms(latencies, 99), "ms", 40, at_least=False),
        ],
        {
            "p90_ms": figures.percentile_ms(latencies, 90),
            "p99.9_ms": figures.percentile_ms(latencies, 99.9),
            "max_ms": max(latencies) * 1000,
            "took_s": outcome.seconds,
            **costs,
        },
    ).as_dict()
