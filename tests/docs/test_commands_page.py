"""The page of commands says what the commands say, and the README names those that there are."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("commands", ROOT / "docs" / "reference" / "commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(generator: ModuleType) -> None:
    """It is what its generator makes of today's commands."""
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), (
        "run python docs/reference/commands.py"
    )


def test_every_command_and_option_explains_itself(generator: ModuleType) -> None:
    """A sentence on each command, and a word on each thing that it takes."""
    page = generator.page()
    sections = re.split(r"^## ", page, flags=re.M)[1:]
    assert len(sections) > 20
    for section in sections:
        sentences = section.split("\n\n")[2].splitlines()
        assert re.match(r"[A-Z].*\.$", sentences[0]), section
        assert "|  |" not in section, section


def test_the_readme_names_commands_that_exist(generator: ModuleType) -> None:
    """Each `rocket …` of the README's table is a command or a group of commands."""
    table = re.findall(r"^\| (`rocket.*?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    named = {" ".join(name.split()) for row in table for name in re.findall(r"`(rocket [a-z ]+)", row)}
    known = set(re.findall(r"^## `(rocket [a-z ]+)`", generator.page(), re.M))
    assert len(named) > 10
    assert {name for name in named if not any(one.startswith(name.strip()) for one in known)} == set()
