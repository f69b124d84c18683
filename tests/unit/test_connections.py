"""Who gives way where answers aren't read: a table of connections without a network."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from rocket_server.http.edge.connections import Connections
from rocket_server.http.edge.limits import Limits

KIB = 1024


class Loop:
    """A clock that is set."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        """The time that was set."""
        return self.now

    def call_later(self, *_):
        """Nothing is done later."""


class Connection:
    """One with so many bytes that its client hasn't read."""

    def __init__(self, all_connections, loop, address, unread):
        self.block, self.row, self.since = address, None, 0.0
        self.is_sending = self.is_proxy = self.aborted = False
        self.unread = unread
        assert all_connections.admit(self, ip_address(address), loop)

    def unsent(self):
        """As was said."""
        return self.unread

    def abort(self):
        """Remember it."""
        self.aborted = True


@pytest.fixture
def loop():
    """The clock."""
    return Loop()


@pytest.fixture
def connections():
    """Connections that may leave 400 KiB unread, one address a quarter of it."""
    trusted = (ip_network("10.0.0.0/8"),)
    return Connections(Limits(100, 50, trusted, 10, 10, 60, 30, unread_bytes=400 * KIB))


def test_an_address_that_reads_nothing_loses_its_oldest_answers(connections, loop):
    """Beyond its quarter an address pays with its own connections, and others keep theirs."""
    other = Connection(connections, loop, "192.0.2.9", 50 * KIB)
    connections.unread(other)
    one = [Connection(connections, loop, "192.0.2.1", 40 * KIB) for _ in range(4)]
    for connection in one:
        connections.unread(connection)
    assert [connection.aborted for connection in one] == [True, True, False, False]
    assert not other.aborted


def test_what_was_read_counts_no_more(connections, loop):
    """Who has read makes room for the next answer, however many there were."""
    for _ in range(20):
        connection = Connection(connections, loop, "192.0.2.1", 90 * KIB)
        connections.unread(connection)
        connections.read(connection)
        connections.leave(connection)
        assert not connection.aborted


def test_all_together_are_bounded(connections, loop):
    """Many addresses, and a trusted proxy, leave no more unread than there is room for: the oldest go."""
    behind = [Connection(connections, loop, "10.0.0.1", 60 * KIB) for _ in range(4)]
    others = [Connection(connections, loop, f"192.0.2.{n}", 60 * KIB) for n in range(5)]
    for connection in (*behind, *others):
        connections.unread(connection)
    assert [connection.aborted for connection in (*behind, *others)] == [True] * 3 + [False] * 6
