"""Connections to PostgreSQL: two pools shared out among organisations, one spare, one transaction helper, and
the words for what went wrong."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import asyncpg
import msgspec
import structlog

from rocket_server.db.shares import Shares
from rocket_server.decoding import decode_stored
from rocket_server.errors import Contended, Unavailable
from rocket_server.pace import TakesTooLong

T = TypeVar("T")

log = structlog.get_logger(__name__)

APP_ROLE = "rocket_app"

_ATTEMPTS = 6
_BACKOFF_S = 0.01  # doubled with each attempt, with full jitter

# A statement of the ingest path meets tables that are empty in the first minute and huge a year later.
# A generic plan is made once and kept, so it has to be the right one for both: always by index. The
# statements themselves leave no other choice: they name keys by `= ANY (…)` or look up row by row behind a
# LIMIT, since a join with a table believed to be tiny may be turned round.
_INGEST_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
# Everything else is planned for the tables as they are; that costs a fraction of a millisecond.
_GENERAL_SETTINGS = {"plan_cache_mode": "force_custom_plan"}

_COMMON_SETTINGS = {
    "role": APP_ROLE,
    "jit": "off",
    "timezone": "UTC",
    "application_name": "rocket",
    # For processes that hang or vanish without a word: the server ends what they began and held.
    "idle_in_transaction_session_timeout": "300s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

# What a caller meets when PostgreSQL is down, starting, stopping, full or out of connections.
UNAVAILABLE_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresIOError,
    asyncpg.exceptions.InternalClientError,
)


class TryAgain(Exception):
    """Another transaction was faster; the whole of this one is worth trying again at once."""


# What is worth trying again at once, in a new transaction.
RETRYABLE_ERRORS: tuple[type[BaseException], ...] = (
    TryAgain,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)


class _RolledBack(Exception):
    """Leaves a transaction without its effects."""


class Database:
    """The server's connections: `ingest` ones plan for the hot path, `general` ones for everything else, and
    the `spare` one is for those who ask whether all is well."""

    def __init__(
        self,
        url: str,
        general: asyncpg.Pool,
        ingest: asyncpg.Pool,
        spare: asyncpg.Pool,
        acquire_timeout_s: float,
    ) -> None:
        self.url = url
        self._general = general
        self._ingest = ingest
        self._spare = spare
        self._shares = {pool: Shares(pool.get_max_size()) for pool in (general, ingest, spare)}
        self._acquire_timeout_s = acquire_timeout_s

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for single reads, each its own transaction."""
        async with self._lend(self._general) as conn:
            yield conn

    @asynccontextmanager
    async def spare(self) -> AsyncIterator[asyncpg.Connection]:
        """As `connection`, and there is one also while all others are at work."""
        async with self._lend(self._spare) as conn:
            yield conn

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection with a transaction that commits when the block ends well."""
        async with self._lend(self._general) as conn, conn.transaction():
            yield conn

    @asynccontextmanager
    async def ingest_transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """As `transaction`, on a connection whose plans always go by index."""
        async with self._lend(self._ingest) as conn, conn.transaction():
            yield conn

    async def run(self, work: Callable[[asyncpg.Connection], Awaitable[T]], *, ingest: bool = False) -> T:
        """What `work` answers in a transaction, done anew where another transaction was faster or a deadlock
        was broken. Raises Contended where that doesn't end."""
        transaction = self.ingest_transaction if ingest else self.transaction
        for attempt in range(_ATTEMPTS):
            try:
                async with transaction() as conn:
                    return await work(conn)
            except RETRYABLE_ERRORS as error:
                log.info("transaction_retried", attempt=attempt + 1, error=type(error).__name__)
                await asyncio.sleep(random.uniform(0, _BACKOFF_S * 2**attempt))  # noqa: S311
        raise Contended("Too many requests touch the same learners at once. Send the same request again.")

    async def dry_run(self, work: Callable[[asyncpg.Connection], Awaitable[T]], *, ingest: bool = False) -> T:
        """As `run`, in a transaction that is rolled back: what `work` answers is what would have followed."""
        answers: list[T] = []

        async def undone(conn: asyncpg.Connection) -> None:
            answers.append(await work(conn))
            raise _RolledBack

        with suppress(_RolledBack):
            await self.run(undone, ingest=ingest)
        return answers[-1]

    @asynccontextmanager
    async def _lend(self, pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
        async with self._shares[pool].turn(self._acquire_timeout_s), self._acquired(pool) as conn:
            yield conn

    @asynccontextmanager
    async def _acquired(self, pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
        try:
            conn = await pool.acquire(timeout=self._acquire_timeout_s)
        except UNAVAILABLE_ERRORS as error:
            raise unavailable(error) from error
        try:
            yield conn
        except UNAVAILABLE_ERRORS as error:
            if isinstance(error, OSError) and not _is_of_the_driver(error):
                raise  # a file, a socket or a time-out of the borrower's own
            if isinstance(error, TimeoutError):
                raise TakesTooLong from error
            raise unavailable(error) from error
        finally:
            # Shielded, so that a cancelled request doesn't leak a connection in mid-release. One that is lost
            # in mid-release has been given back already, and what was done with it is done: the driver
            # complains, but nobody has to try anything again.
            with suppress(*UNAVAILABLE_ERRORS):
                await asyncio.shield(pool.release(conn))

    async def close(self) -> None:
        for pool in (self._general, self._ingest, self._spare):
            try:
                await asyncio.wait_for(pool.close(), timeout=5)
            except UNAVAILABLE_ERRORS:
                pool.terminate()


def unavailable(error: BaseException) -> Unavailable:
    """The 503 for a database that can't work now; the cause is in the log, not in the answer."""
    return Unavailable(
        f"The database is not available now ({type(error).__name__}). Send the same request again."
    )


def _is_of_the_driver(error: BaseException) -> bool:
    """Whether an error came out of a call of the driver."""
    frames = error.__traceback__
    while frames is not None:
        if str(frames.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "asyncpg":
            return True
        frames = frames.tb_next
    return False


async def open_database(
    url: str,
    *,
    general_size: int = 10,
    ingest_size: int = 4,
    timeout_s: float = 30,
    acquire_timeout_s: float = 5,
) -> Database:
    """Open both pools. Connections take the role that has no right to change the ledger."""
    # Later than the driver's own time-out: for where nobody is there any more to give up.
    common = _COMMON_SETTINGS | {"lock_timeout": f"{round(timeout_s * 1000) + 2_000}ms"}
    general = await _open_pool(url, general_size, common | _GENERAL_SETTINGS, timeout_s)
    ingest = await _open_pool(url, ingest_size, common | _INGEST_SETTINGS, timeout_s)
    spare = await _open_pool(url, 1, common | _GENERAL_SETTINGS, timeout_s, at_once=0)
    return Database(url, general, ingest, spare, acquire_timeout_s)


async def connect(url: str) -> asyncpg.Connection:
    """One connection beside all pools, as general ones are, for a process of its own."""
    # Under another name: it only reads, and whoever waits for what may still be written needn't wait for it.
    settings = _COMMON_SETTINGS | _GENERAL_SETTINGS | {"application_name": "rocket-reads"}
    conn = await asyncpg.connect(url, server_settings=settings, timeout=5)
    await prepare_connection(conn)
    return conn


async def _open_pool(
    url: str, size: int, settings: dict[str, str], timeout_s: float, *, at_once: int = 1
) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        url,
        min_size=at_once,
        max_size=size,
        server_settings=settings,
        command_timeout=timeout_s,
        timeout=5,
        max_inactive_connection_lifetime=0,
        init=prepare_connection,
        reset=_no_reset,
    )


async def prepare_connection(conn: asyncpg.Connection) -> None:
    """Teach a connection to take and give jsonb as decoded JSON, as all stores expect."""
    await conn.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )


_encode = msgspec.json.Encoder().encode


# jsonb travels as a version byte, 1, and the JSON text.
def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + _encode(value)


def _decode_jsonb(data: bytes) -> Any:
    return decode_stored(data[1:])


async def alone(conn: asyncpg.Connection, work: str, organisation_id: str) -> bool:
    """Whether nobody else does that work for the organisation now; nobody begins it until the transaction
    ends. For work that is harmless twice, but wasted."""
    found: bool = await conn.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", f"{work}:{organisation_id}"
    )
    return found


async def _no_reset(conn: asyncpg.Connection) -> None:
    """Nothing to undo: sessions are only used inside transactions and set nothing beyond them."""


async def add_rows(conn: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows by COPY, which costs both sides about half of what INSERT from arrays does. A violated
    constraint is raised as by INSERT."""
    if rows:
        await conn.copy_records_to_table(table, columns=columns, records=rows)
