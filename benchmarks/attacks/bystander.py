"""Another organisation that goes on working while somebody attacks: what it was answered, and how soon."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import psutil

from benchmarks.attacks.turns import NEVER, Longest

_PAUSE_S = 0.05
# One part of the bystander sits behind the attacker's address, as in a school, and keeps its connection; the
# other sits somewhere else, with a new connection for each request.
_SAME_ADDRESS, _OTHER_ADDRESS = "127.0.0.1", "127.0.0.2"
_TIMEOUT_S = 60.0  # an answer later than that is none


@dataclass(slots=True)
class Seen:
    """What the bystander and the operator saw during one attack."""

    latencies_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    errors_behind: list[str] = field(default_factory=list)  # of the part behind the attacker's address
    memory_before_mib: float = 0.0
    memory_most_mib: float = 0.0
    descriptors_most: int = 0
    longest: Longest = NEVER  # turn of the server's loop
    endings: Counter[str] = field(default_factory=Counter)  # of the attacker's requests

    def percentile_ms(self, percent: float) -> float:
        """Milliseconds within which so many of the answers came."""
        ranked = sorted(self.latencies_s)
        return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] * 1000

    def row(self, name: str) -> str:
        """A line of the table; errors elsewhere, and those behind the attacker's own address."""
        endings = ", ".join(f"{ending} × {times}" for ending, times in sorted(self.endings.items()))
        return (
            f"| {name} | {self.percentile_ms(50):,.0f} | {self.percentile_ms(99):,.0f}"
            f" | {self.percentile_ms(100):,.0f}"
            f" | {self.longest.cpu_s * 1000:,.0f} of {self.longest.wall_s * 1000:,.0f}"
            f" | {len(self.errors)} + {len(self.errors_behind)} of {len(self.latencies_s)}"
            f" | {self.memory_before_mib:,.0f} → {self.memory_most_mib:,.0f}"
            f" | {self.descriptors_most} | {endings} |"
        )


HEAD = (
    "| attack | p50 ms | p99 ms | max ms | longest turn: processor ms of ms | errors | MiB before → most"
    " | descriptors | the attacker saw |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---|"
)


class Bystander:
    """Threads that send an event and ask for the health in turn, on connections old and new, and one that
    watches the server's process and its children."""

    def __init__(self, port: int, api_key: str, pid: int) -> None:
        self.seen = Seen()
        self._port = port
        self._api_key = api_key
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._numbers = count()
        self._threads: Sequence[threading.Thread] = [
            threading.Thread(target=self._send, args=(keep, address), daemon=True)
            for keep, address in ((True, _SAME_ADDRESS), (False, _OTHER_ADDRESS))
        ]
        self._threads = [*self._threads, threading.Thread(target=self._watch, daemon=True)]

    def start(self) -> None:
        """Begin; what the server holds now is what it held before."""
        self.seen.memory_before_mib = self._memory_mib()
        for thread in self._threads:
            thread.start()

    def stop(self) -> Seen:
        """End, and answer what was seen."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.seen

    def _send(self, keep: bool, address: str) -> None:
        connection = self._connection(address)
        while not self._stop.wait(_PAUSE_S):
            number = next(self._numbers)
            started = time.monotonic()
            try:
                error = self._ask(connection, number)
            except (OSError, http.client.HTTPException) as reason:
                error = f"{type(reason).__name__}: {reason}"
            self.seen.latencies_s.append(time.monotonic() - started)
            if error:
                (self.seen.errors_behind if address == _SAME_ADDRESS else self.seen.errors).append(error)
            if error or not keep:
                connection.close()
                connection = self._connection(address)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, number: int) -> str:
        if number % 4 == 3:
            connection.request("GET", "/v1/health")
        else:
            event = {
                "event": "course.completed",
                "user_id": f"bystander-{number % 50}",
                "timestamp": datetime.now(UTC).isoformat(),
                "event_id": f"bystander-{time.monotonic_ns()}-{number}",
                "properties": {"course_id": f"course-{number}"},
            }
            headers = {"Authorization": f"Bearer {self._api_key}", "Content-Type": "application/json"}
            connection.request("POST", "/v1/events", json.dumps(event), headers)
        answer = connection.getresponse()
        body = answer.read()
        return "" if answer.status == 200 else f"{answer.status}: {body[:200]!r}"

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.seen.memory_most_mib = max(self.seen.memory_most_mib, self._memory_mib())
            self.seen.descriptors_most = max(self.seen.descriptors_most, self._process.num_fds())

    def _memory_mib(self) -> float:
        total = 0
        for process in (self._process, *self._process.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / (1 << 20)

    def _connection(self, address: str) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=_TIMEOUT_S, source_address=(address, 0)
        )
