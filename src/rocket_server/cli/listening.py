"""The listening socket, taken before anything else is started."""

from __future__ import annotations

import socket

from rocket_server.processes.faults import Failure

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on the address, so that nobody else can take it meanwhile.

    Whoever connects before the server runs, or while it is started again, waits instead of being refused.
    Raises Failure where the address can't be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Failure(f"can't listen on {host!r}: {error.strerror or error}; see ROCKET_HOST") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise Failure(
            f"can't listen on {host}:{port}: {error.strerror}; stop what uses it, or choose another port"
            " with --port or ROCKET_PORT"
        ) from error
    return listening
