"""docs/reference/plugins.md: its tables are compared with the code."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from rocket_server.config.settings import Settings
from rocket_server.plugins import hosts, process, services
from rocket_server.plugins.interface import Plugin, PluginEvent, PluginHook, Webhook
from rocket_server.plugins.manager import PluginManager
from rocket_server.plugins.running import MAX_STUCK, Reason
from rocket_server.plugins.store import LATEST_ATTEMPTS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference" / "plugins.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table whose head begins so, by the names in their first cell."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.M)
    assert table is not None, heading
    found: dict[str, list[str]] = {}
    for line in table[1].splitlines():
        first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        for name in re.findall(r"`([^`]+)`", first):
            found[name] = rest
    return found


def test_the_classes_have_these_fields() -> None:
    """Each field of the classes that an author writes with has its row, and its default stands there."""
    for kind, heading in ((Plugin, "`Plugin`"), (PluginHook, "`PluginHook`"), (Webhook, "`Webhook`")):
        assert list(rows(heading)) == [field.name for field in fields(kind)]
    assert list(rows("field")) == [field.name for field in fields(PluginEvent)]
    assert rows("`PluginHook`")["priority"][-1] == f"`{PluginHook('*', print).priority}`"
    standard = Webhook("https://x.example/")
    assert rows("`Webhook`")["timeout"][-1] == f"`{standard.timeout}`"
    assert rows("`Webhook`")["retries"][-1] == f"`{standard.retries}`"


def test_each_reason_has_its_code() -> None:
    """Each reason for which a call fails is in the table; the wait for a turn is there as no failure."""
    codes = set(re.findall(r"`hook_([a-z]+)`", PAGE))
    assert codes == set(get_args(Reason)) - {"busy"}
    assert f"before it for {hosts.TURN_S:g} s" in PAGE
    assert (
        f"waits {hosts._BACKOFF_S:g} s, doubled with each further one up to {hosts.MAX_BACKOFF_S:g} s" in PAGE
    )
    assert f"longer than {process.START_S:g} s" in PAGE
    assert f"processes get {process.STOP_S:g} s to end" in PAGE
    assert f"latest {LATEST_ATTEMPTS} attempts" in PAGE
    assert MAX_STUCK == 4
    assert "after four hooks" in PAGE


def test_the_settings_are_there_with_their_defaults() -> None:
    """Each variable of the page is a setting, and the defaults are those of the code."""
    by_variable = {field.metadata.get("variable"): field for field in fields(Settings)}
    said = {name: row[-1] for name, row in rows("variable").items()}
    assert said.keys() <= by_variable.keys()
    for name, default in said.items():
        if name.startswith("ROCKET_PLUGIN"):
            assert (default == "none" and by_variable[name].default == ()) or (
                float(default) == by_variable[name].default
            )
    assert {name for name in by_variable if name and name.startswith("ROCKET_PLUGIN")} <= said.keys()


def test_the_services_are_those_of_the_code() -> None:
    """Plugins, URLs and keys of the environment stand there as they are read."""
    assert {name: tuple(row) for name, row in rows("plugin").items()} == {
        one.plugin_id: (f"`{one.url_variable}`", f"`{one.key_variable}`") for one in services._SERVICES
    }


def test_the_manager_has_these_methods() -> None:
    """Each method of the page is one of the manager's."""
    for name in re.findall(r"`(\w+)\(", PAGE.partition("## `PluginManager`")[2]):
        assert callable(getattr(PluginManager, name))
