"""What becomes of a try, whatever the receiver does: real sockets, one receiver for each bad habit."""

from __future__ import annotations

import asyncio
import gc
import resource
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from rocket_server.delivery.model import ANSWER_BYTES
from rocket_server.delivery.send import GuardedSender
from support import receivers as zoo
from support.deliveries import DELIVERY_ID, target
from support.names import Names
from support.receivers import Receivers, answers

BODY = b'{"id":"1"}'


def _context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(sender: GuardedSender, receivers: Receivers, status: int):
    """Whatever success a receiver chooses, with or without a body."""
    receiver = receivers.open(answers(status, body=b"" if status == 204 else b"taken"))
    outcome = await sender.send(target(receiver.url), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error, outcome.delivered) == (status, None, True)
    assert outcome.answer == ("" if status == 204 else "taken")
    assert receiver.requests[0].body == BODY


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304, 400, 401, 404, 410, 413, 429, 500, 502, 503])
async def test_any_other_status_is_not(sender: GuardedSender, receivers: Receivers, status: int):
    """A status is kept with the beginning of its answer; 410 alone means that nobody is there any more."""
    body = b"" if status == 304 else b"no \xff\x00thanks"
    outcome = await sender.send(target(receivers.open(answers(status, body=body)).url), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error, outcome.delivered) == (status, None, False)
    assert outcome.gone == (status == 410)
    assert outcome.answer == ("no ��thanks" if body else "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(sender: GuardedSender, receivers: Receivers, status: int):
    """Wherever an answer points, nobody is called there."""
    other = receivers.open(answers(200))
    receiver = receivers.open(answers(status, {"Location": other.url, "Refresh": f"0; url={other.url}"}))
    outcome = await sender.send(target(receiver.url), DELIVERY_ID, BODY)
    assert outcome.status == status
    assert other.connections == 0


@pytest.mark.parametrize(("status", "asked"), [(429, "7"), (503, "7"), (500, "0"), (200, "3")])
async def test_retry_after_in_seconds(sender: GuardedSender, receivers: Receivers, status: int, asked: str):
    """The wait that a receiver asks for is handed on with any status."""
    receiver = receivers.open(answers(status, {"Retry-After": asked}))
    assert (await sender.send(target(receiver.url), DELIVERY_ID, BODY)).retry_after_s == float(asked)


async def test_retry_after_as_a_date(sender: GuardedSender, receivers: Receivers):
    """A date becomes the seconds until then, and a past one none."""
    later = datetime.now(UTC) + timedelta(hours=2)
    receiver = receivers.open(
        zoo.in_turn(
            answers(429, {"Retry-After": format_datetime(later, usegmt=True)}),
            answers(429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
            answers(429, {"Retry-After": "tomorrow"}),
        )
    )
    first, past, unreadable = [await sender.send(target(receiver.url), DELIVERY_ID, BODY) for _ in range(3)]
    assert first.retry_after_s is not None
    assert timedelta(seconds=first.retry_after_s) == pytest.approx(
        later.replace(microsecond=0) - first.started_at, abs=timedelta(seconds=1)
    )
    assert (past.retry_after_s, unreadable.retry_after_s) == (0.0, None)


@pytest.mark.parametrize(
    ("habit", "error"),
    [
        (zoo.closes, "reset"),
        (zoo.resets, "reset"),
        (zoo.garbage, "protocol"),
        (zoo.no_http, "protocol"),
        (zoo.odd_length, "protocol"),
        (zoo.odd_status, "protocol"),
        (zoo.two_lengths, "protocol"),
        (zoo.huge_header, "too_large"),
        (zoo.many_headers, "too_large"),
        (zoo.endless_header, "too_large"),
        (zoo.endless_headers, "too_large"),
        (zoo.endless_reason, "too_large"),
        (zoo.endless_interim_answers, "too_large"),
    ],
    ids=lambda found: getattr(found, "__name__", None),
)
async def test_what_is_no_answer_has_a_code(
    sender: GuardedSender, receivers: Receivers, habit: zoo.Behaviour, error: str
):
    """Each way of not answering has a stable code and a sentence, and takes no longer than it has to."""
    receiver = receivers.open(habit)
    outcome = await sender.send(target(receiver.url), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error, outcome.delivered) == (None, error, False)
    assert outcome.answer.endswith(".")
    assert receiver.connections == 1  # it was tried once


async def test_nobody_listens(sender: GuardedSender, receivers: Receivers):
    """A port without a receiver is `refused`."""
    outcome = await sender.send(target(receivers.down().url), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error) == (None, "refused")


@pytest.mark.parametrize(
    "habit",
    [zoo.hangs, zoo.slow_header, zoo.slow_headers, zoo.slow_interim_answers],
    ids=["hangs", "slow header", "slow headers", "slow interim answers"],
)
async def test_the_time_out_ends_every_wait(
    sender: GuardedSender, receivers: Receivers, habit: zoo.Behaviour
):
    """Silence, and drops that never become an answer, end with the time-out."""
    receiver = receivers.open(habit)
    outcome = await sender.send(target(receiver.url, timeout_ms=400), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error) == (None, "timeout")
    assert outcome.answer == "No answer within 0.4 s."
    assert outcome.duration_ms >= 400


async def test_a_time_out_counts_the_handshake(sender: GuardedSender, receivers: Receivers):
    """A receiver that accepts a TLS connection and says nothing holds nobody longer."""
    plain = receivers.open(zoo.hangs)
    outcome = await sender.send(
        target(plain.url.replace("http:", "https:"), timeout_ms=400), DELIVERY_ID, BODY
    )
    assert (outcome.status, outcome.error) == (None, "timeout")


@pytest.mark.parametrize(
    ("habit", "status"),
    [
        (zoo.endless_body, 200),
        (zoo.endless_failure, 500),
        (zoo.endless_chunks, 200),
        (zoo.endless_chunk_extension, 200),
        (zoo.slow_body, 200),
        (zoo.cut_off, 500),
        (zoo.hints_first, 200),
        (zoo.many_answers, 200),
        (zoo.switches, 101),
        (zoo.gzip_bomb(), 200),
    ],
    ids=["body", "failure", "chunks", "chunk extension", "slow", "cut off", "hints", "many", "101", "bomb"],
)
async def test_the_status_decides(
    sender: GuardedSender, receivers: Receivers, habit: zoo.Behaviour, status: int
):
    """Once the status is there, whatever follows changes nothing, and little of it is read."""
    receiver = receivers.open(habit)
    outcome = await sender.send(target(receiver.url), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error) == (status, None)
    assert len(outcome.answer) <= ANSWER_BYTES


async def test_bombs_and_endless_answers_cost_no_memory(sender: GuardedSender, receivers: Receivers):
    """Hundreds of answers without an end, and bombs of gigabytes, leave the process as large as it was."""
    bomb = receivers.open(zoo.gzip_bomb(1024 * 1024 * 1024))
    endless = [
        receivers.open(habit).url
        for habit in (zoo.endless_body, zoo.endless_header, zoo.endless_headers, zoo.endless_chunks)
    ]
    urls = [bomb.url, *endless] * 40

    async def once() -> None:
        done = await asyncio.gather(*(sender.send(target(url), DELIVERY_ID, BODY) for url in urls))
        assert {outcome.error for outcome in done} <= {None, "too_large", "protocol"}

    await once()
    gc.collect()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        await once()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 32 * 1024


async def test_answers_are_kept_as_text(sender: GuardedSender, receivers: Receivers):
    """A long answer is cut between two characters; a packed one isn't unpacked."""
    long = "ä" * ANSWER_BYTES
    receiver = receivers.open(
        zoo.in_turn(
            answers(200, body=f"x{long}".encode()),
            answers(500, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08"),
        )
    )
    cut, packed = [await sender.send(target(receiver.url), DELIVERY_ID, BODY) for _ in range(2)]
    assert cut.answer == "x" + "ä" * (ANSWER_BYTES // 2 - 1)
    assert packed.answer == "(packed as gzip, not shown)"


async def test_connections_are_used_again(sender: GuardedSender, receivers: Receivers):
    """Short answers leave a connection for the next delivery; a long one closes it."""
    receiver = receivers.open(answers(200))
    for _ in range(5):
        assert (await sender.send(target(receiver.url), DELIVERY_ID, BODY)).delivered
    assert receiver.connections == 1
    receiver.behaviour = answers(200, body=b"x" * 100_000)
    for _ in range(3):
        assert (await sender.send(target(receiver.url), DELIVERY_ID, BODY)).delivered
    assert receiver.connections == 3


async def test_a_kept_connection_that_was_closed_is_no_failure(sender: GuardedSender, receivers: Receivers):
    """A receiver that closes or resets kept connections when the next request comes still gets that one."""
    receiver = receivers.open(zoo.in_turn(answers(200), zoo.closes, answers(200), zoo.resets, answers(200)))
    for _ in range(3):
        assert (await sender.send(target(receiver.url), DELIVERY_ID, BODY)).delivered
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert ids == [DELIVERY_ID] * 5
    assert receiver.connections == 3


async def test_few_connections_are_kept(receivers: Receivers):
    """More receivers than `connections` are served as well, and no more than so many connections wait."""
    made = GuardedSender(allow_private=True, allowed_cidrs=(), connections=3)
    try:
        opened = [receivers.open(answers(200)) for _ in range(8)]
        for _ in range(2):
            for receiver in opened:
                assert (await made.send(target(receiver.url), DELIVERY_ID, BODY)).delivered
        assert sorted(receiver.connections for receiver in opened) == [1] * 3 + [2] * 5
    finally:
        await made.close()


async def test_deliveries_in_flight_are_bounded(receivers: Receivers):
    """Beyond `connections` a delivery waits for its turn, and the wait isn't part of its time-out."""
    made = GuardedSender(allow_private=True, allowed_cidrs=(), connections=2)
    try:
        receiver = receivers.open(zoo.after(0.3, answers(200)))
        done = await asyncio.gather(
            *(made.send(target(receiver.url, timeout_ms=5_000), DELIVERY_ID, BODY) for _ in range(6))
        )
        assert all(outcome.delivered for outcome in done)
        assert receiver.connections <= 2
    finally:
        await made.close()


async def test_cancelling_passes(sender: GuardedSender, receivers: Receivers):
    """A worker that stops gets its cancellation, not an outcome."""
    receiver = receivers.open(zoo.hangs)
    task = asyncio.create_task(sender.send(target(receiver.url), DELIVERY_ID, BODY))
    await asyncio.to_thread(receiver.wait_for, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closing_ends_what_is_in_flight(receivers: Receivers, monkeypatch: pytest.MonkeyPatch):
    """Deliveries that wait for an answer or a name when the sender is closed fail, and nothing is raised."""
    go_on = threading.Event()

    def hang() -> list[str]:
        go_on.wait(60)
        return []

    names = Names({"hangs.example.org": hang})
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    made = GuardedSender(allow_private=True, allowed_cidrs=(), connections=4)
    receiver = receivers.open(zoo.hangs)
    sending = [
        asyncio.create_task(made.send(target(url), DELIVERY_ID, BODY))
        for url in (receiver.url, "http://hangs.example.org/")
    ]
    await asyncio.to_thread(receiver.wait_for, 1)
    await made.close()
    assert [(await one).error for one in sending] == ["reset", "unresolvable"]
    go_on.set()


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("", {}),
        ("ftp://example.org/", {}),
        ("http://user:password@127.0.0.1/", {}),
        ("{}", {"X-Injected": "a\r\nHost: elsewhere"}),
        ("{}", {"Transfer-Encoding ": "chunked"}),
    ],
)
async def test_what_cant_be_sent_is_an_outcome(
    sender: GuardedSender, receivers: Receivers, url: str, headers: dict[str, str]
):
    """A URL or header that nobody checked at its creation is no reason for the worker to stop."""
    receiver = receivers.open(answers(200))
    outcome = await sender.send(target(url.format(receiver.url), headers=headers), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error) == (None, "invalid_request")
    assert receiver.requests == []


async def test_a_secret_of_another_form_is_an_outcome(sender: GuardedSender, receivers: Receivers):
    """A delivery that can't be signed isn't sent, and the sentence doesn't show the secret."""
    receiver = receivers.open(answers(200))
    outcome = await sender.send(target(receiver.url, secrets=("hunter2",)), DELIVERY_ID, BODY)
    assert outcome.error == "invalid_request"
    assert "hunter2" not in outcome.answer
    assert receiver.requests == []


async def test_a_certificate_of_nobody_known(sender: GuardedSender, receivers: Receivers):
    """A certificate that no known authority signed is a `tls` failure, and nothing is said to its owner."""
    receiver = receivers.open(answers(200), tls=_context(trustme.CA(), "127.0.0.1"))
    outcome = await sender.send(target(receiver.url), DELIVERY_ID, BODY)
    assert (outcome.status, outcome.error) == (None, "tls")
    assert "certificate" in outcome.answer
    assert receiver.requests == []


async def test_no_tls_at_all(sender: GuardedSender, receivers: Receivers):
    """An https URL whose receiver speaks plain HTTP is a `tls` failure."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def say() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                connection.recv(65_536)

        thread = threading.Thread(target=say, daemon=True)
        thread.start()
        outcome = await sender.send(
            target(f"https://127.0.0.1:{listening.getsockname()[1]}/"), DELIVERY_ID, BODY
        )
        thread.join(30)
    assert (outcome.status, outcome.error) == (None, "tls")


_CALLS = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from rocket_server.delivery.send import GuardedSender
from support.deliveries import target

async def main():
    sender = GuardedSender(allow_private=True, allowed_cidrs=(), connections=4)
    for url in sys.argv[1:]:
        outcome = await sender.send(target(url), "id", b"{{}}")
        print(outcome.status, outcome.error)
    await sender.close()

asyncio.run(main())
"""


def test_certificates_are_checked_against_the_authorities_of_the_machine(receivers: Receivers, tmp_path):
    """A certificate of a trusted authority is taken for its own name only."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    right = receivers.open(answers(200), tls=_context(authority, "127.0.0.1"))
    wrong = receivers.open(answers(200), tls=_context(authority, "elsewhere.example.org"))
    script = _CALLS.format(tests=str(Path(__file__).parents[1]))
    done = subprocess.run(
        [sys.executable, "-c", script, right.url, wrong.url],
        env={"SSL_CERT_FILE": str(tmp_path / "authority.pem")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["200 None", "None tls"], done.stderr
    assert (len(right.requests), len(wrong.requests)) == (1, 0)
