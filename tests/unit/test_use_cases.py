"""Acts stand in use cases: whoever calls them opens no transaction of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rocket_server

ROOT = Path(rocket_server.__file__).parent
WRITING = re.compile(r"\bdatabase\.run\(|\.(?:ingest_)?transaction\((?![^)]*readonly=True)")
# In one transaction it is looked whether there is an organisation, and one is made by the use case.
LOOK_FIRST = {"cli/init.py"}

HANDLERS = sorted((ROOT / "http" / "api").rglob("*.py"))
COMMANDS = sorted((ROOT / "cli").glob("*.py"))


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("file", [*HANDLERS, *COMMANDS], ids=_name)
def test_who_translates_opens_no_transaction_that_can_write(file):
    """What changes something is a use case's; handlers and commands read, or call one."""
    assert bool(WRITING.findall(file.read_text())) == (_name(file) in LOOK_FIRST)
