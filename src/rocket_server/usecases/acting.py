"""What every act works with, and an act that is done once however often it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.pool import Database
from rocket_server.db.queries import load
from rocket_server.errors import Conflict, Unavailable

SQL = load(__file__, "acting.sql")

T = TypeVar("T")


class Services(Protocol):
    """The parts of a process that acts need."""

    @property
    def database(self) -> Database: ...

    @property
    def configurations(self) -> Configurations: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """Services of a process that serves nobody, such as a command."""

    database: Database
    configurations: Configurations


@dataclass(frozen=True, slots=True)
class Once(Generic[T]):
    """What an act resulted in. `replayed` where it was done before, under the same key."""

    result: T
    replayed: bool = False


async def once(
    services: Services,
    organisation_id: str,
    key: str | None,
    asked: Sequence[Any],
    kind: type[T],
    work: Callable[[Any], Awaitable[T]],
) -> Once[T]:
    """Do `work` in a transaction, once for `key`, whose result is kept for ever; without a key it is done.

    `kind` is the dataclass of the result. What was `asked` is kept as a hash: a name or a field that changes
    would make every repetition another request. Raises Conflict where the key was used with another one.
    """

    async def transaction(conn: Any) -> Once[T]:
        if key is None:
            return Once(await work(conn))
        request_hash = hashlib.sha256(msgspec.json.encode(asked, order="sorted")).digest()
        # Waits for a transaction that uses the same key at this moment.
        claimed = await conn.fetchval(SQL["claim"], organisation_id, key, request_hash, hashed_key(key))
        if claimed is None:
            return Once(msgspec.convert(await _kept(conn, organisation_id, key, request_hash), kind), True)
        result = await work(conn)
        await conn.execute(SQL["keep"], organisation_id, key, asdict(result))  # type: ignore[call-overload]
        return Once(result)

    return await services.database.run(transaction)


async def _kept(conn: Any, organisation_id: str, key: str, request_hash: bytes) -> Any:
    row = await conn.fetchrow(SQL["find"], organisation_id, [key, hashed_key(key)])
    if row is None:
        raise Unavailable("Another request with this Idempotency-Key was just undone. Send it again.")
    if row["request_hash"] != request_hash:
        raise Conflict("This Idempotency-Key was used with another request.", {"field": "Idempotency-Key"})
    return row["response"]


def hashed_key(key: str) -> str:
    """What stands for a key that named somebody who was anonymised; it is still good for one request only."""
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
