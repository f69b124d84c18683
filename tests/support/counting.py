"""A connection that counts its statements."""

from __future__ import annotations

from typing import Any

_STATEMENTS = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table"}


class Counting:
    """Passes everything on and remembers the statements."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name not in _STATEMENTS:
            return method

        def counted(*arguments: Any, **options: Any) -> Any:
            self.statements.append(arguments[0])
            return method(*arguments, **options)

        return counted
