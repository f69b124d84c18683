"""`rocket learners`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rocket_server.cli.common import OrganisationOption, TenantOption, act
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.audit.model import Actor
    from rocket_server.organisations.model import Organisation
    from rocket_server.usecases import people
    from rocket_server.usecases.acting import Parts

app = typer.Typer(help="People who learn.", no_args_is_help=True)


@app.callback()
def learners() -> None:
    """People who learn."""


@app.command()
def link(
    identity: Annotated[str, typer.Argument(help="As a platform knows the learner: moodle:8774")],
    user_id: Annotated[str, typer.Argument(help="An identity under which the learner is known already.")],
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Says that an identity is a learner who is known already; events that waited for it are run."""
    from rocket_server.errors import NotFound
    from rocket_server.sources import checks
    from rocket_server.usecases import people

    try:
        identity = checks.user_id(identity)
    except checks.Fault as fault:
        raise BadInput(f"IDENTITY {fault}") from None

    async def work(services: Parts, found: Organisation, actor: Actor) -> people.Changed:
        try:
            return await people.link(services, found.organisation_id, actor, user_id, [identity])
        except NotFound:
            raise BadInput(f"Nobody is known as {user_id!r}.") from None

    linked = act("rocket learners link", organisation, tenant, work, plugins=True)
    released = linked.released
    typer.echo(f"{identity} is {linked.person.user_id}")
    if released.events:
        events = f"{released.events} event{'' if released.events == 1 else 's'}"
        typer.echo(f"ran {events} that had waited; {released.points} points")
    if released.more:
        typer.echo("more are waiting: the worker runs them, or `rocket events retry --status held`")
