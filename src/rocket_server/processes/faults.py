"""What a command says when it can't go on: one line on standard error, and an exit status."""

from __future__ import annotations

BAD_INPUT = 2
FAILED = 1


class Failure(Exception):
    """A command can't do what it was asked; the message is for the person who asked."""

    status = FAILED


class BadInput(Failure):
    """A command was asked for something that there isn't, or in words that it doesn't take."""

    status = BAD_INPUT


def explain(error: Exception) -> tuple[str, int] | None:
    """The line for an error and its exit status, or None for a defect, whose traceback is worth seeing."""
    from rocket_server.errors import ConfigurationError, RocketError

    if isinstance(error, Failure):
        return str(error), error.status
    if isinstance(error, ConfigurationError):
        return str(error), BAD_INPUT
    if isinstance(error, RocketError):
        return error.message, BAD_INPUT if error.status < 500 else FAILED
    return _explain_usage(error) or _explain_database(error)


def _explain_usage(error: Exception) -> tuple[str, int] | None:
    """Typer's own errors, known by what they offer: from release to release their classes move about."""
    message, status = getattr(error, "format_message", None), getattr(error, "exit_code", None)
    if not callable(message) or not isinstance(status, int):
        return None
    said = str(message()).strip().rstrip(".")
    command = getattr(getattr(error, "ctx", None), "command_path", "rocket")
    # A group that was called without a command has shown its help already, and says nothing more.
    return (f"{said}; see `{command} --help`" if said else ""), status


def _explain_database(error: Exception) -> tuple[str, int] | None:
    import asyncpg

    from rocket_server.db.constraints import domain_error
    from rocket_server.db.pool import APP_ROLE, UNAVAILABLE_ERRORS
    from rocket_server.errors import InternalError

    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        meaning = domain_error(error)
        return None if isinstance(meaning, InternalError) else (meaning.message, BAD_INPUT)
    # The role that connections take is made by the first migration of a cluster.
    without_role = isinstance(error, asyncpg.InvalidParameterValueError) and APP_ROLE in str(error)
    if without_role or isinstance(error, asyncpg.UndefinedTableError):
        return "the database has no tables of Rocket yet: run `rocket migrate`", FAILED
    if isinstance(error, UNAVAILABLE_ERRORS):
        return f"the database can't be reached: {error or type(error).__name__}", FAILED
    if isinstance(error, asyncpg.PostgresError):
        return f"the database refuses: {error}", FAILED
    return None
