"""The command `rocket`. Modules of commands import what is heavy only when they are run."""

from __future__ import annotations

import sys

import typer

from rocket_server.cli import (
    admins,
    bench,
    config,
    demo,
    events,
    imports,
    init,
    keys,
    learners,
    ledger,
    listen,
    migrate,
    moodle,
    organisation,
    plugins,
    rules,
    serve,
    simulation,
    sources,
    up,
    work,
)
from rocket_server.processes.faults import explain

app = typer.Typer(
    name="rocket",
    help="Rocket Learning Rewards: learning events become points and badges, at once and exactly once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(up.up)
app.command()(serve.serve)
app.command()(work.work)
app.command()(migrate.migrate)
app.command()(init.init)
app.command()(config.config)
app.command()(demo.demo)
app.command()(listen.listen)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench.bench)
app.add_typer(organisation.app, name="organisation")
app.add_typer(admins.app, name="admins")
app.add_typer(keys.app, name="keys")
app.add_typer(sources.app, name="sources")
rules.app.command("simulate")(simulation.simulate)
rules.app.command("undo-apply")(simulation.undo)
rules.app.command("batches")(simulation.list_batches)
app.add_typer(rules.app, name="rules")
app.add_typer(events.app, name="events")
app.add_typer(imports.app, name="import")
app.add_typer(learners.app, name="learners")
app.add_typer(ledger.app, name="ledger")
app.add_typer(moodle.app, name="moodle")
app.add_typer(plugins.app, name="plugins")


def main() -> None:
    """The entry point: runs a command, and turns what went wrong into one line and an exit status."""
    try:
        # Not standalone: typer would draw boxes around what is one line here.
        status = app(sys.argv[1:] or ["--help"], prog_name="rocket", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        message, status = explained
        if message:
            print(f"rocket: {message}", file=sys.stderr)
        sys.exit(status)
    sys.exit(status if isinstance(status, int) else 0)
