"""HTTP/1.1 as uvicorn speaks it, with a bound on everything that a client decides: the size of a head and the
time for it, requests sent ahead, what follows after an answer, and answers that nobody reads. What is no HTTP
gets an error in the shape of all others.

The class goes by uvicorn's insides, so `pyproject.toml` says for which versions that was looked at.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httptools
import structlog
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from rocket_server.errors import HeadTooLarge, InvalidPayload, RocketError, Unavailable
from rocket_server.http.edge.connections import Connections, Row
from rocket_server.http.edge.context import address_block, parse_address
from rocket_server.http.edge.limits import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_PIPELINED,
    MAX_REST_BYTES,
    MAX_TARGET_BYTES,
)
from rocket_server.http.edge.turnstile import Turnstile
from rocket_server.http.responses import error_response
from rocket_server.ids import uuid7
from rocket_server.metrics import CONNECTIONS_ENDED

log = structlog.get_logger(__name__)

_RETRY_AFTER_S = 1
_JOINED_BYTES = 64 * 1024  # of a body that is copied behind its head
_PIECE_BYTES = 64 * 1024  # of an answer that are written in one turn of the loop
# A chunked body may need as many bytes for its frame as it has itself, and these: enough for chunks of eight
# bytes, too little for extensions and trailers without end.
_FRAME_BYTES = 64 * 1024
# What is still taken in of what was no request: enough for an answer to be found.
_REST_OF_REFUSED_BYTES = 1024 * 1024


class Refused(Exception):
    """Raised from the parser's callbacks to stop it; the reason is in the metrics."""

    def __init__(self, reason: str, error: RocketError) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error


class _Link:
    """What an answer writes to: the transport, except that the head of an answer goes with what follows it,
    since each write is a call of the system, and that its end waits for what the client still sends."""

    __slots__ = ("_close", "_head", "_write", "held", "is_closing", "waits", "way_out")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None], way_out: Turnstile) -> None:
        self.way_out = way_out
        self.held = 0  # bytes of an answer that aren't written yet
        self._write = transport.write
        self._close = close
        self.is_closing = transport.is_closing
        self.waits = False  # what is written next is a head
        self._head = b""

    def write(self, data: bytes) -> None:
        if self.waits:
            self.waits, self._head = False, data
        elif self._head and len(data) <= _JOINED_BYTES:
            head, self._head = self._head, b""
            self._write(head + data)
        else:
            self.flush()
            self._write(data)

    def flush(self) -> None:
        """Write a head that nothing followed."""
        if self._head:
            head, self._head = self._head, b""
            self._write(head)

    def close(self) -> None:
        self.flush()
        self._close()


class _Cycle(RequestResponseCycle):
    """One request and its answer."""

    transport: Any  # a _Link

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.transport.waits = True
        elif not message.get("body") or self.scope["method"] == "HEAD":
            self.transport.flush()  # nothing will be written behind the head
        elif len(message["body"]) > _PIECE_BYTES:
            await self._send_in_pieces(message["body"], message.get("more_body", False))
            return
        await super().send(message)

    async def _send_in_pieces(self, body: bytes, more_body: bool) -> None:
        """A turn of the loop for each, so that a crowd's large answers don't make all others wait."""
        link = self.transport
        written = 0
        try:
            while written < len(body) and not self.disconnected:
                link.held = len(body) - written
                await link.way_out.enter()
                piece = body[written : written + _PIECE_BYTES]
                written += len(piece)
                link.held = len(body) - written
                more = more_body or bool(link.held)
                await super().send({"type": "http.response.body", "body": piece, "more_body": more})
        finally:
            link.held = 0


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, all_connections: Connections, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._all = all_connections
        self.block = ""
        self.row: Row | None = None
        self.since = 0.0
        self.is_sending = self.is_proxy = False
        self._link: Any = None
        self._answering: RequestResponseCycle | None = None
        self._in_head = True  # else in a body
        self._begun = False  # something of a head has come
        self._head_bytes = 0
        self._fed_bytes = 0  # of a head that hasn't ended
        self._frame_bytes = 0  # of a body, as received; less than nothing where it was sent without a frame
        self._body_bytes = 0
        self._rest_bytes = 0
        self._refused: Refused | None = None
        self._deaf = False  # the last answer was given: what comes is thrown away
        self._upgrading = False

    # What `Connections` asks for.

    def end(self) -> None:
        """Close as soon as what was written has been read."""
        self._deaf = True
        self._all.move(self, None)
        self.transport.close()
        if self.unsent():
            self._all.unread(self)

    def abort(self) -> None:
        """Close now."""
        self._deaf = True
        self._all.move(self, None)
        self._tell_handlers()
        self.transport.abort()

    def unsent(self) -> int:
        held: int = self._link.held
        return self.transport.get_write_buffer_size() + held

    def received(self) -> int | None:
        cycle = self.cycle
        waiting = cycle is not None and not cycle.waiting_for_100_continue and not self.flow.read_paused
        return self._body_bytes if waiting else None

    def give_up_body(self) -> None:
        text = "The body did not arrive: for some time less than 1 KiB a second of it has come."
        self._refuse(Refused("body_timeout", InvalidPayload(text)))

    # What the loop calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._link = _Link(transport, self._finish, self._all.way_out)
        address = parse_address(self.client[0]) if self.client else None
        self.block = address_block(address)
        if not self._all.admit(self, address, self.loop):
            self._write(Unavailable("The server has too many connections. Try again.", _RETRY_AFTER_S))
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.leave(self)
        self._tell_handlers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf or self._refused is not None:
            self._throw_away(len(data))
            return
        if self._in_head:
            self._fed_bytes += len(data)
        else:
            self._frame_bytes += len(data)
        try:
            self._feed(data)
            if self._fed_bytes > MAX_HEAD_BYTES:
                raise _head_too_large()
            if self._frame_bytes > _FRAME_BYTES:
                raise _malformed("frame", "Its chunks are too small for what they carry.")
        except Refused as refused:
            self._refuse(refused)
        except httptools.HttpParserError as error:
            known = error.__context__
            self._refuse(known if isinstance(known, Refused) else _malformed("malformed", f"{error}."))
        if self._fed_bytes and self.row is self._all.idle:
            self._all.move(self, self._all.silent)
        elif not self._in_head and not self._deaf and not self.cycle.response_complete:
            self._all.sending(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._all.unread(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._all.read(self)
            if self._answering is not None and self._answering.response_complete and not self._deaf:
                self._go_on()

    def shutdown(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.end()
        else:
            self.cycle.keep_alive = False

    # What the parser calls.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head_bytes = len(self.url)
        if self._head_bytes > MAX_TARGET_BYTES:
            raise _head_too_large()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:  # a trailer: nobody asks for one, and it mustn't pass for a header
            return
        self._head_bytes += len(name) + len(value) + 4
        headers = self.headers
        if self._head_bytes > MAX_HEAD_BYTES or len(headers) >= MAX_HEADERS:
            raise _head_too_large()
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """As uvicorn's, with answers that end by `_finish`."""
        self._fed_bytes = 0
        if self.parser.should_upgrade():
            self._upgrading = True
            return
        self._begun = self._in_head = False
        self._frame_bytes = self._body_bytes = self._rest_bytes = 0
        if len(self.pipeline) >= MAX_PIPELINED:
            text = f"More than {MAX_PIPELINED} requests were sent ahead of their answers."
            raise Refused("pipelined", InvalidPayload(text))
        version = self.parser.get_http_version()
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        target = httptools.parse_url(self.url)
        scope["raw_path"] = raw_path = target.path or b"/"
        path = raw_path.decode("ascii")
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["query_string"] = target.query or b""
        before = self.cycle
        self.cycle = _Cycle(
            scope=scope,
            transport=self._link,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        row = self.row
        if row is not None:  # as `move` does: this is the way of each request
            del row[self]
            self.row = None
        if (before is None or before.response_complete) and not self.flow.write_paused:
            self._answering = self.cycle
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        self._frame_bytes -= 2 * len(body)
        self._body_bytes += len(body)
        if cycle.response_complete:
            self._throw_away(len(body))
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        self._in_head = True
        if self.is_sending:
            self._all.sent(self)
        if self.cycle.response_complete:
            if self.row is self._all.resting:
                self._all.move(self, self._all.idle)
            return
        self.cycle.more_body = False
        self.cycle.message_event.set()

    # What answers call.

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        # Where the client doesn't read, what else it asks for would only be held.
        if not (self._deaf or self.flow.write_paused or self.transport.is_closing()):
            self._go_on()

    def _go_on(self) -> None:
        """To the next request of those that were sent ahead, or to whatever comes."""
        self.flow.resume_reading()
        if self.pipeline and not (self._refused is not None and self.pipeline[-1][0].more_body):
            self._answering, app = self.pipeline.pop()
            self._start_asgi_task(self._answering, app)
        elif self._refused is not None:
            self._answer_refused(self._refused)
        elif not self._in_head:
            self._all.sent(self)
            self._all.move(self, self._all.resting)
        else:
            self.row = row = self._all.silent if self._begun else self._all.idle
            self.since = self.loop.time()
            row[self] = None

    def _finish(self) -> None:
        """The last answer was written. Where the client may still be sending, it gets the time to finish:
        data that arrives at a closed socket resets the connection, and the answer would be lost."""
        if self._in_head and self._refused is None:
            self.end()
        elif not self.transport.is_closing():
            self._rest()

    def _rest(self) -> None:
        self._deaf = True
        self._all.sent(self)
        self._rest_bytes = 0
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._all.move(self, self._all.resting)

    def _tell_handlers(self) -> None:
        """Nobody is there for the answer under way, nor for one whose body still comes."""
        for cycle in (self._answering, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _throw_away(self, size: int) -> None:
        self._rest_bytes += size
        if self._rest_bytes > MAX_REST_BYTES and not self.transport.is_closing():
            CONNECTIONS_ENDED.labels("rest_too_large").inc()
            self.end()

    def _feed(self, data: bytes) -> None:
        """Parse what came. A request to change to another protocol is read as if it didn't ask: the parser
        would take its body for the other protocol's, which would make a second request of it."""
        view: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(view)
                return
            except httptools.HttpParserUpgrade as upgrade:
                view = memoryview(view)[upgrade.args[0] :]
            self._upgrading = False
            method = self.parser.get_method()
            if method == b"CONNECT":
                raise _malformed("malformed", "CONNECT is for proxies.")
            lines = [b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())]
            lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self.parser.feed_data(b"\r\n".join(lines) + b"\r\n\r\n")

    def _refuse(self, refused: Refused) -> None:
        """Read no further. Requests that were whole are answered first, in their order."""
        CONNECTIONS_ENDED.labels(refused.reason).inc()
        self._refused = refused
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._answer_refused(refused)
        elif cycle.more_body and not self.pipeline and not cycle.response_started:
            cycle.disconnected = True  # its handler waits for a body that will never be whole
            cycle.message_event.set()
            self._answer_refused(refused)

    def _answer_refused(self, refused: Refused) -> None:
        self._write(refused.error)
        self._rest()
        self._rest_bytes = MAX_REST_BYTES - _REST_OF_REFUSED_BYTES

    def _write(self, error: RocketError) -> None:
        """Answer without a request."""
        request_id = uuid7()
        address = self.client[0] if self.client else "unknown"
        log.info("request_not_read", request_id=request_id, address=address, reason=error.message)
        response = error_response(error, request_id)
        lines = [b"HTTP/1.1 %d %b" % (error.status, HTTPStatus(error.status).phrase.encode())]
        lines += [b"%b: %b" % header for header in response.raw_headers]
        lines += [b"x-request-id: " + request_id.encode(), b"connection: close", b"", b""]
        self.transport.write(b"\r\n".join(lines) + bytes(response.body))


def _malformed(reason: str, what: str) -> Refused:
    return Refused(reason, InvalidPayload(f"This is no HTTP/1.1 request that can be read. {what}"))


def _head_too_large() -> Refused:
    error = HeadTooLarge(
        f"Request line and headers are more than {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} headers, or path and"
        f" query string more than {MAX_TARGET_BYTES} bytes.",
        {
            "limit_bytes": MAX_HEAD_BYTES,
            "limit_headers": MAX_HEADERS,
            "limit_target_bytes": MAX_TARGET_BYTES,
        },
    )
    return Refused("head_too_large", error)
