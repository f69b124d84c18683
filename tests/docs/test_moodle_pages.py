"""The pages about Moodle say what the catalogue and the workflow files say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from rocket_server.catalogue import load
from rocket_server.sources.workflows import body_template, workflows

DOCS = Path(__file__).parents[2] / "docs"


def test_table_of_events_is_current():
    """The reference page is what its generator makes of today's catalogue."""
    script = DOCS / "reference" / "moodle_events.py"
    spec = importlib.util.spec_from_file_location("moodle_events", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = module.PAGE.read_text()
    assert text == module.page(text), f"run python {script.relative_to(DOCS.parent)}"
    assert text.count("\n| `\\") == len(load())


def test_body_in_the_how_to_is_the_one_in_the_workflow_file():
    """The body to copy by hand is the one that the completion workflow sends."""
    blocks = re.findall(r"```json\n(.*?)\n```", (DOCS / "how-to" / "moodle.md").read_text(), re.DOTALL)
    completion = load()["\\core\\event\\course_module_completion_updated"]
    assert blocks == [body_template(completion)]


def test_files_in_the_how_to_exist():
    """Each workflow file that the page names is one that the command writes."""
    named = re.findall(r"`([a-z_]+\.[a-z_]+\.json)`", (DOCS / "how-to" / "moodle.md").read_text())
    assert len(named) >= 7
    assert set(named) <= {name for name, _ in workflows("https://rocket.example.test/hook")}
