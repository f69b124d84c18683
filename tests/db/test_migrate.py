"""Migrations: applied once whoever starts them, all or nothing, and by the right role."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from rocket_server.db import migrate
from rocket_server.db.migrate import APPLICATION_ROLE, HEAD, VERSIONS, current, head, upgrade
from rocket_server.errors import ConfigurationError

REVISION = (VERSIONS / "0001_ground_floor.py").read_text()

FIRST = """
CREATE TABLE notes (note_id bigint PRIMARY KEY, body text NOT NULL);
DO $$ BEGIN
    FOR i IN 1..3 LOOP INSERT INTO notes VALUES (i, 'a;b'); END LOOP;
END $$;
GRANT SELECT ON notes TO rocket_app;
"""


def add(versions: Path, number: int, sql: str) -> None:
    """Writes revision `number`, which follows the one before it."""
    before = f'"{number - 1:04}"' if number > 1 else "None"
    text = REVISION.replace('revision = "0001"', f'revision = "{number:04}"', 1)
    text = text.replace("down_revision = None", f"down_revision = {before}")
    (versions / f"{number:04}_step.py").write_text(text)
    (versions / f"{number:04}_step.sql").write_text(sql)


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """A folder of revisions with one in it; its name has what a configuration file would trip over."""
    folder = tmp_path / "50% of it"
    folder.mkdir()
    add(folder, 1, FIRST)
    return folder


async def fetch(url: str, query: str) -> object:
    """The first value of the first row."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_revisions_are_applied_in_order_and_once(empty_database: str, versions: Path) -> None:
    """What is missing is applied and named; the second run finds nothing to do."""
    assert await current(empty_database) is None
    assert await upgrade(empty_database, versions) == ["0001"]
    assert await current(empty_database) == "0001"
    assert await fetch(empty_database, "SELECT count(*) FROM notes WHERE body = 'a;b'") == 3
    add(versions, 2, "ALTER TABLE notes ADD read boolean NOT NULL DEFAULT false;")
    add(versions, 3, "ALTER TABLE notes DROP body;")
    assert await upgrade(empty_database, versions) == ["0002", "0003"]
    assert await upgrade(empty_database, versions) == []


async def test_a_failing_revision_leaves_nothing_behind(empty_database: str, versions: Path) -> None:
    """All revisions of one run are one transaction: the third one's mistake undoes the first two."""
    add(versions, 2, "CREATE TABLE second (id int);")
    add(versions, 3, "CREATE TABLE third (id int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await upgrade(empty_database, versions)
    assert await current(empty_database) is None
    assert await fetch(empty_database, "SELECT to_regclass('notes')::text") is None


def start_migration(url: str, versions: Path) -> subprocess.Popen[str]:
    """`migrate` in a process of its own, which prints what it applied."""
    code = (
        "import sys; from pathlib import Path; from rocket_server.db.migrate import migrate;"
        "print(migrate(sys.argv[1], Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, url, str(versions)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> str:
    """What a process printed; it must have ended well."""
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output.strip()


def test_eight_processes_may_start_it_at_once(empty_database: str, versions: Path) -> None:
    """Exactly one of them applies each revision, and none of them fails."""
    add(versions, 2, "SELECT pg_sleep(0.5); CREATE TABLE second (id int);")
    processes = [start_migration(empty_database, versions) for _ in range(8)]
    answers = [answer(process) for process in processes]
    assert sorted(answers) == ["['0001', '0002']"] + ["[]"] * 7


async def test_several_databases_of_one_server_may_be_migrated_at_once(
    server_url: str, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role is the whole server's: making it from several databases at once is no error."""
    mine = f"rocket_app_{uuid.uuid4().hex[:12]}"
    monkeypatch.setattr(migrate, "APPLICATION_ROLE", mine)
    connection = await asyncpg.connect(server_url)
    try:
        await asyncio.gather(*(migrate._make_role(server_url) for _ in range(8)))
        await connection.execute(f"SET ROLE {mine}")
    finally:
        await connection.execute("RESET ROLE")
        await connection.execute(f"DROP ROLE IF EXISTS {mine}")
        await connection.close()


async def test_the_owner_can_take_the_servers_role(empty_database: str, versions: Path) -> None:
    """After a migration the owner may SET ROLE rocket_app, which may do what it was granted and no more."""
    await upgrade(empty_database, versions)
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute(f"SET ROLE {APPLICATION_ROLE}")
        assert await connection.fetchval("SELECT count(*) FROM notes") == 3
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0001"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM notes")
    finally:
        await connection.close()


@pytest.fixture
async def ordinary_owner(empty_database: str) -> object:
    """The URL of `empty_database` for an owner who isn't a superuser, and his name."""
    name = f"rocket_owner_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(empty_database)
    await admin.execute(
        f"CREATE ROLE {name} LOGIN PASSWORD 'secret'; GRANT CREATE ON SCHEMA public TO {name}"
    )
    parts = urlsplit(empty_database)
    netloc = f"{name}:secret@{parts.netloc.rpartition('@')[2]}"
    yield urlunsplit(parts._replace(netloc=netloc)), name, admin
    await admin.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
    await admin.close()


async def test_an_owner_without_the_right_to_make_roles_is_told_what_to_run(
    ordinary_owner: tuple[str, str, asyncpg.Connection], versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the statements that a superuser has to run, once."""
    url, name, _ = ordinary_owner
    missing = f"{APPLICATION_ROLE}_{name}"
    monkeypatch.setattr(migrate, "APPLICATION_ROLE", missing)
    with pytest.raises(
        ConfigurationError, match=f"CREATE ROLE {missing} NOLOGIN; GRANT {missing} TO {name};"
    ):
        await upgrade(url, versions)


async def test_an_owner_who_was_granted_the_role_needs_no_other_right(
    ordinary_owner: tuple[str, str, asyncpg.Connection], versions: Path
) -> None:
    """Where an administrator has prepared the role, an ordinary owner migrates."""
    url, name, admin = ordinary_owner
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APPLICATION_ROLE):
        await admin.execute(f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN")
    await admin.execute(f"GRANT {APPLICATION_ROLE} TO {name}")
    assert await upgrade(url, versions) == ["0001"]


async def test_an_owner_with_createrole_makes_the_role_and_can_take_it(
    ordinary_owner: tuple[str, str, asyncpg.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role's maker may not take it by itself since PostgreSQL 16; migrating grants that too."""
    url, name, admin = ordinary_owner
    mine = f"{APPLICATION_ROLE}_{name}"
    monkeypatch.setattr(migrate, "APPLICATION_ROLE", mine)
    await admin.execute(f"ALTER ROLE {name} CREATEROLE")
    try:
        await migrate._make_role(url)
        await migrate._make_role(url)  # a second time changes nothing
        owner = await asyncpg.connect(url)
        await owner.execute(f"SET ROLE {mine}")
        await owner.close()
    finally:
        await admin.execute(f"DROP ROLE IF EXISTS {mine}")


async def test_a_newer_database_is_refused(empty_database: str, versions: Path) -> None:
    """An older release doesn't work on a schema that it doesn't know."""
    add(versions, 2, "SELECT 1;")
    await upgrade(empty_database, versions)
    (versions / "0002_step.py").unlink()
    with pytest.raises(ConfigurationError, match="at revision 0002, this release knows only 0001"):
        await upgrade(empty_database, versions)


async def test_a_busy_table_delays_a_migration_and_does_not_fail_it(
    empty_database: str, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that can't lock a table gives way to the others and tries again."""
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", "50ms")
    await upgrade(empty_database, versions)
    add(versions, 2, "ALTER TABLE notes ADD extra int;")
    reader = await asyncpg.connect(empty_database)
    try:
        async with reader.transaction():
            await reader.execute("LOCK TABLE notes IN ACCESS SHARE MODE")
            waiting = asyncio.create_task(upgrade(empty_database, versions))
            done, _ = await asyncio.wait([waiting], timeout=0.5)
            assert not done
        assert await waiting == ["0002"]
    finally:
        await reader.close()


def test_the_head_is_what_alembic_finds() -> None:
    """The head that is read from the files' names is Alembic's one head, and every revision has its SQL."""
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [HEAD] == [head()]
    for revision in scripts.walk_revisions():
        assert Path(revision.path).with_suffix(".sql").is_file()


async def test_the_current_schema_is_at_the_head(database: str) -> None:
    """A database made for a test has every revision of this release."""
    assert await current(database) == HEAD
