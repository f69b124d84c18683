"""`rocket admins`: people who sign in to the console."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

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
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.audit.model import Actor
    from rocket_server.members.model import Member
    from rocket_server.usecases.acting import Parts

T = TypeVar("T")

app = typer.Typer(help="People who sign in to the console.", no_args_is_help=True)

_PAGE = 500
Email = Annotated[str, typer.Argument(help="The address that they sign in with.")]
FromInput = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input."),
]
ByLink = Annotated[bool, typer.Option("--link", help="Print a link that signs in once.")]


@app.command()
def create(
    email: Email,
    role: Annotated[str, typer.Option(help="super_admin (all organisations), admin, instructor or viewer.")],
    name: Annotated[str, typer.Option(help="Their name.")] = "",
    password_stdin: FromInput = False,
    link: ByLink = False,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Lets somebody sign in to the console; shows their password, once."""
    from rocket_server.usecases import members

    known = members.role_of(role)
    password = None if link else _password(email, password_stdin)

    async def work(services: Parts, conn: Any, actor: Actor) -> members.Invited:
        whose = None if known == "super_admin" else (await choose(conn, organisation, tenant)).organisation_id
        new = members.NewMember(whose, known, email, name, await _hashed(password))
        return await members.create(services, actor, new)

    made = _act("rocket admins create", work)
    _show(made.link, None if password_stdin else password)


@app.command("list")
def list_admins(organisation: OrganisationOption = None, tenant: TenantOption = None) -> None:
    """Lists who signs in: the organisation's people, and those who may do everything everywhere."""
    from rocket_server.members import store

    async def work(_services: Parts, conn: Any, _actor: Actor) -> list[Member]:
        found = await choose(conn, organisation, tenant)
        there: list[Member] = []
        for whose in (None, found.organisation_id):
            after = None
            while page := await store.page(conn, whose, after, _PAGE):
                there += page
                after = page[-1].member_id
        return there

    table(
        ("e-mail", "role", "name", "password", "second factor", "made", "switched off"),
        [
            (
                one.email or "(first administrator)",
                one.role,
                one.name,
                "yes" if one.has_password else "no",
                "yes" if one.has_code else "no",
                f"{one.created_at:%Y-%m-%d}",
                f"{one.disabled_at:%Y-%m-%d}" if one.disabled_at else "",
            )
            for one in _act("rocket admins list", work)
        ],
    )


@app.command()
def reset(
    email: Email,
    password_stdin: FromInput = False,
    link: ByLink = False,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Remove the second factor as well, where it is lost.")
    ] = False,
) -> None:
    """Gives somebody another password and shows it, once; they are signed out everywhere."""
    from rocket_server.usecases import members

    password = None if link else _password(email, password_stdin)

    async def work(services: Parts, conn: Any, actor: Actor) -> str | None:
        member = await _find(conn, email)
        hashed = await _hashed(password)
        return await members.reset(
            services,
            actor,
            member.organisation_id,
            member.member_id,
            second_factor=second_factor,
            password_hash=hashed,
        )

    _show(_act("rocket admins reset", work), None if password_stdin else password)


@app.command()
def disable(
    email: Email, undo: Annotated[bool, typer.Option("--undo", help="Let them sign in again.")] = False
) -> None:
    """Lets somebody sign in no more, from this moment on."""
    from rocket_server.usecases import members

    async def work(services: Parts, conn: Any, actor: Actor) -> None:
        member = await _find(conn, email)
        await members.set_disabled(
            services, actor, member.organisation_id, member.member_id, disabled=not undo
        )

    _act("rocket admins disable", work)
    typer.echo(f"{email} {'may sign in again' if undo else 'may sign in no more'}")


def _act(command: str, work: Callable[[Parts, Any, Actor], Awaitable[T]]) -> T:
    """What `work` answers; these commands find whom they are about by the address, in all organisations."""
    from rocket_server.audit.operators import operator
    from rocket_server.cli.common import parts

    settings = load_settings()

    async def run(url: str) -> T:
        async with opened(url) as database, database.connection() as conn:
            return await work(await parts(settings, database), conn, operator(command))

    with database_urls(settings) as (url, _):
        return asyncio.run(run(url))


async def _find(conn: Any, email: str) -> Member:
    from rocket_server.members import store

    known = await store.find(conn, email.strip())
    if known is None:
        raise BadInput(f"nobody signs in with {email!r}: `rocket admins list` shows who does")
    return await store.read(conn, known.member_id)


def _password(email: str, from_input: bool) -> str:
    from rocket_server.members.passwords import fault_of, new_password

    if not from_input:
        return new_password()
    given = sys.stdin.readline().rstrip("\r\n")
    if fault := fault_of(given, email):
        raise BadInput(f"the password: {fault.message}")
    return given


async def _hashed(password: str | None) -> str | None:
    from rocket_server.members.passwords import Passwords

    return None if password is None else await Passwords().hash(password)


def _show(link: str | None, password: str | None) -> None:
    if link is not None:
        typer.echo(f"{load_settings().public_url}/console/link/{link}")
        typer.echo("It signs in once. Give it to nobody else.", err=True)
    elif password is not None:
        typer.echo(password)
        typer.echo("Keep it: it is not shown again.", err=True)
