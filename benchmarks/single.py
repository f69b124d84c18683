"""P2: single events on many connections, beside the same endpoint's work without the database."""

from __future__ import annotations

from typing import Any

from benchmarks import client, figures, workload, yardstick
from benchmarks.batch import check_counts, measured, warm_up
from benchmarks.client import Load, Outcome
from benchmarks.figures import Report, repeated
from benchmarks.serve import Server, serving
from benchmarks.stand import Stand, stand

EVENTS = 15_000  # of one round
CONNECTIONS = 64
PROCESSED = b'"status":"processed"'
_VALID = b'"valid":true'


def run() -> dict[str, Any]:
    """The figures of P2."""
    with stand() as target, serving(target.url) as server:
        made = warm_up(target, server)

        def round_(number: int) -> dict[str, float]:
            sent = workload.events(f"round{number}", EVENTS)
            validated = validate(target, server, sent)
            outcome, costs = post(target, [server], sent)
            made.extend(sent)
            return {
                "events_per_s": EVENTS / outcome.seconds,
                "validated_per_s": validated,
                "p50_ms": figures.percentile_ms(outcome.latencies_s, 50),
                "p99_ms": figures.percentile_ms(outcome.latencies_s, 99),
                **costs,
            }

        values = figures.repeat(round_)
        check_counts(target, made, deliveries=False)
    return Report(
        "P2",
        f"POST /v1/events, {CONNECTIONS} keep-alive connections, one server process; yardstick: the same"
        f" bodies read and answered without the database; {figures.REPEATS} rounds of {EVENTS:,} events;"
        " counts checked",
        [
            repeated(
                "single events",
                "events/s",
                values["events_per_s"],
                values["validated_per_s"],
                target=2_500,
                ratio_target=0.45,
            )
        ],
        figures.medians(values),
    ).as_dict()


def post(
    target: Stand, servers: list[Server], made: list[dict[str, Any]], connections: int = CONNECTIONS
) -> tuple[Outcome, dict[str, float]]:
    """Posts events one by one, over connections spread across the servers."""
    requests = [client.request("POST", "/v1/events", target.api_key, body) for body in workload.bodies(made)]
    load = Load([server.port for server in servers], requests, PROCESSED, connections, timeout_s=120)
    return measured(target, servers, load, len(made))


def validate(target: Stand, server: Server, made: list[dict[str, Any]]) -> float:
    """Answers a second to the same bodies on as many connections, without the database: the yardstick."""
    requests = [
        client.request("POST", yardstick.PATH, target.api_key, body) for body in workload.bodies(made)
    ]
    outcome = client.send(Load([server.port], requests, _VALID, CONNECTIONS, timeout_s=120))
    return len(made) / outcome.seconds
