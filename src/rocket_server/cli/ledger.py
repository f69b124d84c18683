"""`rocket ledger`."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import typer

from rocket_server.cli.common import (
    OrganisationOption,
    TenantOption,
    choose,
    database_urls,
    load_settings,
    opened,
    table,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rocket_server.verify.proof import Difference

app = typer.Typer(help="Points and how they moved.", no_args_is_help=True)

_STATEMENT_TIMEOUT_S = 3600


@app.callback()
def ledger() -> None:
    """Points and how they moved."""


@app.command()
def verify(organisation: OrganisationOption = None, tenant: TenantOption = None) -> None:
    """Recomputes every balance from the ledger and every award from the events.

    Of one organisation, or of all. Ends with 1 and a list where anything differs.
    """

    async def work(url: str) -> tuple[list[Difference], Counter[str]]:
        from rocket_server.db.queries import load
        from rocket_server.organisations import store
        from rocket_server.verify.proof import verify_apart

        counts_of = load(__file__, "ledger.sql")["counts"]
        async with opened(url, _STATEMENT_TIMEOUT_S) as database:

            @asynccontextmanager
            async def snapshot() -> AsyncIterator[Any]:
                async with (
                    database.connection() as conn,
                    # One moment for what is compared, so that a server at work doesn't show as a difference.
                    conn.transaction(isolation="repeatable_read", readonly=True),
                ):
                    # What is computed between two statements may take long.
                    await conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                    yield conn

            async with snapshot() as conn:
                chosen = (
                    [await choose(conn, organisation, tenant)]
                    if organisation or tenant
                    else await store.all_organisations(conn)
                )
            found: list[Difference] = []
            counts: Counter[str] = Counter(organisations=len(chosen))
            for one in chosen:
                found += await verify_apart(snapshot, one.organisation_id)
                async with snapshot() as conn:
                    counts.update(dict(await conn.fetchrow(counts_of, one.organisation_id)))
            return found, counts

    with database_urls(load_settings()) as (url, _):
        found, counts = asyncio.run(work(url))
    told = ", ".join(f"{counts[what]} {what}" for what in ("entries", "events", "learners", "organisations"))
    if not found:
        typer.echo(f"adds up: {told}")
        return
    table(
        ("kind", "what", "difference", "organisation"),
        [(one.kind, one.subject, one.message, one.organisation_id) for one in found],
    )
    typer.echo(f"{len(found)} difference{'' if len(found) == 1 else 's'} in {told}", err=True)
    raise typer.Exit(1)
