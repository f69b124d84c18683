"""`rocket_server.processes.serving`, which also writes down the statements of each transaction that lock
something, each sequence once, into the file that ROCKET_TEST_LOCKS names."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from asyncpg import Connection

from rocket_server.processes import serving
from support import locks

_METHODS = ("execute", "executemany", "fetch", "fetchrow", "fetchval")


class Recorder:
    """What each connection did since its transaction began."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._begun: dict[int, list[str]] = {}
        self._written: set[tuple[str, ...]] = set()

    def saw(self, connection: Connection, statement: str) -> None:
        if statement.startswith("BEGIN"):
            self._begun[id(connection)] = []
        elif statement.startswith(("COMMIT", "ROLLBACK;")):
            done = tuple(self._begun.pop(id(connection), ()))
            if done and done not in self._written:
                self._written.add(done)
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done) + "\n")
        elif id(connection) in self._begun and locks.steps_of(statement):
            done_before = self._begun[id(connection)]
            if statement not in done_before:
                done_before.append(statement)


def watch(recorder: Recorder) -> None:
    """Let every statement of this process be seen."""
    for name in _METHODS:
        method = getattr(Connection, name)

        def seen(self: Connection, query: str, *arguments: Any, _method: Any = method, **options: Any) -> Any:
            recorder.saw(self, query)
            return _method(self, query, *arguments, **options)

        setattr(Connection, name, seen)


if __name__ == "__main__":
    watch(Recorder(Path(os.environ.pop("ROCKET_TEST_LOCKS"))))
    sys.exit(serving.main())
