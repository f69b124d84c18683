"""docs/how-to/import-history.md: its file goes in, its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rocket_server.app import api_routes
from rocket_server.imports.troubles import TROUBLES
from support.command import rocket

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "import-history.md").read_text(encoding="utf-8")


def test_the_files_of_the_page_go_in(database: str, tmp_path: Path) -> None:
    """By its commands, one after the other."""
    settings = {"ROCKET_DATABASE_URL": database}
    rocket(settings, "init", "--organisation", "Physics")
    contents = re.findall(r"^```csv\n(.*?)^```$", PAGE, re.M | re.S)
    files = dict(zip(("history.csv", "people.csv"), contents, strict=True))
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    commands = re.findall(r"^    rocket (.*)$", PAGE, re.M)
    assert len(commands) == 3
    for command in commands:
        *words, name = command.replace(" --dry-run", "").split()
        trial = ["--dry-run"] if "--dry-run" in command else []
        done = rocket(settings, *words, str(tmp_path / name), *trial)
        rows = files[name].count("\n") - 1
        assert done.stdout.startswith(f"{rows} rows: {rows} ")


def test_every_trouble_and_route_is_explained() -> None:
    """The tables have each name and each route, and no other."""
    table = PAGE.partition("## What may be wrong")[2].partition("## ")[0]
    named = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(named) == sorted(TROUBLES)
    routes = {
        (method, route.path)
        for route in api_routes()
        for method in route.methods
        if route.path.startswith("/v1/imports")
    }
    listed = {
        (method, path.replace("{id}", "{import_id}"))
        for method, path in re.findall(r"`(GET|POST|DELETE) (/v1/imports[^`?]*)", PAGE)
    }
    assert listed == routes


@pytest.mark.parametrize("option", ["dry_run", "no_awards", "notify", "source", "platform_ids", "courses"])
def test_every_option_is_explained(option: Any) -> None:
    """By its name in the query and the one of the command."""
    assert re.search(rf"^\| `--{option.replace('_', '-').rstrip('s')}.*`{option}`", PAGE, re.M)
