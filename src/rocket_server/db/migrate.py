"""Bringing a database to the current schema; safe to start from many processes at once."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from rocket_server.db.pool import UNAVAILABLE_ERRORS
from rocket_server.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_log = logging.getLogger(__name__)

APPLICATION_ROLE = "rocket_app"
VERSIONS = Path(__file__).parent / "migrations" / "versions"

_ADVISORY_LOCK = 0x526F636B6574  # "Rocket"; one for each database
# A process that waits behind another's migration waits for all of it.
_TURN_TIMEOUT = "10min"
# A migration that waits for a table makes everyone else wait behind it: rather give way and try again.
_LOCK_TIMEOUT = "5s"
_STATEMENT_TIMEOUT = "10min"
_ATTEMPTS = 10


def head(versions: Path = VERSIONS) -> str:
    """The newest revision, by the names of the files: `0007_add_streaks.py` is revision 0007."""
    return max(
        match.group() for file in versions.glob("*.py") if (match := re.match(r"\d{4}(?=_)", file.name))
    )


HEAD = head()


async def current(url: str) -> str | None:
    """The revision that the database is at, or None where it has none of ours."""
    connection = await asyncpg.connect(url)
    try:
        return await revision_of(connection)
    finally:
        await connection.close()


async def check_schema(url: str) -> None:
    """Raises ConfigurationError where the database is behind this release, Unavailable where it isn't there.

    A database that is ahead may be used: that is how a new release is brought in without a pause.
    """
    try:
        revision = await current(url)
    except UNAVAILABLE_ERRORS as error:
        raise Unavailable(f"The database can't be reached: {error or type(error).__name__}") from error
    except asyncpg.PostgresError as error:
        raise ConfigurationError(f"ROCKET_DATABASE_URL: {error}") from error
    if revision is None or revision < HEAD:
        raise ConfigurationError(
            f"the database is at revision {revision or 'none'}, this release needs {HEAD}: "
            "run `rocket migrate`"
        )


def migrate(url: str, versions: Path = VERSIONS) -> list[str]:
    """Applies what is missing, as the owner that `url` names; the revisions applied, oldest first.

    Makes the role that the server works as, then applies all revisions in one transaction. Raises
    ConfigurationError where the database is newer than this release, or the owner may not make the role.
    """
    return asyncio.run(upgrade(url, versions))


async def upgrade(url: str, versions: Path = VERSIONS) -> list[str]:
    """`migrate` inside an event loop; one at a time in a process, because Alembic's context is global."""
    target = head(versions)
    found = await current(url)
    if found == target:  # the usual case, without the half second that importing Alembic takes
        return []
    if found is not None and found > target:
        raise ConfigurationError(
            f"the database is at revision {found}, this release knows only {target}: start a newer release"
        )
    await _make_role(url)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await _upgrade_once(url, versions)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if attempt == _ATTEMPTS:
                raise
            _log.warning("a migration waits for a busy table, attempt %d of %d", attempt, _ATTEMPTS)
            await asyncio.sleep(1)
    raise AssertionError("unreachable")


def run_script(bind: Connection, script: Path) -> None:
    """Executes a file of SQL statements in the revision's transaction.

    asyncpg takes several statements at once only without arguments and outside SQLAlchemy's cursor, so
    this goes to its connection directly; SQLAlchemy has begun the transaction by then.
    """
    sql = script.read_text(encoding="utf-8")
    driver: Any = bind.connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(sql))


async def revision_of(connection: asyncpg.Connection) -> str | None:
    """The revision that an open connection's database is at, or None where it has none of ours."""
    try:
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return revision


async def _make_role(url: str) -> None:
    """Makes `rocket_app` and lets the owner take it. Roles are the whole cluster's, not one database's,
    so migrations of several databases may meet here; whoever comes second finds the work done."""
    connection = await asyncpg.connect(url)
    try:
        for _ in range(_ATTEMPTS):
            try:
                await _create_role(connection)
                return
            except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                continue
            except asyncpg.InternalServerError as error:
                if "tuple concurrently updated" not in str(error):
                    raise
        raise ConfigurationError(f"the role {APPLICATION_ROLE} could not be made: too many others try")
    except asyncpg.InsufficientPrivilegeError as error:
        owner = await connection.fetchval("SELECT quote_ident(current_user)")
        raise ConfigurationError(
            f"{owner} may not make the role that the server works as; as a superuser run: "
            f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN; GRANT {APPLICATION_ROLE} TO {owner};"
        ) from error
    finally:
        await connection.close()


async def _create_role(connection: asyncpg.Connection) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APPLICATION_ROLE):
        await connection.execute(f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN")
    # Since PostgreSQL 16 a role's maker is a member of it who may not take it until it grants itself that.
    may_take = await connection.fetchval(
        """
        SELECT bool_or(coalesce((to_jsonb(membership) ->> 'set_option')::boolean, true))
        FROM pg_auth_members AS membership
        JOIN pg_roles AS taken ON taken.oid = membership.roleid
        JOIN pg_roles AS taker ON taker.oid = membership.member
        WHERE taken.rolname = $1 AND taker.rolname = current_user
        """,
        APPLICATION_ROLE,
    )
    if not may_take:
        await connection.execute(f"GRANT {APPLICATION_ROLE} TO CURRENT_USER")


async def _upgrade_once(url: str, versions: Path) -> list[str]:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect(*_: object, **__: object) -> asyncpg.Connection:
        return await asyncpg.connect(url)  # asyncpg reads the URL itself, as it does for the server

    applied: list[str] = []
    config = Config()
    config.set_main_option("script_location", _escaped(VERSIONS.parent))
    config.set_main_option("version_locations", _escaped(versions))
    config.set_main_option("path_separator", "newline")
    config.attributes["applied"] = applied

    def run(connection: Connection) -> None:
        connection.execute(text(f"SET LOCAL lock_timeout = '{_TURN_TIMEOUT}'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {APPLICATION_ROLE}"))

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()
    return applied


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
