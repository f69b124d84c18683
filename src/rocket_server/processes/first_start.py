"""What is done before the server can start, in a process that ends: migrations, the first organisation.

`rocket up` runs this beside the start of PostgreSQL, so that its imports cost no time, and out of the
supervisor, so that their memory is given back.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

import asyncpg

from rocket_server.audit.operators import operator
from rocket_server.db.migrate import upgrade
from rocket_server.db.pool import UNAVAILABLE_ERRORS, open_database
from rocket_server.errors import ConfigurationError, RocketError
from rocket_server.organisations import keys, store
from rocket_server.usecases.members import first_link
from rocket_server.usecases.new_organisation import create

FIRST_ORGANISATION = "Main"
# Two processes that start for the first time at once: only one of them makes the organisation.
_ADVISORY_LOCK = 0x526F636B6575
_KEYS_LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class Order:
    """What the process is asked to do, as a line of JSON on its standard input."""

    database_url: str
    owner_database_url: str
    public_url: str


async def prepare(order: Order) -> dict[str, Any]:
    """Migrate, and make the first organisation where there is none.

    The answer has `made`, as `rocket init --json` prints it, or else the `organisation` made first
    and the `key_prefix` of its first active key, which may be None; and `link`, what the link ends in by
    which the first administrator signs in, while there is nobody who could by themselves.
    """
    await upgrade(order.owner_database_url)
    database = await open_database(order.database_url, general_size=1, ingest_size=1)
    try:
        async with database.transaction() as conn:
            await conn.execute("SELECT pg_advisory_xact_lock($1)", _ADVISORY_LOCK)
            organisations = await store.all_organisations(conn)
            if not organisations:
                made = await create(conn, operator("rocket up"), name=FIRST_ORGANISATION)
                link = await first_link(conn, operator("rocket up"))
                return {"made": made.as_dict(order.public_url), "link": link}
            known = await keys.page(conn, organisations[0], None, _KEYS_LOOKED_AT)
            prefixes = [key.prefix for key in known if key.revoked_at is None]
            return {
                "key_prefix": prefixes[0] if prefixes else None,
                "organisation": organisations[0].name,
                "link": await first_link(conn, operator("rocket up")),
            }
    finally:
        await database.close()


def main() -> int:
    """Reads the order, answers on standard output; 1 and a line on standard error where it can't be done."""
    if "--fresh" in sys.argv:  # the database will be empty: load what its migration takes meanwhile
        import alembic.command  # noqa: F401
        import sqlalchemy.ext.asyncio  # noqa: F401
    line = sys.stdin.readline()
    if not line:  # whoever started us has given up
        return 1
    try:
        print(json.dumps(asyncio.run(prepare(Order(**json.loads(line))))))  # noqa: T201
    except (RocketError, ConfigurationError, asyncpg.PostgresError, *UNAVAILABLE_ERRORS) as error:
        print(f"rocket: the database can't be prepared: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
