"""The SQL of docs/how-to/external-postgresql.md, run on a real server with names of its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from rocket_server.db import embedded
from rocket_server.db.migrate import HEAD, current, upgrade
from rocket_server.db.pool import APP_ROLE, open_database

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "external-postgresql.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```sql ([a-z-]+)\n(.*?)^```$", PAGE, re.M | re.S))
ROLES = ("rocket_owner", "rocket_server")


@dataclass(frozen=True)
class Names:
    """The URL of a server, and names of roles and a database that show whether the page's are all renamed."""

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
def names(data_dir: Path) -> Iterator[Names]:
    """A server of this test's own: `rocket_app` belongs to all databases of a server, so who makes it first
    decides who may grant it."""
    server = embedded.start(data_dir)
    yield Names(server.url, uuid.uuid4().hex[:12])
    server.stop()


async def execute(names: Names, block: str, *, without: str = "") -> None:
    """Executes a block's statements as the superuser, without those that contain `without`."""
    connection = await asyncpg.connect(names.url)
    try:
        for statement in names.renamed(block).split(";"):
            if statement.strip() and not (without and without in statement):
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
