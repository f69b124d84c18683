"""What most commands share: settings, a database to work with, the organisation that is meant, a table."""

from __future__ import annotations

import asyncio
import difflib
import os
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.audit.model import Actor
    from rocket_server.config.settings import Settings
    from rocket_server.db.embedded import EmbeddedServer
    from rocket_server.db.pool import Database
    from rocket_server.organisations.model import Organisation
    from rocket_server.usecases.acting import Parts

T = TypeVar("T")

_MOST_LISTED = 20

OrganisationOption = Annotated[
    str | None,
    typer.Option("--organisation", help="Its name; may be left out where there is only one beside Demo."),
]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="The organisation's tenant.")]


def load_settings(**overrides: object) -> Settings:
    """The settings of the environment, with a command's options laid over: `load_settings(port=9000)`.

    What an operator should know about the environment goes to standard error.
    """
    from rocket_server.config.settings import Settings

    given = {f"ROCKET_{name.upper()}": str(value) for name, value in overrides.items() if value is not None}
    settings = Settings.from_environ({**os.environ, **given})
    for warning in settings.warnings:
        typer.echo(f"rocket: {warning}", err=True)
    return settings


@contextmanager
def embedded_database(settings: Settings, *, make: bool = False) -> Iterator[EmbeddedServer | None]:
    """The embedded database, running at least until the block ends; None where the settings name another.

    Where there is none it is made only with `make`: who asks for something wants no empty answer from a new
    database, nor files and a system user. Raises BadInput.
    """
    if settings.database_url is not None:
        yield None
        return
    from rocket_server.db import embedded

    if not make and not embedded.is_there(settings.data_dir):
        raise BadInput(
            f"there is no database in {settings.data_dir}: `rocket up` or `rocket init` makes one there;"
            " another folder is named by ROCKET_DATA_DIR, a PostgreSQL of yours by ROCKET_DATABASE_URL"
        )
    server = embedded.start(settings.data_dir)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def database_urls(settings: Settings, *, make: bool = False) -> Iterator[tuple[str, str]]:
    """The server's URL and the owner's; the embedded database runs at least until the block ends, and is made
    only with `make`."""
    with embedded_database(settings, make=make) as embedded:
        url = settings.database_url or (embedded.url if embedded else "")
        yield url, settings.owner_database_url or url


@asynccontextmanager
async def opened(url: str, timeout_s: float = 60) -> AsyncIterator[Database]:
    """A few connections to the database; a statement may take `timeout_s`."""
    from rocket_server.db.pool import open_database

    database = await open_database(url, general_size=2, ingest_size=2, timeout_s=timeout_s)
    try:
        yield database
    finally:
        await database.close()


def in_organisation(
    organisation: str | None,
    tenant: str | None,
    work: Callable[[Any, Organisation], Awaitable[T]],
) -> T:
    """What `work` reads, called in a transaction with the organisation that the options name. It can't write:
    what changes something is a use case, called by `act`."""

    async def run(url: str) -> T:
        async with (
            opened(url) as database,
            database.connection() as conn,
            conn.transaction(readonly=True),
        ):
            return await work(conn, await choose(conn, organisation, tenant))

    with database_urls(load_settings()) as (url, _):
        return asyncio.run(run(url))


def act(
    command: str,
    organisation: str | None,
    tenant: str | None,
    work: Callable[[Parts, Organisation, Actor], Awaitable[T]],
    *,
    settings: Settings | None = None,
    plugins: bool = False,
) -> T:
    """What `work` answers, called with what use cases need: the parts of a process, the organisation that the
    options name, and who acts by `command`. With `plugins`, those that are installed hear of it."""
    settings = settings or load_settings()

    from rocket_server.audit.operators import operator

    async def run(url: str) -> T:
        async with opened(url) as database:
            async with database.connection() as conn:
                found = await choose(conn, organisation, tenant)
            services = await parts(settings, database, plugins=plugins)
            return await work(services, found, operator(command))

    with database_urls(settings) as (url, _):
        return asyncio.run(run(url))


async def parts(settings: Settings, database: Database, *, plugins: bool = False) -> Parts:
    """What use cases need of a process; with `plugins`, those that are installed here hear what happens."""
    from rocket_server.configuration.snapshot import Configurations
    from rocket_server.plugins import dispatch
    from rocket_server.plugins.discovery import discover
    from rocket_server.usecases.acting import Parts

    found = dispatch.subscriptions(await discover(settings, os.environ)) if plugins else ()
    return Parts(database, Configurations(settings.moodle_activities, found))


async def choose(conn: Any, name: str | None, tenant: str | None) -> Organisation:
    """The organisation of that name, or the only one there is. Raises BadInput where that isn't clear."""
    from rocket_server.organisations import store

    there = await store.all_organisations(conn)
    if not there:
        raise BadInput("there is no organisation yet: make one with `rocket init --organisation NAME`")
    found = [one for one in there if name in (None, one.name) and tenant in (None, one.tenant_id)]
    if name is None and tenant is None and len(found) > 1:
        # The demo's own organisation is meant only where it is named.
        found = [one for one in found if one.tenant_id != store.DEMO_TENANT]
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadInput(
            f"there is no organisation {name or ''!r}{f' of tenant {tenant!r}' if tenant else ''}"
            f"{suggestion(name or '', [one.name for one in there])}"
        )
    names = [one.name for one in found]
    ways = (
        f"--organisation {shlex.quote(one.name)}"
        + (f" --tenant {shlex.quote(one.tenant_id)}" if names.count(one.name) > 1 else "")
        for one in found[:_MOST_LISTED]
    )
    more = f" | and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    raise BadInput(f"there are {len(found)} organisations; say which: {' | '.join(sorted(ways))}{more}")


def suggestion(wanted: str, known: Collection[str]) -> str:
    """`; did you mean X?` where something known is close, else nothing."""
    close = difflib.get_close_matches(wanted, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print columns as wide as what they hold, on however wide a terminal: ids can be copied whole."""
    lines = [[str(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
