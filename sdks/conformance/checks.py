"""What must hold of a scenario: what the SDK said, what the proxy saw, what the server has. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from faults import Seen


def faults_of(
    scenario: Mapping[str, Any], said: Mapping[str, Any] | None, seen: Sequence[Seen] | None, agent: str
) -> list[str]:
    """Everything that is wrong with one scenario, in sentences."""
    if said is None or seen is None:
        return ["the driver never announced it" if seen is None else "the driver printed no line"]
    expected = {"scenario": scenario["scenario"], **scenario["expect"]}
    found = [
        f"{name} is {said.get(name)!r}, expected {expected.get(name)!r}"
        for name in sorted(expected.keys() | said.keys())
        if name not in said or name not in expected or said[name] != expected[name]
    ]
    found += _wrong_requests(scenario["requests"], seen)
    for request in seen:
        found += _wrong_headers(request, agent)
    return found


def _wrong_requests(checks: Mapping[str, Any], seen: Sequence[Seen]) -> list[str]:
    found: list[str] = []
    if len(seen) != checks["tries"]:
        paths = ", ".join(f"{request.method} {request.path}" for request in seen)
        found.append(f"{len(seen)} requests, expected {checks['tries']}: {paths}")
    if "same" in checks:
        kinds = {_identity(request, checks["same"]) for request in seen}
        if len(kinds) != 1 or kinds & {(), (None,)}:
            found.append(f"{checks['same']} isn't the same in each try: {kinds}")
    if checks.get("keyed"):
        writes = [request for request in seen if request.method == "POST"]
        if not all(request.headers.get("Idempotency-Key") for request in writes):
            found.append("something was given without an Idempotency-Key")
    if checks.get("stamped"):
        events = [event for request in seen for event in request.events]
        if not all(event.get("event_id") and event.get("timestamp") for event in events):
            found.append("an event has no event_id or no timestamp")
        if len({event.get("event_id") for event in events}) != len(events):
            found.append("two events have one event_id")
    if "waited_s" in checks:
        waits = [after.at_s - before.at_s for before, after in pairwise(seen)]
        if any(wait < checks["waited_s"] for wait in waits):
            found.append(f"waited {waits}, expected at least {checks['waited_s']} s")
    if "batches" in checks:
        sizes = [len(request.events) for request in seen]
        if sizes != checks["batches"]:
            found.append(f"batches of {sizes}, expected {checks['batches']}")
    return found


def _identity(request: Seen, kind: str) -> tuple[str | None, ...]:
    if kind == "event_ids":
        return tuple(event.get("event_id") for event in request.events)
    return (request.headers.get("Idempotency-Key"),)


def _wrong_headers(request: Seen, agent: str) -> list[str]:
    found = []
    if not request.headers.get("User-Agent", "").startswith(agent):
        found.append(f"User-Agent is {request.headers.get('User-Agent')!r}, expected {agent}…")
    if not request.headers.get("Authorization", "").startswith("Bearer rk_"):
        found.append("there is no Authorization: Bearer")
    if request.body is not None and request.headers.get("Content-Type") != "application/json":
        found.append(f"Content-Type is {request.headers.get('Content-Type')!r}")
    return found
