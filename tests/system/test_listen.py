"""The debug receiver, called over HTTP."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest
from rich.console import Console

from rocket_server.cli.receiver import MAX_BODY_BYTES, Receiver, masked, signature_findings
from rocket_server.delivery import signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"id": "018f", "event": "course.completed", "points_awarded": 50}).encode()


@dataclass
class Running:
    """A listener, and what it printed."""

    port: int
    printed: io.StringIO

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@pytest.fixture
def listener() -> Iterator[Running]:
    printed = io.StringIO()
    with Receiver(("127.0.0.1", 0), SECRET, Console(file=printed, width=200)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Running(server.server_port, printed)
        server.shutdown()
        thread.join()


def signed(body: bytes, at_s: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Signature": signing.sign(SECRET, body),
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at_s),
        "webhook-signature": signing.sign_standard(SECRET, "msg_1", at_s, body),
        "Authorization": "Bearer very-secret-token-of-mine",
    }


def test_a_webhook_is_printed_checked_and_answered(listener: Running) -> None:
    """Both signatures fit, the body is shown, the credential isn't, and the answer names the event."""
    status, answer = listener.send("POST", "/any/path?x=1", BODY, signed(BODY, int(time.time())))
    assert status == 200
    assert answer["status"] == "received"
    assert answer["event_id"] == "018f"
    assert answer["timestamp"].endswith("Z")
    printed = listener.printed.getvalue()
    assert "POST /any/path?x=1" in printed
    assert '"event": "course.completed"' in printed
    assert "X-Signature fits" in printed
    assert "webhook-signature (Standard Webhooks) fits" in printed
    assert "Authorization: Bearer very***" in printed
    assert "very-secret" not in printed


def test_a_changed_body_fits_neither(listener: Running) -> None:
    """A body that isn't the signed one is still received, and both signatures are said to be wrong."""
    status, _ = listener.send("POST", "/", BODY + b" ", signed(BODY, int(time.time())))
    assert status == 200
    assert "X-Signature is not that of this body" in listener.printed.getvalue()
    assert "(Standard Webhooks) is not that of" in listener.printed.getvalue()


@pytest.mark.parametrize(
    ("headers", "secret", "expected"),
    [
        (signed(BODY, 1000 - 301), SECRET, [True, "fits"]),
        ({}, SECRET, [False, "isn't signed"]),
        ({"X-Signature": "sha256=00"}, None, [True, "not checked"]),
        ({}, None, None),
        (signed(BODY, 1000), "plain secret", [False, "X-Signature is not"]),
    ],
)
def test_findings(headers: dict[str, str], secret: str | None, expected: list | None) -> None:
    """What is missing, unchecked or wrong is said in words."""
    lowered = {name.lower(): value for name, value in headers.items()}
    findings = signature_findings(lowered, BODY, secret, now_s=1000)
    if expected is None:
        assert findings == []
    else:
        fits, words = expected
        assert findings[0][0] is fits
        assert words in findings[0][1]


def test_an_old_signature_fits_but_is_refused() -> None:
    """A recorded request is told from one of now."""
    lowered = {name.lower(): value for name, value in signed(BODY, 1000 - 301).items()}
    assert signature_findings(lowered, BODY, SECRET, now_s=1000)[1] == (
        False,
        "webhook-signature (Standard Webhooks) fits, but its time is more than 5 minutes ago",
    )


def test_other_methods_and_bodies(listener: Running) -> None:
    """A request without a body, text, and bytes that are no text are received and shown as what they are."""
    assert listener.send("GET", "/")[1]["event_id"] is None
    assert listener.send("POST", "/", b"plain [bold]text\x1b[2J")[0] == 200
    assert listener.send("PUT", "/", b"\xff\xfe", {"webhook-id": "msg_7"})[1]["event_id"] == "msg_7"
    printed = listener.printed.getvalue()
    assert "(no body)" in printed
    assert "plain [bold]text�[2J" in printed
    assert "(2 bytes that are no text)" in printed


def test_a_body_without_bound_is_refused(listener: Running) -> None:
    """More than a mebibyte, a length that is no number, and a body of unknown length aren't read."""
    assert listener.send("POST", "/", b"", {"Content-Length": str(MAX_BODY_BYTES + 1)})[0] == 413
    assert listener.send("POST", "/", b"", {"Content-Length": "-1"})[0] == 400
    assert listener.send("POST", "/", b"", {"Transfer-Encoding": "chunked"})[0] == 411


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("authorization", "Bearer abcdefghijklmnop", "Bearer abcd***"),
        ("Authorization", "short", "***"),
        ("Content-Type", "application/json", "application/json"),
    ],
)
def test_credentials_are_masked(name: str, value: str, expected: str) -> None:
    """Of a credential only the scheme and the beginning are shown, of a short one nothing."""
    assert masked(name, value) == expected


def test_the_command_ends_with_ctrl_c() -> None:
    """`rocket listen` answers until it is interrupted, and then ends without a trace."""
    program = "import typer; from rocket_server.cli.listen import listen; typer.run(listen)"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert process.stdout is not None
    port = int(process.stdout.readline().split("http://127.0.0.1:")[1].split("/")[0])
    assert Running(port, io.StringIO()).send("POST", "/hook", BODY)[0] == 200
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert output.rstrip().endswith("Stopped.")
    assert errors == ""


def test_a_port_that_is_taken() -> None:
    """A port that another program has is a sentence and exit code 1."""
    program = "import typer; from rocket_server.cli.listen import listen; typer.run(listen)"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([sys.executable, "-c", program, "--port", port], capture_output=True, text=True)
    assert done.returncode == 1
    assert "can't listen on" in done.stderr
