"""An analytics service on a real socket, which answers as a test wants and remembers what it got."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Import:
    """One request: who sent it over which connection, and what."""

    peer: str
    target: str
    authorization: str | None
    body: bytes


@dataclass(slots=True)
class Analytics:
    """`status` is answered to each request; after `closes_after` of them a connection is closed, and the
    answer doesn't say so."""

    port: int = 0
    status: int = 200
    closes_after: int | None = None
    imports: list[Import] = field(default_factory=list)

    def url(self, target: str) -> str:
        """The address of a path and query."""
        return f"http://127.0.0.1:{self.port}{target}"


@contextmanager
def analytics() -> Iterator[Analytics]:
    """A service that listens for the time of the block."""
    state = Analytics()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent = Import(str(self.client_address), self.path, self.headers["Authorization"], body)
            state.imports.append(sent)
            self.send_response(state.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
            self.close_connection = len(state.imports) == state.closes_after

        def log_message(self, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as service:
        service.daemon_threads = True
        state.port = service.server_port
        threading.Thread(target=service.serve_forever, daemon=True).start()
        yield state
        service.shutdown()
