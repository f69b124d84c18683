"""Who acts by a command: the user of this machine who runs it."""

from __future__ import annotations

import os
import socket

from rocket_server.audit.model import Actor

_MOST_LETTERS = 120  # of a user's name, and of a machine's


def operator(command: str) -> Actor:
    """The user who runs `command` (`rocket keys create`), by the operating system's word and not by that of
    the environment, which anybody may set."""
    try:
        import pwd

        user = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # no such list here, or a container's user without a name
        user = f"uid{os.getuid()}" if hasattr(os, "getuid") else "somebody"
    machine = socket.gethostname() or "localhost"
    return Actor("command", f"{user[:_MOST_LETTERS]}@{machine[:_MOST_LETTERS]}", command)
