"""The demo's result in tables: who got what for what, why other events gave nothing, how to look further."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rocket_server.demo.organisation import NAME
from rocket_server.demo.play import Played
from rocket_server.demo.summary import Summary
from rocket_server.rules.templates import default_rules

_REASONS_SHOWN: Final = 8


def show(console: Console, played: Played, url: str) -> None:
    """Print what came of a run against the server at `url`."""
    console.print(_summary(played))
    console.print()
    console.print(_points(played.summary, played.balances))
    console.print()
    console.print(_reasons(played.summary))
    console.print()
    _how_to_look_further(console, played, url)


def _summary(played: Played) -> str:
    statuses = played.statuses
    if played.is_repeated:
        return (
            f"All {statuses.total()} events are [bold]duplicates[/bold]: they were sent before today. "
            "Each is known by Moodle's number and its time, so nothing is stored or counted twice. "
            "Tomorrow the same morning is a new one."
        )
    parts = [
        f"{statuses['success']} counted in",
        f"{statuses['ignored']} ignored, with a reason",
        f"{statuses['duplicate']} duplicates",
    ]
    return f"{statuses.total()} events: {', '.join(parts)}. [bold]{played.points} points[/bold] moved."


def _points(summary: Summary, balances: dict[str, int]) -> Table:
    titles = {rule.rule_id: rule.title or rule.rule_id for rule in default_rules()}
    table = Table(title="Today's points by learner", title_justify="left")
    table.add_column("learner")
    table.add_column("what for")
    table.add_column("times", justify="right")
    table.add_column("points", justify="right")
    for user_id, all_earned in summary.learners.items():
        name = summary.names.get(user_id, "")
        labels = [escape(name or user_id), f"[dim]{escape(user_id)}[/dim]" if name else ""]
        for number, earned in enumerate(all_earned):
            label = labels[number] if number < len(labels) else ""
            title = escape(titles.get(earned.rule_id, earned.rule_id))
            table.add_row(label, title, str(earned.awards), str(earned.points))
        points = summary.points(user_id)
        earlier = "" if balances[user_id] == points else f", balance with earlier days {balances[user_id]}"
        table.add_row("", f"[bold]together[/bold]{earlier}", "", f"[bold]{points}[/bold]")
        table.add_section()
    return table


def _reasons(summary: Summary) -> Table:
    table = Table(title="Why other events gave nothing", title_justify="left")
    table.add_column("events", justify="right")
    table.add_column("reason")
    for words, count in summary.nothing[:_REASONS_SHOWN]:
        table.add_row(str(count), escape(words[:1].upper() + words[1:]))
    return table


def _how_to_look_further(console: Console, played: Played, url: str) -> None:
    """Commands to copy, so they are never wrapped or marked up."""
    key = f"-H 'Authorization: Bearer {played.stage.key}'"
    learner = next(iter(played.summary.learners), "moodle:3")
    console.print(
        f"Look further with the {NAME} organisation's key, good until the next run: a learner's ledger, "
        "the caps in use, each event with its decisions.\n"
    )
    for path in (f"/v1/users/{learner}/ledger", f"/v1/users/{learner}/limits", "/v1/events?status=ignored"):
        console.print(f"  curl {key} '{url}{path}'", soft_wrap=True, markup=False, highlight=False)
