"""Time zones: what is accepted means the same to Python and to the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import asyncpg
import pytest

from rocket_server.db.migrate import VERSIONS, upgrade
from rocket_server.errors import InvalidPayload
from rocket_server.ids import uuid7
from rocket_server.organisations import zones


async def test_every_zone_of_python_is_known_to_both_or_refused(conn):
    """No accepted name makes a query fail; those named by no place mean the same in each month."""
    refused = set()
    for name in sorted(available_timezones() | {"localtime", "Factory"}):
        try:
            known = await zones.check(conn, name)
        except InvalidPayload:
            refused.add(name)
            continue
        assert known == name
        assert zones.zone(known) == ZoneInfo(known)
        moments = [datetime(2026, month, 1, 12, tzinfo=UTC) for month in (1, 7)]
        query = "SELECT t AT TIME ZONE $1 FROM unnest($2::timestamptz[]) AS t"
        theirs = await conn.fetch(query, known, moments)
        if "/" not in known:
            ours = [moment.astimezone(ZoneInfo(known)).replace(tzinfo=None) for moment in moments]
            assert [row[0] for row in theirs] == ours
    assert {"localtime", "Factory", "CET", "EET", "MET", "WET"} <= refused
    assert not {"UTC", "Europe/Paris", "America/Vancouver", "Etc/GMT+3"} & refused


async def test_case_does_not_matter_and_is_not_kept(conn):
    """A name is stored as the time zone database spells it."""
    assert await zones.check(conn, "europe/PARIS") == "Europe/Paris"
    assert await zones.check(conn, "utc") == "UTC"


@pytest.mark.parametrize(
    "name", ["posix/Europe/Paris", "right/Europe/Paris", "FOO+3", "UTC+3", "+02:00", "../UTC", "a\0", "", "é"]
)
async def test_what_only_one_side_knows_is_refused(conn, name):
    """A refusal leaves the transaction as it was."""
    with pytest.raises(InvalidPayload) as refused:
        await zones.check(conn, name)
    assert refused.value.details["field"] == "timezone"
    assert await conn.fetchval("SELECT 1") == 1


def test_a_stored_zone_that_this_machine_does_not_know_reads_as_utc():
    """Days begin elsewhere then, but the organisation can be read, and whose work it is goes on."""
    assert zones.zone("Mars/Olympus") == ZoneInfo("UTC")


async def test_the_migration_replaces_what_the_database_does_not_know(empty_database: str, tmp_path: Path):
    """Another case is corrected, abbreviations become the places they stood for, and the rest is UTC with the
    old name kept for the administrator."""
    for file in VERSIONS.iterdir():
        if file.suffix in {".py", ".sql"} and file.name < "0010":
            (tmp_path / file.name).write_text(file.read_text())
    await upgrade(empty_database, tmp_path)
    before = {
        "localtime": ("UTC", "localtime"),
        "Mars/Olympus": ("UTC", "Mars/Olympus"),
        "Factory": ("UTC", "Factory"),
        "europe/paris": ("Europe/Paris", None),
        "CET": ("Europe/Brussels", None),
        "Europe/Paris": ("Europe/Paris", None),
        "UTC": ("UTC", None),
    }
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute("INSERT INTO tenants VALUES ('t')")
        for name in before:
            await connection.execute(
                "INSERT INTO organisations (organisation_id, tenant_id, name, environment, timezone,"
                " unknown_learner, weekly_goal) VALUES ($1, 't', $2, 'production', $2, 'create', 50)",
                uuid7(),
                name,
            )
        assert "0010" in await upgrade(empty_database)
        rows = await connection.fetch("SELECT name, timezone, timezone_replaced FROM organisations")
    finally:
        await connection.close()
    assert {row[0]: (row[1], row[2]) for row in rows} == before


def test_an_administrator_sees_what_was_replaced_until_they_choose(organisation, owner):
    """The settings name the zone that nobody knows; setting another ends that, other changes don't."""
    owner.execute(
        "UPDATE organisations SET timezone_replaced = 'localtime' WHERE organisation_id = $1",
        organisation.organisation_id,
    )
    assert organisation.api.get("/v1/organisation").json()["timezone_replaced"] == "localtime"
    kept = organisation.api.patch("/v1/organisation", {"weekly_goal": 60}).json()
    assert (kept["timezone"], kept["timezone_replaced"]) == ("UTC", "localtime")
    chosen = organisation.api.patch("/v1/organisation", {"timezone": "europe/paris"}).json()
    assert chosen["timezone"] == "Europe/Paris"
    assert "timezone_replaced" not in chosen
