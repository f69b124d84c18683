"""What `rocket listen` runs: an HTTP server that prints each webhook and checks its signatures."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax

from rocket_server.delivery import signing
from rocket_server.errors import InvalidPayload
from rocket_server.times import rfc3339

MAX_BODY_BYTES: Final = 1024 * 1024
_TIMEOUT_S: Final = 10  # of a client that stops in the middle


def signature_findings(
    headers: Mapping[str, str], body: bytes, secret: str | None, *, now_s: float
) -> list[tuple[bool, str]]:
    """What each signature in `headers` (names in lower case) says: whether it fits, and a sentence.

    `now_s` is the time in Unix seconds.
    """
    findings = []
    plain = headers.get("x-signature")
    standard = headers.get("webhook-signature")
    if secret is None:
        signed = " and ".join(
            name for name, value in (("X-Signature", plain), ("webhook-signature", standard)) if value
        )
        return [(True, f"{signed} not checked: start with --secret")] if signed else []
    if plain is None and standard is None:
        return [(False, "it isn't signed: neither X-Signature nor webhook-signature is there")]
    if plain is not None:
        fits = signing.verify(secret, body, plain)
        findings.append((fits, f"X-Signature {'fits' if fits else 'is not that of this body and secret'}"))
    if standard is not None:
        try:
            verdict: str = signing.verify_standard(
                secret,
                headers.get("webhook-id", ""),
                headers.get("webhook-timestamp", ""),
                standard,
                body,
                now_s=now_s,
            )
        except InvalidPayload as error:
            verdict = f"can't be checked with this secret ({error.message})"
        findings.append(
            (verdict == "fits", f"webhook-signature (Standard Webhooks) {_SAID.get(verdict, verdict)}")
        )
    return findings


_SAID: Final = {
    "doesn't fit": "is not that of this id, time, body and secret",
    "too old": "fits, but its time is more than 5 minutes ago",
    "in the future": "fits, but its time is more than 5 minutes ahead",
    "malformed": "can't be checked: webhook-id or webhook-timestamp is missing or unreadable",
}


class Receiver(ThreadingHTTPServer):
    """The receiver. It prints to `console` one request at a time, in the order in which they ended."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], secret: str | None, console: Console) -> None:
        super().__init__(address, _Handler)
        self.secret = secret
        self._console = console
        self._printing = threading.Lock()

    def show(self, handler: BaseHTTPRequestHandler, headers: Mapping[str, str], body: bytes) -> None:
        """Print one request: its line, headers, body and what its signatures say."""
        findings = signature_findings(headers, body, self.secret, now_s=time.time())
        with self._printing:
            self._console.rule(f"{datetime.now().astimezone():%H:%M:%S}", align="left")
            self._console.print(
                f"[bold]{escape(handler.command)} {escape(_printable(handler.path))}[/bold]", highlight=False
            )
            for name, value in handler.headers.items():
                shown = escape(_printable(masked(name, value)))
                self._console.print(f"  [dim]{escape(_printable(name))}:[/dim] {shown}", highlight=False)
            self._console.print(pretty(body))
            for fits, sentence in findings:
                colour = "green" if fits else "red"
                self._console.print(f"[{colour}]{escape(_printable(sentence))}[/{colour}]", highlight=False)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Receiver
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT_S

    def _receive(self) -> None:
        # A body that isn't read to its end would be taken for the next request.
        if "transfer-encoding" in self.headers:
            self._refuse(411, "Send the body with a Content-Length.")
            return
        length = self.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            self._refuse(400, "Content-Length must be a number.")
            return
        if len(length) > 12 or int(length) > MAX_BODY_BYTES:
            self._refuse(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.show(self, headers, body)
        self._answer(
            200,
            {
                "status": "received",
                "timestamp": rfc3339(datetime.now(UTC)),
                "event_id": event_id(headers, body),
            },
        )

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _receive  # noqa: N815 - names that http.server asks for

    def _refuse(self, status: int, message: str) -> None:
        self.close_connection = True
        self._answer(status, {"status": "refused", "message": message})

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing beside what `show` prints."""


def event_id(headers: Mapping[str, str], body: bytes) -> str | None:
    """The id of what was sent: in the body, else in the header `webhook-id`."""
    decoded = _decoded(body)
    found = decoded.get("id") if isinstance(decoded, dict) else None
    return found if isinstance(found, str) and found else headers.get("webhook-id")


def masked(name: str, value: str) -> str:
    """A header's value as it may be shown: of credentials only the scheme and the beginning."""
    if name.lower() not in {"authorization", "proxy-authorization", "cookie", "x-api-key"}:
        return value
    scheme, blank, credential = value.rpartition(" ")
    return f"{scheme}{blank}{credential[:4] if len(credential) > 12 else ''}***"


def pretty(body: bytes) -> Syntax | str:
    """A body to print: JSON indented, other text as it is, anything else by its size."""
    if not body:
        return "[dim](no body)[/dim]"
    decoded = _decoded(body)
    if decoded is not None:
        return Syntax(json.dumps(decoded, indent=2, ensure_ascii=False), "json", word_wrap=True)
    try:
        return escape(_printable(body.decode()))
    except UnicodeDecodeError:
        return f"[dim]({len(body)} bytes that are no text)[/dim]"


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _printable(text: str) -> str:
    """Without control characters, which could change what the terminal shows."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
