"""P4: Moodle's hook with bodies that a real Moodle sent, beside single events by the API (P2)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import client, figures, workload
from benchmarks.batch import measured, warm_up
from benchmarks.client import Load
from benchmarks.figures import Report, repeated
from benchmarks.serve import Server, serving
from benchmarks.single import post
from benchmarks.stand import Stand, stand

STREAM = Path(__file__).parent.parent / "tests/fixtures/moodle/stream.rich-template.jsonl"
EVENTS = 15_000  # of one round
CONNECTIONS = 32
LEARNERS = 2_000
_PEOPLE = ("userid", "relateduserid", "learner_id")
_STORED = b'"event_id":"'


def run() -> dict[str, Any]:
    """The figures of P4."""
    with stand() as target, serving(target.url) as server:
        warm_up(target, server)
        hook(target, server, first_id=1_000_000)

        def round_(number: int) -> dict[str, float]:
            singles, _ = post(target, [server], workload.events(f"round{number}", EVENTS))
            return {
                "single_events_per_s": EVENTS / singles.seconds,
                **hook(target, server, first_id=(number + 2) * 1_000_000),
            }

        values = figures.repeat(round_)
        check_stored(target, EVENTS * (figures.REPEATS + 1))
    return Report(
        "P4",
        f"POST /api/public/hook/moodle/event, captured bodies, {CONNECTIONS} connections; yardstick: P2 in"
        f" the same run; {figures.REPEATS} rounds of {EVENTS:,} events; each stored once",
        [
            repeated(
                "Moodle's hook",
                "events/s",
                values["hook_events_per_s"],
                values["single_events_per_s"],
                ratio_target=0.8,
            )
        ],
        figures.medians(values),
    ).as_dict()


def hook(target: Stand, server: Server, first_id: int) -> dict[str, float]:
    """Posts captured bodies to the hook, each as a new event."""
    requests = [
        client.request("POST", "/api/public/hook/moodle/event", target.moodle_token, body)
        for body in islice(bodies(first_id), EVENTS)
    ]
    load = Load([server.port], requests, _STORED, CONNECTIONS, timeout_s=120)
    outcome, costs = measured(target, [server], load, EVENTS)
    return {
        "hook_events_per_s": EVENTS / outcome.seconds,
        "hook_p99_ms": figures.percentile_ms(outcome.latencies_s, 99),
        **costs,
    }


def bodies(first_id: int) -> Iterator[bytes]:
    """The captured bodies over and over, each with an id, a time and learners of its own. Staff keep their
    ids, and what is nobody's stays nobody's. Addresses follow the learner, as they do in Moodle."""
    captured = [json.loads(json.loads(line)["body"]) for line in STREAM.read_text().splitlines()]
    now = int(time.time())
    for number, original in enumerate(cycle(captured)):
        fields = dict(original)
        person = number % LEARNERS
        for name in _PEOPLE:
            if fields.get(name, "").isdigit() and int(fields[name]) > 2:
                fields[name] = str(int(fields[name]) + 100 * person)
        if fields.get("learner_email"):
            fields["learner_email"] = f"{person}-{fields['learner_email']}"
        fields["id"] = str(first_id + number)
        fields["timecreated"] = str(now - number % 86_400)
        yield json.dumps(fields, indent=2).replace("\n", "\r\n").encode()


def check_stored(target: Stand, events: int) -> None:
    """Raises AssertionError unless every event of the hook was stored, once."""
    stored = target.fetch_value("SELECT count(*) FROM events WHERE source_kind = 'moodle'")
    assert stored == events, f"{stored} of {events} events are stored"
    keys = target.fetch_value("SELECT count(*) FROM event_keys") - target.fetch_value(
        "SELECT count(*) FROM events WHERE source_kind <> 'moodle'"
    )
    assert keys == events, f"{keys} dedupe keys for {events} events"
