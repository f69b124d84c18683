"""Says in a stable code and a sentence why no answer came."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from rocket_server.delivery.connections import TooMuch
from rocket_server.delivery.resolver import Forbidden, Unresolvable
from rocket_server.errors import InvalidPayload

_TOO_MANY: Final = "too many headers"  # how the parser says it, in a class that also means other things
_SAID_CHARS: Final = 200

_UNREACHABLE: Final = frozenset(
    (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL)
)
_RESET: Final = frozenset((errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN))
_SHORT_OF: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


def failure(error: Exception, timeout_ms: int) -> tuple[str, str]:
    """The code and the sentence of an error that ended a try.

    `timeout`, `forbidden_address`, `unresolvable`, `refused`, `unreachable`, `reset`, `tls`, `protocol`,
    `too_large` and `invalid_request` are about the receiver or its settings; `overloaded` and `internal` are
    about this server.
    """
    match error:
        case Forbidden():
            return "forbidden_address", f"Not called: {error}."
        case Unresolvable():
            return "unresolvable", f"{error}."
        case InvalidPayload():
            return "invalid_request", f"Not called: {error.message}."
        case aiohttp.ClientConnectorCertificateError():
            return "tls", f"The certificate can't be trusted: {_said(error.certificate_error)}."
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "tls", f"TLS failed: {_said(error)}."
        case aiohttp.ServerDisconnectedError():
            return "reset", "The receiver closed the connection without an answer."
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return _unreadable(error)
        case TimeoutError():  # the class of ETIMEDOUT too
            return "timeout", f"No answer within {timeout_ms / 1000:g} s."
        case OSError():
            return _of_the_system(error)
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            return "reset", f"The connection was lost: {_said(error)}."
        case aiohttp.ClientError() | ValueError() | TypeError():
            return "invalid_request", f"The request can't be sent: {_said(error)}."
    return "internal", f"The delivery failed inside this server: {type(error).__name__}."


def _unreadable(error: BaseException) -> tuple[str, str]:
    for cause in _causes(error):
        if isinstance(cause, TooMuch):
            return "too_large", "What came was long, and no status among it."
        if isinstance(cause, LineTooLong) or _TOO_MANY in str(cause).lower():
            return "too_large", "The answer's headers are larger than any receiver needs."
    return "protocol", f"What came is no HTTP answer: {_first_line(list(_causes(error))[-1])}."


def _of_the_system(error: OSError) -> tuple[str, str]:
    number = error.errno
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
    if number == errno.ECONNREFUSED:
        return "refused", "Nothing listens there: the connection was refused."
    if number in _RESET or isinstance(error, ConnectionError):
        return "reset", "The receiver reset the connection."
    if number == errno.ETIMEDOUT:
        return "timeout", "The receiver's machine doesn't answer."
    if number in _SHORT_OF:
        return "overloaded", f"This server has no room for another connection: {_of(number)}."
    if number in _UNREACHABLE or isinstance(error, aiohttp.ClientConnectorError | socket.gaierror):
        return "unreachable", f"No way leads there: {_of(number)}."
    return "reset", f"The connection was lost: {_of(number)}."


def _of(number: int | None) -> str:
    """An error of the system in words, without the address that it is about."""
    return os.strerror(number) if number is not None and number > 0 else "unknown"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _first_line(error: BaseException) -> str:
    """What the parser found, without the bytes around it."""
    if isinstance(error, HttpProcessingError):
        return _said(ValueError(error.message.partition("\n")[0]))
    return _said(error)


def _said(error: BaseException) -> str:
    """An error's own words on one line, without the end of their sentence."""
    words = " ".join(str(error).split()) or type(error).__name__
    printable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)
    return printable[:_SAID_CHARS].rstrip(".: ")
