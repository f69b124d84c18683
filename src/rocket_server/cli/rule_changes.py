"""`rocket rules apply`, `export` and `history`."""

from __future__ import annotations

import asyncio
import difflib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rocket_server.cli.common import (
    OrganisationOption,
    TenantOption,
    choose,
    database_urls,
    in_organisation,
    load_settings,
    opened,
    parts,
    suggestion,
    table,
)
from rocket_server.cli.rule_files import STANDARD_INPUT, as_yaml, read_rules, written
from rocket_server.processes.faults import BadInput, Failure

if TYPE_CHECKING:
    from rocket_server.organisations.model import Organisation
    from rocket_server.rules.changes import Plan
    from rocket_server.rules.model import Rule
    from rocket_server.rules.store import StoredVersion

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def apply(
    file: Annotated[str, typer.Argument(metavar="FILE", help="YAML or JSON; `-` is standard input.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Withdraw the organisation's rules that aren't in the file.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Makes the organisation's rules as they are in a file, all or none; shows the difference first.

    Exit status: 0 where the rules are now as in the file (or with --dry-run), 1 where it wasn't confirmed, 2
    where the file has faults.
    """
    from rocket_server import catalogue
    from rocket_server.audit.operators import operator
    from rocket_server.rules import changes, store
    from rocket_server.usecases import rules

    settings = load_settings()
    wanted = read_rules(file, catalogue.load(settings.moodle_activities))

    async def run(url: str) -> None:
        async with opened(url) as database:
            async with database.connection() as conn:
                found = await choose(conn, organisation, tenant)
                own = {one.rule.rule_id: one for one in await store.latest(conn, found.organisation_id)}
            plan = changes.plan({name: one.rule for name, one in own.items()}, wanted, prune=prune)
            _show(plan, own, file)
            if plan.is_empty or dry_run:
                return
            if not yes:
                _confirm(file)
            await rules.apply(
                await parts(settings, database),
                found.organisation_id,
                operator("rocket rules apply"),
                wanted,
                prune=prune,
                seen={name: one.version for name, one in own.items()},
            )
        only_drafts = not plan.withdrawn and all(rule.draft for rule in (*plan.new, *plan.changed))
        typer.echo(
            "Done. A draft counts once it is made active."
            if only_drafts
            else "Done. It counts from the next event on."
        )

    with database_urls(settings) as (url, _):
        asyncio.run(run(url))


def export(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Ids of rules; all where none is named.")
    ] = None,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Prints the organisation's rules as YAML, which `rocket rules apply` takes back unchanged."""
    from rocket_server.rules import store

    async def work(conn: Any, found: Organisation) -> list[StoredVersion]:
        return await store.latest(conn, found.organisation_id)

    own = {one.rule.rule_id: one.rule for one in in_organisation(organisation, tenant, work)}
    for name in names or ():
        if name not in own:
            raise BadInput(f"there is no rule {name!r}{suggestion(name, own)}")
    typer.echo(written([own[name] for name in names or own]), nl=False)


def history(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The rule's id.")],
    diff: Annotated[bool, typer.Option("--diff", help="Show what each version changed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="The latest so many versions.")] = 50,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Lists the versions of a rule, the latest first: when, by whom, and what changed."""
    from rocket_server.rules import store

    async def work(conn: Any, found: Organisation) -> list[StoredVersion]:
        # One more, to which the last one shown is compared.
        versions = await store.history(conn, found.organisation_id, name, store.MAX_VERSION, limit + 1)
        if not versions:
            known = [one.rule.rule_id for one in await store.latest(conn, found.organisation_id)]
            raise BadInput(f"there is no rule {name!r}{suggestion(name, known)}")
        return versions

    versions = in_organisation(organisation, tenant, work)
    before: list[StoredVersion | None] = [*versions[1:], None]
    shown = list(zip(versions, before, strict=True))[:limit]
    if not diff:
        rows = [
            (
                one.version,
                one.created_at.isoformat(timespec="seconds"),
                one.created_by,
                _what(one, earlier),
            )
            for one, earlier in shown
        ]
        table(("version", "when", "by", "what"), rows)
        return
    for one, earlier in shown:
        typer.secho(
            f"version {one.version}, {one.created_at.isoformat(timespec='seconds')}, by {one.created_by}:"
            f" {_what(one, earlier)}",
            bold=True,
        )
        old = None if earlier is None or earlier.withdrawn else earlier.rule
        _show_difference(
            old,
            None if one.withdrawn else one.rule,
            f"version {earlier.version}" if earlier else "nothing",
            f"version {one.version}",
        )


def _what(one: StoredVersion, earlier: StoredVersion | None) -> str:
    """What a version did, in a few words."""
    if one.withdrawn:
        return "withdrawn"
    if earlier is None:
        return "made"
    if earlier.withdrawn:
        return "made again"
    return ", ".join(_changed_fields(earlier.rule.as_dict(), one.rule.as_dict())) or "nothing"


def _changed_fields(old: dict[str, Any], new: dict[str, Any], path: str = "") -> Iterator[str]:
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _changed_fields(before, after, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def _show(plan: Plan, own: dict[str, StoredVersion], file: str) -> None:
    for rule in plan.new:
        _show_difference(None, rule, "nothing", file)
    for rule in plan.changed:
        _show_difference(own[rule.rule_id].rule, rule, f"version {own[rule.rule_id].version}", file)
    for rule in plan.withdrawn:
        _show_difference(rule, None, f"version {own[rule.rule_id].version}", "withdrawn")
    counts = (
        (len(plan.new), "new"),
        (len(plan.changed), "changed"),
        (len(plan.unchanged), "unchanged"),
        (len(plan.withdrawn), "to withdraw"),
    )
    typer.echo(", ".join(f"{number} {word}" for number, word in counts if number or word == "unchanged"))


def _show_difference(old: Rule | None, new: Rule | None, old_name: str, new_name: str) -> None:
    rule = new or old
    if rule is None:
        return
    for line in difflib.unified_diff(
        _lines(old), _lines(new), f"{rule.rule_id} ({old_name})", f"{rule.rule_id} ({new_name})", lineterm=""
    ):
        typer.secho(line, fg=_COLOURS.get(line[:1]), bold=line.startswith(("+++", "---")))


def _lines(rule: Rule | None) -> Sequence[str]:
    return [] if rule is None else as_yaml(rule.as_dict()).splitlines()


def _confirm(file: str) -> None:
    """Ask whether to go on; Failure where the answer isn't yes."""
    if file == STANDARD_INPUT or not sys.stdin.isatty():
        raise BadInput("nobody can be asked here: say --yes to change the rules, or --dry-run to look only")
    try:
        if typer.confirm("Change these rules?"):
            return
    except typer.Abort:
        typer.echo()
    raise Failure("nothing was changed")
