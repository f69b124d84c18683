"""Plugins from an event's arrival to their hooks: a real server, a real worker, real sockets."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from anyio.from_thread import BlockingPortal

from rocket_server.db.pool import open_database
from support import organisation as organisations
from support import plugins
from support import server as servers
from support.analytics import Analytics, analytics
from support.command import eventually, is_gone
from support.organisation import Organisation
from support.receiver import Answer, Receiver
from support.working import worker


@dataclass(frozen=True, slots=True)
class Stand:
    """An organisation on a server of its own, with plugins and a receiver."""

    organisation: Organisation
    folder: Path
    receiver: Receiver
    analytics: Analytics
    settings: dict[str, str]
    database: str
    fetch: Callable[[str], list[dict[str, Any]]]

    def worker(self, **settings: str) -> AbstractContextManager[None]:
        return worker(self.database, self.folder / "worker.log", self.settings | settings)

    def plugin(self, plugin_id: str) -> dict[str, Any]:
        listed = self.organisation.api.get("/v1/plugins").json()["plugins"]
        found: dict[str, Any] = next(one for one in listed if one["id"] == plugin_id)
        return found

    def send(self, event: str, number: int = 0) -> str:
        answer = self.organisation.api.event(event, properties={"score": 85, "number": number})
        return str(answer["event_id"])


@pytest.fixture
def service() -> Iterator[Analytics]:
    """An analytics service."""
    with analytics() as service:
        yield service


@pytest.fixture
def stand(database: str, tmp_path: Path, portal: BlockingPortal, service: Analytics) -> Iterator[Stand]:
    """A server that knows both test plugins, an external service and the analytics export."""
    plugins.install(tmp_path, "naughty", plugins.NAUGHTY)
    plugins.install(tmp_path, "good", plugins.GOOD)
    receiver = Receiver()
    settings = {
        **plugins.environment(tmp_path),
        "ROCKET_ENV": "development",
        "ROCKET_ALLOW_PRIVATE_WEBHOOKS": "1",
        "ROCKET_WEBHOOK_RETRY_BASE": "0.2",
        "ROCKET_PLUGIN_TIMEOUT": "3",
        "EXTERNAL_SERVICE_WEBHOOK_URL": receiver.url("/webhook"),
        "EXTERNAL_SERVICE_API_KEY": "your-api-key-here",
        "ROCKET_ANALYTICS_URL": service.url("/import?strict=1"),
        "ROCKET_ANALYTICS_TOKEN": "project-token",
    }
    server = servers.start(database, tmp_path / "server.log", settings)
    store = portal.call(open_database, database)

    def fetch(sql: str) -> list[dict[str, Any]]:
        async def work() -> list[dict[str, Any]]:
            async with store.transaction() as conn:
                return [dict(row) for row in await conn.fetch(sql)]

        return portal.call(work)

    async def make() -> Organisation:
        return await organisations.make(store, server)

    yield Stand(portal.call(make), tmp_path, receiver, service, settings, database, fetch)
    portal.call(store.close)
    log = server.stop()
    receiver.close()
    assert "Traceback" not in log, log


def test_everyone_hears_each_event_once(stand: Stand) -> None:
    """Hooks, external service and analytics export all hear an event with its own id, and the log says so."""
    sent = {stand.send("course.completed", number): number for number in range(10)}
    with stand.worker():
        eventually(
            lambda: all(stand.plugin(name)["waiting"] == 0 for name in _ALL), lambda: stand.receiver.calls
        )
    assert sorted(words[0] for words in plugins.heard(stand.folder, "good")) == sorted(sent)

    by_service = [json.loads(call.body) for call in stand.receiver.calls if call.path == "/webhook"]
    assert Counter(body["id"] for body in by_service) == Counter(list(sent))
    model = stand.organisation.model
    for body in by_service:
        data = body["data"]
        assert set(body) == {"name", "context", "data", "timestamp", "id"}
        assert (body["name"], body["timestamp"]) == ("course.completed", "2026-03-02T10:00:00.000Z")
        context = {"tenantId": model.tenant_id, "organisationId": model.organisation_id, "userId": "anna"}
        assert body["context"] == context
        assert (data["score"], data["number"]) == (85, sent[body["id"]])

    assert {call.headers["authorization"] for call in stand.receiver.calls} == {"Bearer your-api-key-here"}

    entries = [json.loads(one.body) for one in stand.analytics.imports]
    assert Counter(entry["properties"]["event_id"] for (entry,) in entries) == Counter(list(sent))
    basic = f"Basic {base64.b64encode(b'project-token:').decode()}"
    assert {(one.target, one.authorization) for one in stand.analytics.imports} == {
        ("/import?strict=1", basic)
    }
    (entry,) = entries[0]
    assert entry["event"] == "course.completed"
    assert entry["properties"] | {"number": 0, "points_awarded": 0} == {
        "distinct_id": "anna",
        "time": 1772445600,
        "$insert_id": entry["properties"]["event_id"],
        "event_id": entry["properties"]["event_id"],
        "source": "rocket",
        "tenant_id": model.tenant_id,
        "organisation_id": model.organisation_id,
        "score": 85,
        "number": 0,
        "points_awarded": 0,
    }
    secrets = stand.fetch("SELECT e::text AS row FROM endpoints e")
    assert not any("your-api-key-here" in row["row"] or "project-token" in row["row"] for row in secrets)


_ALL = ("good", "naughty", "analytics-export", "external-service-webhook")


def test_a_plugin_that_misbehaves_holds_up_nobody(stand: Stand) -> None:
    """While one plugin's hooks hang and die, another hears every event; the failing deliveries are tried
    again with the same event id, and each failure is shown with its hook."""
    bad = [stand.send(f"quiz.{hook}") for hook in ("spins", "exits", "raises")]
    fine = [stand.send("quiz.fine", number) for number in range(30)]
    with stand.worker():
        eventually(
            lambda: {words[0] for words in plugins.heard(stand.folder, "good")} == {*bad, *fine},
            lambda: plugins.heard(stand.folder, "good"),
        )
        eventually(
            lambda: (
                min(Counter(words[0] for words in plugins.heard(stand.folder, "naughty"))[one] for one in bad)
                >= 2
            ),
            lambda: plugins.heard(stand.folder, "naughty"),
        )
        eventually(lambda: stand.plugin("naughty")["failures"] >= 3, lambda: stand.plugin("naughty"))
    naughty = stand.plugin("naughty")
    hooks = {hook["name"]: hook for hook in naughty["hooks"]}
    assert hooks["quiz.spins"]["last_error"] == "it wasn't done after 3 s"
    assert hooks["quiz.exits"]["last_error"] == "its process ended with status 7"
    assert hooks["quiz.raises"]["last_error"] == "ValueError: not today"
    assert hooks["quiz.fine"] == {"name": "quiz.fine", "priority": 100, "failures": 0, "last_error": None}
    assert naughty["last_error"]["code"] in {"hook_timeout", "hook_ended", "hook_raised"}
    good = stand.plugin("good")
    assert (good["waiting"], good["failures"]) == (0, 0)
    assert len(plugins.heard(stand.folder, "good")) == 33


def test_a_delivery_that_had_no_turn_was_not_tried(stand: Stand) -> None:
    """Where a slow plugin has no room for a delivery within seconds it is left to later, without a failure,
    and each event is told once."""
    sent = [stand.send("quiz.naps", number) for number in range(6)]
    with stand.worker():
        eventually(lambda: stand.plugin("naughty")["waiting"] == 0, lambda: stand.plugin("naughty"))
    assert sorted(words[0] for words in plugins.heard(stand.folder, "naughty")) == sorted(sent)
    assert stand.plugin("naughty")["failures"] == 0
    rows = stand.fetch(
        "SELECT d.status, d.attempts FROM deliveries d"
        " JOIN endpoints e USING (organisation_id, endpoint_id) WHERE e.plugin_id = 'naughty'"
    )
    assert {row["status"] for row in rows} == {"delivered"}
    # Four were claimed at first, and the fourth would have waited for three naps.
    assert max(row["attempts"] for row in rows) > 1


def test_a_worker_that_is_killed_loses_no_event(stand: Stand) -> None:
    """A `kill -9` of the worker in the middle of a hook ends the plugin's process, and the next worker tells
    the same event under the same id."""
    event_id = stand.send("quiz.naps")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROCKET_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "rocket_server.processes.working"],
        env=environment | stand.settings,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(f"{stand.database}\n".encode())
        process.stdin.flush()
        eventually(lambda: bool(plugins.heard(stand.folder, "naughty")), lambda: "the hook wasn't called")
        hosts = [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert hosts
    eventually(lambda: all(is_gone(pid) for pid in hosts), lambda: f"some of {hosts} live")
    # As if the lease's time had passed.
    stand.fetch("UPDATE deliveries SET due_at = now() WHERE leased RETURNING 1")
    with stand.worker():
        eventually(lambda: stand.plugin("naughty")["waiting"] == 0, lambda: stand.plugin("naughty"))
    assert [words[0] for words in plugins.heard(stand.folder, "naughty")] == [event_id, event_id]


def test_a_service_that_fails_is_tried_as_often_as_it_says(stand: Stand) -> None:
    """An external service that answers 500 is tried again under the same id until it takes the event."""
    seen: Counter[str] = Counter()

    def answer(call: Any) -> Answer:
        seen[call.path] += 1
        return Answer(500) if call.path == "/webhook" and seen[call.path] < 3 else Answer(204)

    stand.receiver.answer = answer
    event_id = stand.send("course.completed")
    with stand.worker():
        eventually(
            lambda: stand.plugin("external-service-webhook")["waiting"] == 0, lambda: stand.receiver.calls
        )
    calls = [call for call in stand.receiver.calls if call.path == "/webhook"]
    assert [json.loads(call.body)["id"] for call in calls] == [event_id] * 3
    assert len({call.webhook_id for call in calls}) == 1
    service = stand.plugin("external-service-webhook")
    assert (service["failures"], service["last_error"]["message"]) == (2, "")
