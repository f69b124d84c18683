"""The event buffer, on a scripted clock with a scripted server, and at work."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.cases import cases, read

import rocket_learning
from rocket_learning import AsyncRocketClient, RocketClient, RocketError, errors
from rocket_learning.buffer import AsyncEventBuffer, EventBuffer
from rocket_learning.buffering import BufferOptions, DeadLetters, is_outage
from rocket_learning.call import Call
from rocket_learning.calls import Context
from rocket_learning.settings import settings_of

DEFAULTS = read("buffer")["defaults"]
EVENT = {"event": "lesson.completed", "user_id": "u"}


class Scripted:
    """A server that answers as the case says, for both kinds of buffer."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = list(answers)
        self.sent: list[list[str]] = []
        self.context = Context(
            settings_of(api_key="k", environment="", base_url=None, timeout_s=1, retry=None, breaker=None)
        )

    def send(self, call: Call[Any]) -> Any:
        assert call.body is not None
        events = json.loads(call.body)["events"]
        self.sent.append([event["event_id"] for event in events])
        answer = self.answers.pop(0)
        if answer == "outage":
            raise errors.NetworkError("away")
        if answer == "too_large":
            raise errors.InvalidRequestError("no", status=413)
        if answer == "refused":
            raise errors.AuthenticationError("no", status=401)
        failed = answer["failed"] if isinstance(answer, dict) else []
        results = [
            {"index": index, "status": "failed" if index in failed else "processed"}
            for index in range(len(events))
        ]
        return {"failed": len(failed), "results": results}


class AsyncScripted(Scripted):
    async def send(self, call: Call[Any]) -> Any:
        return super().send(call)


async def settled(result: Any) -> None:
    """Awaits what the async buffer returns."""
    if asyncio.iscoroutine(result):
        await result


@pytest.mark.parametrize("kind", ["blocking", "async"])
@cases("buffer", "cases")
async def test_the_buffer_goes_as_the_cases_say(kind: str, case: dict[str, Any]) -> None:
    """What is sent when, what waits, and what becomes a dead letter."""
    now_s = 0.0
    dead: list[list[str]] = []
    server = (Scripted if kind == "blocking" else AsyncScripted)(case["answers"])
    buffer: Any = (EventBuffer if kind == "blocking" else AsyncEventBuffer)(
        server,  # type: ignore[arg-type]
        BufferOptions(**{**DEFAULTS, **case["options"]}),
        DeadLetters(lambda event, reason, _: dead.append([event["event_id"], reason])),
        clock=lambda: now_s,
        in_background=False,
    )
    added = 0
    for step in case["steps"]:
        now_s = step["at_s"]
        server.sent.clear()
        dead.clear()
        raised = None
        for _ in range(step.get("events", 0)):
            added += 1
            try:
                buffer.add({**EVENT, "event_id": f"e{added}"})
            except RocketError as error:
                raised = error
        if step["do"] in ("add", "tick"):
            await settled(buffer.tick())
        else:
            await settled(getattr(buffer, step["do"])())
        assert type(raised) is (getattr(rocket_learning, step["error"]) if "error" in step else type(None))
        assert (server.sent, dead, buffer.waiting) == (step["sent"], step["dead"], step["waiting"]), step


@cases("buffer", "outages")
def test_what_an_outage_is(case: dict[str, Any]) -> None:
    """Events wait through an outage; a refusal is final."""
    kind = getattr(rocket_learning, case["name"])
    status = {"ServerError": 503, "RateLimitError": 429}.get(case["name"], 400)
    made = kind("x", status=status) if issubclass(kind, errors.ApiError) else kind(1)
    assert is_outage(made) == case["outage"]


def collecting(seen: list[str]) -> httpx.MockTransport:
    """A server that takes every event."""

    def answer(request: httpx.Request) -> httpx.Response:
        events = json.loads(request.content)["events"]
        seen.extend(event["event_id"] for event in events)
        return httpx.Response(200, json={"processed": len(events), "failed": 0, "results": []})

    return httpx.MockTransport(answer)


def test_threads_add_and_nothing_is_lost() -> None:
    """Events of several threads arrive once each, though the batches go out meanwhile."""
    seen: list[str] = []
    with RocketClient("k", transport=collecting(seen)) as client:
        buffer = client.buffer(max_size=7)

        def add(name: int) -> None:
            for index in range(200):
                buffer.add({**EVENT, "event_id": f"{name}-{index}"})

        threads = [threading.Thread(target=add, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(seen) == sorted(f"{name}-{index}" for name in range(4) for index in range(200))


def test_a_full_batch_leaves_by_itself() -> None:
    """Nobody has to flush: the thread sends what is due."""
    arrived = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        arrived.set()
        return httpx.Response(200, json={"failed": 0, "results": []})

    with RocketClient("k", transport=httpx.MockTransport(answer)) as client:
        buffer = client.buffer(max_size=2, flush_interval_s=3600)
        buffer.add(EVENT)
        buffer.add(EVENT)
        assert arrived.wait(30)


async def test_the_task_sends_by_itself() -> None:
    """The same in a loop, by time."""
    arrived = asyncio.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        arrived.set()
        return httpx.Response(200, json={"failed": 0, "results": []})

    async with AsyncRocketClient("k", transport=httpx.MockTransport(answer)) as client:
        client.buffer(flush_interval_s=0.01).add(EVENT)
        async with asyncio.timeout(30):
            await arrived.wait()


def test_the_end_of_asyncio_run_sends_what_waits() -> None:
    """A loop that ends without a close still empties the buffer."""
    seen: list[str] = []

    async def main() -> None:
        client = AsyncRocketClient("k", transport=collecting(seen))
        client.buffer().add({**EVENT, "event_id": "e1"})
        await asyncio.sleep(0)

    asyncio.run(main())
    assert seen == ["e1"]


def test_a_loop_that_just_stops_leaves_dead_letters(tmp_path: Path) -> None:
    """Where nothing can be sent any more, events are kept in the file."""
    program = f"""
import asyncio
from rocket_learning import AsyncRocketClient

async def main():
    client = AsyncRocketClient("k", base_url="http://127.0.0.1:9")
    client.buffer(dead_letter_file={str(tmp_path / "dead.jsonl")!r}).add({{**{EVENT!r}, "event_id": "e1"}})

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
"""
    source = str(Path(rocket_learning.__file__).parent.parent)
    subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, env={**os.environ, "PYTHONPATH": source}
    )
    (letter,) = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text().splitlines()]
    assert (letter["reason"], letter["event"]["event_id"]) == ("closed", "e1")


def test_dead_letters_go_to_a_file(tmp_path: Path) -> None:
    """One JSON object a line, with time, reason, error and the event."""
    clock = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
    DeadLetters(file=tmp_path / "dead.jsonl", clock=lambda: clock).add({"event_id": "é"}, "refused", "no")
    assert json.loads((tmp_path / "dead.jsonl").read_text(encoding="utf-8")) == {
        "at": "2026-01-31T10:15:00.000Z",
        "reason": "refused",
        "error": "no",
        "event": {"event_id": "é"},
    }


@pytest.mark.parametrize("broken", [False, True])
def test_an_event_that_nobody_keeps_is_logged_whole(broken: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Without a place for dead letters, or where that fails, the log has the event."""

    def fail(*_: object) -> None:
        raise RuntimeError("full")

    DeadLetters(fail if broken else None).add({"event_id": "e1", "user_id": "u"}, "refused", "no")
    assert '{"event_id": "e1", "user_id": "u"}' in caplog.text


def test_a_wrong_event_is_the_adders_error() -> None:
    """A buffer refuses a wrong event where it is added, and takes nothing."""
    with RocketClient("k", transport=collecting([])) as client:
        buffer = client.buffer()
        with pytest.raises(rocket_learning.ValidationError):
            buffer.add({"event": "wrong"})
        assert buffer.waiting == 0


def test_options_that_cant_be_meant_are_refused() -> None:
    """A buffer of no size, or smaller than a batch, is an error at once."""
    for options in ({"max_size": 0}, {"capacity": 5}, {"flush_interval_s": 0}, {"overflow": "drop"}):
        with pytest.raises(rocket_learning.ConfigurationError):
            BufferOptions(**options)  # type: ignore[arg-type]
