"""Puts the catalogue's table into moodle-events.md: run `python docs/reference/moodle_events.py`."""

from __future__ import annotations

import json
from pathlib import Path

from rocket_server.catalogue import Activity, load

PAGE = Path(__file__).with_name("moodle-events.md")
START, END = "<!-- table from the catalogue -->\n", "<!-- end of the table -->\n"
HEADER = (
    "| Moodle event | becomes | what the learner did | learner | counts once per | points | condition |\n"
    "|---|---|---|---|---|---:|---|\n"
)


def page(text: str) -> str:
    """The page with its table as the catalogue has it today."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    return f"{before}{START}{HEADER}{''.join(map(_row, load().values()))}{END}{after}"


def _row(activity: Activity) -> str:
    event = f"`{activity.event}`"
    cells = [
        f"`{activity.eventname}`" + ("" if "4.1" in activity.versions else " (from 4.5)"),
        f"**{event}**" if activity.default else event,
        activity.title,
        activity.learner,
        activity.once_per.replace("+", " and "),
        f"{activity.points}" + (f", {activity.cap.max} a {activity.cap.per}" if activity.cap else ""),
        f"`{json.dumps(activity.condition)}`" if activity.condition else _withdrawn(activity),
    ]
    return f"| {' | '.join(cells)} |\n"


def _withdrawn(activity: Activity) -> str:
    withdraws = activity.withdraws
    if withdraws is None:
        return ""
    when = "".join(f", `{name}` {' or '.join(values)}" for name, values in withdraws.when.items())
    return f"takes back `{withdraws.event}`{when}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
