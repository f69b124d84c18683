"""The commands of docs/how-to/rotate-credentials.md, run in a shell on a fresh installation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg

from rocket_server.organisations.credentials import credential_hash, shown_prefix

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "rotate-credentials.md"
BLOCKS = dict(re.findall(r"^```bash ([a-z-]+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))


def shell(database: str, script: str, **variables: str) -> str:
    """What a script prints, run by a shell that has Rocket installed and stops at the first failure."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROCKET_", "PG"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        env={**kept, "PATH": path, "ROCKET_DATABASE_URL": database, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def live(database: str, table: str, column: str, secret: str) -> bool:
    """Whether a key or token is known and wasn't revoked."""
    connection = await asyncpg.connect(database)
    try:
        revoked = await connection.fetch(
            f"SELECT revoked_at FROM {table} WHERE {column} = $1", credential_hash(secret)
        )
        return [row[0] for row in revoked] == [None]
    finally:
        await connection.close()


async def test_keys_and_tokens_overlap_until_the_old_one_is_revoked(database: str) -> None:
    """The page's commands add a key and a token that work beside the old ones, and then revoke those."""
    made = json.loads(shell(database, "rocket init --organisation Academy --json"))
    old_key, old_token = made["api_key"], made["sources"]["moodle"]["token"]

    printed = shell(database, f'{BLOCKS["keys"]}\necho "made $NEW_KEY"')
    new_key = printed.rpartition("made ")[2].strip()
    assert shown_prefix(old_key) in printed
    assert shown_prefix(new_key) in printed
    assert await live(database, "api_keys", "key_hash", old_key)
    shell(database, BLOCKS["revoke-key"], OLD_KEY_PREFIX=shown_prefix(old_key))
    assert not await live(database, "api_keys", "key_hash", old_key)
    assert await live(database, "api_keys", "key_hash", new_key)

    printed = shell(database, f'{BLOCKS["source"]}\necho "made $NEW_TOKEN"')
    new_token = printed.rpartition("made ")[2].strip()
    assert shown_prefix(old_token) in printed
    assert await live(database, "source_tokens", "token_hash", old_token)
    shell(database, BLOCKS["revoke-token"], OLD_TOKEN_PREFIX=shown_prefix(old_token))
    assert not await live(database, "source_tokens", "token_hash", old_token)
    assert await live(database, "source_tokens", "token_hash", new_token)


def test_every_block_is_run() -> None:
    """No command stands on the page that the test above doesn't run."""
    assert set(BLOCKS) == {"keys", "revoke-key", "source", "revoke-token"}
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS)
