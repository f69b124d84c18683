"""`rocket learners`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rocket_server.cli.common import OrganisationOption, TenantOption, in_organisation
from rocket_server.cli.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.learners.store import Learner
    from rocket_server.organisations.model import Organisation

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
    """Says that an identity is a learner who is known already.

    Events that were held for it are then released by `rocket events retry --status held`.
    """
    from rocket_server.learners import store
    from rocket_server.sources import checks

    try:
        checks.user_id(identity)
    except checks.Fault as fault:
        raise BadInput(f"IDENTITY {fault}") from None

    async def work(conn: Any, found: Organisation) -> Learner:
        return await store.link(conn, found.organisation_id, identity, user_id)

    learner = in_organisation(organisation, tenant, work)
    typer.echo(f"{identity} is {learner.user_id}")
