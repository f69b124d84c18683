"""The SQL of docs/how-to/external-postgresql.md, run on a real server with names of its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from rocket_server.db.migrate import HEAD, current, upgrade
from rocket_server.db.pool import APP_ROLE, open_database

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "external-postgresql.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```sql ([a-z-]+)\n(.*?)^```$", PAGE, re.M | re.S))
ROLES = ("rocket_owner", "rocket_server")


@dataclass(frozen=True)
class Names:
    """This test's roles and database, since the server is shared by all tests."""

    url: str
    suffix: str

    def renamed(self, statement: str) -> str:
        for role in ROLES:
            statement = statement.replace(role, f"{role}_{self.suffix}")
        return statement.replace("DATABASE rocket", f"DATABASE rocket_{self.suffix}")

    def login(self, role: str) -> str:
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        netloc = f"{role}_{self.suffix}:{password_of(role)}@{host}"
        return urlunsplit(parts._replace(netloc=netloc, path=f"/rocket_{self.suffix}"))


def password_of(role: str) -> str:
    return "change-me" if role == "rocket_owner" else "change-me-too"


@pytest.fixture
async def names(server_url: str) -> AsyncIterator[Names]:
    """Names, and what was made under them removed afterwards."""
    found = Names(server_url, uuid.uuid4().hex[:12])
    yield found
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS rocket_{found.suffix} WITH (FORCE)")
        for role in ROLES:
            await connection.execute(f"DROP ROLE IF EXISTS {role}_{found.suffix}")
    finally:
        await connection.close()


async def execute(names: Names, block: str, *, without: str = "") -> None:
    """Executes a block's statements as the superuser, without those that contain `without`."""
    connection = await asyncpg.connect(names.url)
    try:
        there = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APP_ROLE)
        for statement in names.renamed(block).split(";"):
            if (there and f"CREATE ROLE {APP_ROLE} " in statement) or (without and without in statement):
                continue
            if statement.strip():
                await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("block", "server_login"), [("one-login", "rocket_owner"), ("two-logins", "rocket_server")]
)
async def test_the_roles_suffice_and_no_more(names: Names, block: str, server_login: str) -> None:
    """With the page's statements the owner can migrate, and the server works but can't change entries."""
    await execute(names, BLOCKS[block])
    await upgrade(names.login("rocket_owner"))
    assert await current(names.login(server_login)) == HEAD
    database = await open_database(names.login(server_login), general_size=1, ingest_size=1)
    try:
        async with database.transaction() as conn:
            assert await conn.fetchval("SELECT current_user") == APP_ROLE
            assert await conn.fetchval("SELECT count(*) FROM entries") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction() as conn:
                await conn.execute("DELETE FROM entries")
    finally:
        await database.close()


async def test_without_the_grant_the_server_says_so(names: Names) -> None:
    """A login that isn't a member of the server's role can't connect as the server."""
    await execute(names, BLOCKS["two-logins"], without=f"GRANT rocket_app TO rocket_server_{names.suffix}")
    await upgrade(names.login("rocket_owner"))
    with pytest.raises(asyncpg.PostgresError, match="permission denied to set role"):
        await open_database(names.login("rocket_server"), general_size=1, ingest_size=1)


def test_all_statements_are_run() -> None:
    """No SQL stands on the page that these tests don't run."""
    assert set(BLOCKS) == {"one-login", "two-logins"}
    assert PAGE.count("```sql") == len(BLOCKS)
