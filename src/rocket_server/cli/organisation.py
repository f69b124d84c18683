"""`rocket organisation`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rocket_server.cli.common import OrganisationOption, TenantOption, act, in_organisation, suggestion, table
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.audit.model import Actor
    from rocket_server.organisations.model import Organisation
    from rocket_server.usecases.acting import Parts

app = typer.Typer(help="The organisation's settings: shown, changed.", no_args_is_help=True)


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Shows each setting, its value and what it is for."""
    from rocket_server.organisations.settings import OrganisationSettings

    async def work(conn: Any, found: Organisation) -> OrganisationSettings:
        return found.settings

    settings = in_organisation(organisation, tenant, work)
    values = settings.model_dump(mode="json")
    if as_json:
        typer.echo(json.dumps(values))
        return
    fields = type(settings).model_fields
    table(
        ("setting", "value", "what it is"),
        [(name, _shown(value), fields[name].description) for name, value in values.items()],
    )


@app.command("set")
def change(
    changes: Annotated[
        list[str], typer.Argument(metavar="SETTING=VALUE...", help="Values are words, or JSON.")
    ],
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Changes settings: `rocket organisation set timezone=Europe/Paris weekly_goal=80`."""
    from rocket_server.usecases import organisation as acts

    wanted = _read(changes)

    async def work(services: Parts, found: Organisation, actor: Actor) -> None:
        await acts.change(services, found.organisation_id, actor, wanted)

    act("rocket organisation set", organisation, tenant, work)
    typer.echo(f"changed: {', '.join(wanted)}")


def _read(changes: list[str]) -> dict[str, Any]:
    """The settings that are named, checked as the API checks them. Raises BadInput."""
    from pydantic import ValidationError

    from rocket_server.organisations.settings import OrganisationSettings, change_model

    given: dict[str, Any] = {}
    for change in changes:
        name, sign, text = change.partition("=")
        if name not in OrganisationSettings.model_fields:
            near = suggestion(name, list(OrganisationSettings.model_fields))
            raise BadInput(f"there is no setting {name!r}{near}; `rocket organisation show` has all of them")
        if not sign:
            raise BadInput(f"say what {name} shall be: {name}=VALUE")
        try:
            given[name] = json.loads(text)
        except ValueError:
            given[name] = text
    try:
        read = change_model("Changes", "Settings to change.").model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        raise BadInput(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
    return dict(read.model_dump(mode="json", exclude_none=True))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
