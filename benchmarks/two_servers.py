"""P12: two server processes on one database beside one, with the same clients."""

from __future__ import annotations

from typing import Any

from benchmarks import figures, workload
from benchmarks.batch import check_counts, warm_up
from benchmarks.figures import Report, repeated
from benchmarks.serve import Server, serving
from benchmarks.single import CONNECTIONS, post
from benchmarks.stand import Stand, stand

EVENTS = 15_000  # of one round and set-up
_WARM_UP = 1_000


def run() -> dict[str, Any]:
    """The figures of P12. Each round measures one server, then both, on one database."""
    with stand() as target, serving(target.url) as first, serving(target.url) as second:
        made = warm_up(target, first)

        def round_(number: int) -> dict[str, float]:
            alone = _measure(target, [first], f"one{number}", made)
            both = _measure(target, [first, second], f"two{number}", made)
            return {f"{name}_one": value for name, value in alone.items()} | {
                f"{name}_two": value for name, value in both.items()
            }

        _measure(target, [first, second], "warm2", made, _WARM_UP)
        values = figures.repeat(round_)
        check_counts(target, made, deliveries=False)
    return Report(
        "P12",
        f"POST /v1/events over {CONNECTIONS} connections to two server processes; yardstick: to one;"
        f" {figures.REPEATS} rounds of {EVENTS:,} events each; nothing awarded twice",
        [
            repeated(
                "two processes",
                "events/s",
                values["events_per_s_two"],
                values["events_per_s_one"],
                ratio_target=1.0,
            ),
            repeated(
                "processor time",
                "ms/event",
                values["cpu_ms_per_event_two"],
                values["cpu_ms_per_event_one"],
                ratio_target=1.15,
                ratio_at_least=False,
            ),
        ],
        figures.medians(values),
    ).as_dict()


def _measure(
    target: Stand, servers: list[Server], label: str, made: list[dict[str, Any]], count: int = EVENTS
) -> dict[str, float]:
    """Posts events over connections spread across the servers; processor time is theirs and PostgreSQL's."""
    sent = workload.events(label, count)
    outcome, costs = post(target, servers, sent)
    made.extend(sent)
    return {
        "events_per_s": count / outcome.seconds,
        "cpu_ms_per_event": costs["server_cpu_ms_per_event"] + costs["database_cpu_ms_per_event"],
        "cores_taken_by_others": costs["cores_taken_by_others"],
    }
