"""All connections of this process: how many there are, whose they are, and who keeps it waiting for too long.

A connection that owes a request, or the rest of one, stands in one of three rows, whoever has waited longest
in front. Where there are too many connections the row that is worth least gives way, so that a client which
says something is let in however many others say nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from itertools import islice
from typing import Protocol

from rocket_server.http.edge.context import Address
from rocket_server.http.edge.limits import MIN_BYTES_PER_S, REST_S, Limits
from rocket_server.http.edge.turnstile import Turnstile
from rocket_server.metrics import CONNECTIONS, CONNECTIONS_ENDED

_LOOK_S = 1.0  # how often time limits are looked at
_LOOK_AT = 1_000  # connections, in search of one of the same address
_STALLED_S = 0.25  # after which a client that neither sends nor reads has to make room for another


class Connection(Protocol):
    """What a row knows of a connection. `since` is when it came into its row, by the loop's clock. `received`
    is how many bytes of a body have come; None while it isn't the client who is waited for."""

    block: str
    row: Row | None
    since: float
    is_sending: bool
    is_proxy: bool  # a trusted one: many clients stand behind it

    def end(self) -> None: ...

    def abort(self) -> None: ...

    def give_up_body(self) -> None: ...

    def received(self) -> int | None: ...

    def unsent(self) -> int: ...


Row = OrderedDict[Connection, None]


class Connections:
    """Made once for a process. All methods are the loop's."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.way_out = Turnstile()  # for large answers
        self._per_block: Counter[str] = Counter()
        self._open = 0
        self._look_at: asyncio.TimerHandle | None = None
        self._look_due = 0.0
        # Connected or begun, and no whole head yet; answered, and the rest of the body is still coming;
        # answered, and nothing new has come.
        self.silent: Row = OrderedDict()
        self.resting: Row = OrderedDict()
        self.idle: Row = OrderedDict()
        self._rows = (
            ("head_timeout", self.silent, limits.head_s),
            ("rest_timeout", self.resting, REST_S),
            ("idle", self.idle, limits.idle_s),
        )
        # Those whose answers aren't read: when that began, and how many bytes waited then; and their sums.
        self._unread: dict[Connection, tuple[float, int]] = {}
        self._unread_bytes = 0
        self._unread_per_block: Counter[str] = Counter()
        # Those whose bodies are coming: since when they have been watched, and what had come by then.
        self._sending: dict[Connection, tuple[float, int]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def admit(self, connection: Connection, address: Address | None, loop: asyncio.AbstractEventLoop) -> bool:
        """Count a new connection and let it stand with the silent ones; another may have to go for it.
        False where there is no room, and none that could go."""
        self._loop = loop
        limits, block = self._limits, connection.block
        connection.is_proxy = any(
            address is not None and address in network for network in limits.trusted_proxies
        )
        bounded = limits.per_address and not connection.is_proxy
        if bounded and self._per_block[block] >= limits.per_address:
            admitted = self._make_room(block)
        else:
            admitted = self._open < limits.connections or self._make_room(None)
        self._open += 1
        self._per_block[block] += 1
        CONNECTIONS.set(self._open)
        if not admitted:
            CONNECTIONS_ENDED.labels("too_many").inc()
            return False
        self.move(connection, self.silent)
        if self._look_at is None:
            self._look_later()
        return True

    def move(self, connection: Connection, row: Row | None) -> None:
        """Let a connection stand at the end of `row`; None: it owes nothing now."""
        if connection.row is not None:
            del connection.row[connection]
        connection.row = row
        if row is not None:
            assert self._loop is not None
            connection.since = self._loop.time()
            row[connection] = None

    def leave(self, connection: Connection) -> None:
        """Forget a connection that was closed."""
        self.move(connection, None)
        self.read(connection)
        self._sending.pop(connection, None)
        self._open -= 1
        self._per_block[connection.block] -= 1
        if not self._per_block[connection.block]:
            del self._per_block[connection.block]
        CONNECTIONS.set(self._open)

    def sending(self, connection: Connection) -> None:
        """From now on the client has to send its body, at some speed."""
        assert self._loop is not None
        connection.is_sending = True
        self._sending.setdefault(connection, (self._loop.time(), connection.received() or 0))

    def sent(self, connection: Connection) -> None:
        """The body is whole, or isn't wanted any more."""
        connection.is_sending = False
        self._sending.pop(connection, None)

    def unread(self, connection: Connection) -> None:
        """From now on the client has to read what was written, at some speed. Where too much is unread, what
        has been so for longest ends: of the same address where that has more than its part."""
        assert self._loop is not None
        if connection in self._unread:
            return
        self._note_unread(connection, self._loop.time(), connection.unsent())
        block, most = connection.block, self._limits.unread_bytes
        while not connection.is_proxy and self._unread_per_block[block] > most // 4:
            self._give_up_unread(next(one for one in self._unread if one.block == block))
        while self._unread_bytes > most:
            self._give_up_unread(next(iter(self._unread)))

    def read(self, connection: Connection) -> None:
        """The client has read nearly all."""
        _, size = self._unread.pop(connection, (0.0, 0))
        self._unread_bytes -= size
        self._unread_per_block[connection.block] -= size
        if not self._unread_per_block[connection.block]:
            del self._unread_per_block[connection.block]

    def _note_unread(self, connection: Connection, since: float, size: int) -> None:
        before = self._unread.get(connection, (0.0, 0))[1]
        self._unread[connection] = (since, size)
        self._unread_bytes += size - before
        self._unread_per_block[connection.block] += size - before

    def _give_up_unread(self, connection: Connection) -> None:
        CONNECTIONS_ENDED.labels("unread").inc()
        self.read(connection)
        connection.abort()

    def _make_room(self, block: str | None) -> bool:
        """End the connection of `block`, or of anybody, that is worth least: a silent one, one whose answer
        was given, one whose body or whose reading has come to a stop, one that is only kept open."""
        return (
            self._make_room_of(self.silent, block)
            or self._make_room_of(self.resting, block)
            or self._make_room_of_stalled(block)
            or self._make_room_of(self.idle, block)
        )

    def _make_room_of(self, row: Row, block: str | None) -> bool:
        for connection in islice(row, _LOOK_AT):
            if block is None or connection.block == block:
                self._end(connection, "made_room")
                return True
        return False

    def _make_room_of_stalled(self, block: str | None) -> bool:
        assert self._loop is not None
        now = self._loop.time()
        for connection, (since, before) in islice(self._sending.items(), _LOOK_AT):
            received = connection.received()
            if received is None or (block is not None and connection.block != block):
                continue
            if now - since >= _STALLED_S and received - before < MIN_BYTES_PER_S * (now - since):
                CONNECTIONS_ENDED.labels("made_room").inc()
                self.sent(connection)
                connection.give_up_body()
                return True
        for connection, (since, size) in islice(self._unread.items(), _LOOK_AT):
            if block is not None and connection.block != block:
                continue
            if now - since >= _STALLED_S and size - connection.unsent() < MIN_BYTES_PER_S * (now - since):
                CONNECTIONS_ENDED.labels("made_room").inc()
                connection.abort()
                return True
        return False

    def _end(self, connection: Connection, reason: str) -> None:
        CONNECTIONS_ENDED.labels(reason).inc()
        connection.end()

    def _look_later(self) -> None:
        assert self._loop is not None
        limits = self._limits
        wait_s = min(_LOOK_S, min(limits.head_s, limits.body_s, limits.idle_s, limits.write_s) / 4)
        self._look_due = self._loop.time() + wait_s
        self._look_at = self._loop.call_later(wait_s, self._look)

    def _look(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        self._look_at = None
        # Where the loop itself was late, what clients have sent meanwhile isn't read yet: look again later.
        if now - self._look_due < _LOOK_S:
            self._end_late(now)
        if self._open:
            self._look_later()

    def _end_late(self, now: float) -> None:
        for reason, row, limit_s in self._rows:
            while row:
                connection = next(iter(row))
                if now - connection.since < limit_s:
                    break
                self._end(connection, reason)
        self._end_stalled(now)
        window_s = self._limits.write_s
        for connection, (since, size) in list(self._unread.items()):
            if now - since < window_s:
                continue
            left = connection.unsent()
            if size - left < MIN_BYTES_PER_S * window_s:
                CONNECTIONS_ENDED.labels("write_timeout").inc()
                connection.abort()
            else:
                self._note_unread(connection, now, left)

    def _end_stalled(self, now: float) -> None:
        window_s = self._limits.body_s
        for connection, (since, before) in list(self._sending.items()):
            received = connection.received()
            if received is None:
                self._sending[connection] = (now, before)
            elif now - since >= window_s:
                if received - before < MIN_BYTES_PER_S * window_s:
                    self.sent(connection)
                    connection.give_up_body()
                else:
                    self._sending[connection] = (now, received)
