"""What the server says while it runs: one structured line for each fact, on standard error."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Literal, TextIO, cast

import structlog

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_MASK = "***"
_SECRET_NAMES = re.compile(r"token|secret|password|authorization|api_?key", re.IGNORECASE)
# Each keeps the beginning, by which a person tells one from others.
_SECRET_VALUES = re.compile(
    r"(\brk_(?:live|test)_[0-9a-f]{4})[0-9a-f]+"
    r"|(\bwhsec_)[A-Za-z0-9+/=]+"
    r"|(\bBearer )[^\s'\"]+"
    r"|([a-z]+://[^\s/:@]*:)[^\s/@]+(?=@)"  # the password of a database's URL
)
# Libraries that tell at `info` what only a developer wants to read.
_TALKATIVE = ("uvicorn", "alembic", "asyncio", "sqlalchemy")


def configure(level: Literal["debug", "info", "warning", "error"], form: Literal["json", "console"]) -> None:
    """Set up both structlog and the standard library's loggers, once for each process.

    Lines below `level` cost a call that does nothing. `form` is `json` for machines, `console` for people.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    ending: list[Any] = [
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, Forgiving(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=_LEVELS[level], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)


class Forgiving:
    """A stream whose failures are no failures of what is logged: a full disk must not end a request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def mask_secrets(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Masks what is named like a secret, and what looks like one in any text, tracebacks included."""
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = _MASK if _SECRET_NAMES.search(name) else _SECRET_VALUES.sub(_beginning_of, value)
    return line


def _beginning_of(found: re.Match[str]) -> str:
    return next(part for part in found.groups() if part is not None) + _MASK
