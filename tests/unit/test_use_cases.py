"""Acts stand in use cases: whoever calls them opens no transaction of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rocket_server

ROOT = Path(rocket_server.__file__).parent
TRANSACTIONS = re.compile(r"\bdatabase\.run\(|\.(?:ingest_)?transaction\(")


@pytest.mark.parametrize("file", sorted((ROOT / "http" / "api").rglob("*.py")), ids=lambda file: file.stem)
def test_a_handler_opens_no_transaction(file):
    """What changes something is a use case's; a handler reads on a connection, or calls one."""
    assert not TRANSACTIONS.findall(file.read_text())
