"""`rocket rules`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rocket_server.cli import course_resets, rule_changes
from rocket_server.cli.common import (
    OrganisationOption,
    TenantOption,
    act,
    in_organisation,
    load_settings,
    suggestion,
    table,
)
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.audit.model import Actor
    from rocket_server.organisations.model import Organisation
    from rocket_server.rules.model import Rule, RuleVersion
    from rocket_server.usecases.acting import Parts

app = typer.Typer(help="What is worth points.", no_args_is_help=True)

app.command("apply")(rule_changes.apply)
app.command("export")(rule_changes.export)
app.command("history")(rule_changes.history)
app.command("reset-course")(course_resets.reset_course)

Names = Annotated[list[str], typer.Argument(metavar="NAME…", help="Ids as `rocket rules list` shows them.")]


_STATES = {"active": "on", "inactive": "off", "draft": "draft"}


@app.command("list")
def list_rules(organisation: OrganisationOption = None, tenant: TenantOption = None) -> None:
    """Lists the organisation's rules, and the ready-made ones that it may enable."""
    from rocket_server.rules import store

    async def work(conn: Any, found: Organisation) -> list[RuleVersion]:
        return await store.current(conn, found.organisation_id)

    own = in_organisation(organisation, tenant, work)
    known = {version.rule.rule_id for version in own}
    rows = [_row(version.rule, f"v{version.version}", _STATES[version.rule.status]) for version in own]
    rows += [_row(rule, "", "ready-made") for rule in _ready_made().values() if rule.rule_id not in known]
    table(("rule", "version", "state", "event", "points", "title"), rows)


@app.command()
def enable(names: Names, organisation: OrganisationOption = None, tenant: TenantOption = None) -> None:
    """Switches rules on, the organisation's own or ready-made ones, from the next event on."""
    _switch(names, True, organisation, tenant)


@app.command()
def disable(names: Names, organisation: OrganisationOption = None, tenant: TenantOption = None) -> None:
    """Switches rules off, from the next event on. Points that they gave stay."""
    _switch(names, False, organisation, tenant)


def _switch(names: list[str], active: bool, organisation: str | None, tenant: str | None) -> None:
    from rocket_server.rules import store
    from rocket_server.usecases import rules

    ready_made = _ready_made()
    word = "on" if active else "off"

    async def work(services: Parts, found: Organisation, actor: Actor) -> list[rules.Switched]:
        async with services.database.connection() as conn:
            own = {one.rule.rule_id for one in await store.current(conn, found.organisation_id)}
        known = {*own, *ready_made}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise BadInput(
                "; ".join(f"there is no rule {name!r}{suggestion(name, known)}" for name in unknown)
            )
        return await rules.switch(services, found.organisation_id, actor, names, ready_made, active=active)

    for one in act(f"rocket rules {'enable' if active else 'disable'}", organisation, tenant, work):
        is_new = one.version is not None
        typer.echo(
            f"{one.rule_id} {f'is {word} (version {one.version})' if is_new else f'was {word} already'}"
        )


def _ready_made() -> dict[str, Rule]:
    from rocket_server import catalogue
    from rocket_server.rules.templates import templates

    activities = catalogue.load(load_settings().moodle_activities)
    return {template.rule.rule_id: template.rule for template in templates(activities.values())}


def _row(rule: Rule, version: str, state: str) -> tuple[str, ...]:
    from rocket_server.rules.model import ByRank

    award = rule.actions.as_dict().get("award_points", "")
    points = "by value" if isinstance(award, dict) else str(award)
    multiplier = rule.actions.multiplier
    if isinstance(multiplier, ByRank):
        points = "× by rank"
    elif multiplier is not None:
        points = f"× {multiplier:g}"
    return rule.rule_id, version, state, rule.trigger.event, points, rule.title or rule.name or ""
