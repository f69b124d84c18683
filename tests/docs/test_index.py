"""The index of the documentation, and links between pages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to another file of the project names one that exists."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_index_names_every_page() -> None:
    """No how-to and no reference page is missing from the index."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = [page for folder in ("how-to", "reference") for page in (DOCS / folder).glob("*.md")]
    assert [page.name for page in pages if f"({page.relative_to(DOCS).as_posix()})" not in index] == []


def test_architecture_names_modules_that_exist() -> None:
    """Each module and statement file that the page points at is there."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_/]+\.(?:py|sql))\b", text)
    assert len(named) >= 8
    places = (DOCS.parent / "src" / "rocket_server", DOCS.parent)
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def test_architecture_names_every_room() -> None:
    """The table of floors has every room that import-linter knows and that is there already."""
    package = DOCS.parent / "src" / "rocket_server"
    config = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    (floors,) = [found for found in config["tool"]["importlinter"]["contracts"] if found["id"] == "floors"]
    rooms = set(re.findall(r"\w+", " ".join(floors["layers"])))
    there = {room for room in rooms if (package / room).is_dir() or (package / f"{room}.py").exists()}
    table = (
        (DOCS / "architecture.md").read_text(encoding="utf-8").partition("## Rooms")[2].partition("## ")[0]
    )
    assert there - set(re.findall(r"`(\w+)`", table)) == set()
