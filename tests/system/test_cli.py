"""The commands of `rocket` as a person runs them, against a real database and a real server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import typer
from typer.testing import CliRunner

from rocket_server.cli import app
from rocket_server.cli.events import parse_since
from rocket_server.db import embedded
from rocket_server.errors import Conflict
from rocket_server.organisations import keys, store
from rocket_server.processes.faults import BadInput
from support.command import Running, free_port, rocket

Start = Callable[..., Running]


@pytest.fixture
def settings(database: str) -> dict[str, str]:
    """A migrated database of the test's own."""
    return {"ROCKET_DATABASE_URL": database}


def init(settings: dict[str, str], *arguments: str, name: str = "Physics") -> dict[str, Any]:
    """Make an organisation; what `--json` prints."""
    done = rocket(settings, "init", "--organisation", name, "--json", *arguments)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def client(server: Running, key: str) -> httpx.Client:
    """A client with that key or token."""
    return httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30
    )


async def execute(url: str, statement: str, *arguments: object) -> None:
    """Execute a statement as the owner, whom nothing is forbidden."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


def test_init_prints_exactly_what_the_contract_names(settings: dict[str, str]) -> None:
    """`--json` prints ids, the key and Moodle's hook, and nothing beside it."""
    made = init(
        {**settings, "ROCKET_PUBLIC_URL": "https://rewards.example.org"},
        *("--tenant", "acme", "--timezone", "Europe/Paris", "--environment", "staging"),
    )
    assert set(made) == {"tenant_id", "organisation_id", "api_key", "sources"}
    assert made["tenant_id"] == "acme"
    assert re.fullmatch(r"rk_test_[0-9a-f]{48}", made["api_key"])
    assert set(made["sources"]) == {"moodle"}
    assert set(made["sources"]["moodle"]) == {"token", "url"}
    assert made["sources"]["moodle"]["url"] == "https://rewards.example.org/api/public/hook/moodle/event"
    assert re.fullmatch(r"[0-9a-f]{64}", made["sources"]["moodle"]["token"])


def test_init_makes_the_tables_of_an_empty_database(empty_database: str) -> None:
    """A first `rocket init` needs no `rocket migrate` before it."""
    settings = {"ROCKET_DATABASE_URL": empty_database}
    assert init(settings)["tenant_id"] == "default"
    assert "already" in rocket(settings, "migrate").stdout


def test_init_refuses_what_it_cannot_use_in_one_line(settings: dict[str, str]) -> None:
    """A name that is taken and a zone that doesn't exist are bad input, said without a traceback."""
    init(settings)
    taken = rocket(settings, "init", "--organisation", "Physics", expect=2)
    assert "of that name already" in taken.stderr
    zone = rocket(settings, "init", "--organisation", "Maths", "--timezone", "Mars/Olympus", expect=2)
    assert "Europe/Paris" in zone.stderr
    assert zone.stderr.count("\n") == 1


def test_a_revoked_key_fails_at_the_next_request(serving: Start, settings: dict[str, str]) -> None:
    """Also in a server that has used the key a moment ago; the other key goes on working."""
    first = init(settings)["api_key"]
    second = rocket(settings, "keys", "create", "--name", "ci", "--scope", "read").stdout.strip()
    server = serving(settings, "serve")
    server.wait_until_answers()
    with client(server, first) as http, client(server, second) as other:
        event = {"event": "user.logged_in", "user_id": "ada", "timestamp": 1767225600}
        assert http.post("/v1/events", json=event).status_code == 200
        assert other.get("/v1/organisation").status_code == 200
        assert other.post("/v1/events", json=event).status_code == 403

        rocket(settings, "keys", "revoke", first[:12])
        assert http.post("/v1/events", json=event).status_code == 401
        assert http.get("/v1/organisation").status_code == 401
        assert other.get("/v1/organisation").status_code == 200
    listed = rocket(settings, "keys", "list").stdout
    assert first not in listed
    assert re.search(rf"^{first[:12]}…\s+admin\s+organisation\s+\S+\s+\d{{4}}-", listed, re.MULTILINE)
    assert "no active key" in rocket(settings, "keys", "revoke", first[:12], expect=2).stderr


async def test_a_beginning_that_several_keys_share_revokes_none(conn: asyncpg.Connection) -> None:
    """What is shown of a key is short: where it fits two of them, the id has to be named."""
    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    organisation = await store.create(conn, name="Alike")
    made = [(await keys.create(conn, organisation, name="one of two"))[1] for _ in range(2)]
    await conn.execute("UPDATE api_keys SET prefix = 'rk_live_same…' WHERE name = 'one of two'")
    with pytest.raises(Conflict, match="by its id"):
        async with conn.transaction():
            await keys.revoke(conn, organisation, "rk_live_same")
    await keys.revoke(conn, organisation, made[1].key_id)
    revoked = [key.revoked_at is not None for key in await keys.page(conn, organisation, None, 10)]
    assert revoked == [False, True]


def test_a_source_is_rotated_without_a_gap(serving: Start, settings: dict[str, str]) -> None:
    """Old and new token work together until the old one is revoked."""
    init(settings)
    own = "t" * 40
    made = rocket(
        settings,
        *("sources", "create", "--kind", "moodle", "--name", "campus", "--token", own),
        *("--staff-id", "2", "--staff-id", "5", "--allow-cidr", "127.0.0.0/8"),
    )
    assert own in made.stdout
    new = rocket(settings, "sources", "rotate", "campus").stdout.strip()
    server = serving(settings, "serve")
    server.wait_until_answers()

    def login(token: str, number: int, user: str = "8774") -> httpx.Response:
        with client(server, token) as http:
            return http.post(
                "/api/public/hook/moodle/event",
                json={
                    "id": str(number),
                    "eventname": r"\core\event\user_loggedin",
                    "userid": user,
                    "timecreated": str(1767225600 + number),
                },
            )

    assert login(own, 1).json()["status"] == "success"
    assert login(new, 2).json()["status"] == "success"
    assert login(new, 3, user="5").json()["status"] == "ignored"
    rocket(settings, "sources", "revoke", "campus", own[:12])
    assert login(own, 4).status_code == 401
    assert login(new, 5).status_code == 200
    assert own not in rocket(settings, "sources", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--kind", "moodel"), "did you mean moodle?"),
        (("--kind", "moodle", "--token", "short"), "32"),
        (("--kind", "moodle", "--name", "Not A Name"), "--name"),
        (("--kind", "moodle", "--name", "b", "--allow-cidr", "10.0.0.0/99"), "10.0.0.0/99"),
        (("--kind", "moodle", "--name", "b", "--hmac-secret", "short"), "--hmac-secret"),
        (("--kind", "moodle"), "of that name already"),
    ],
)
def test_a_source_that_cannot_be_is_refused(
    settings: dict[str, str], arguments: tuple[str, ...], named: str
) -> None:
    """The line names what is wrong, the status is 2, and nothing was made."""
    init(settings)
    before = rocket(settings, "sources", "list").stdout
    assert named in rocket(settings, "sources", "create", *arguments, expect=2).stderr
    assert rocket(settings, "sources", "list").stdout == before


def test_rules_are_enabled_and_disabled_for_a_running_server(
    serving: Start, settings: dict[str, str]
) -> None:
    """A ready-made rule awards from the next event on, and stops again."""
    key = init(settings)["api_key"]
    server = serving(settings, "serve")
    server.wait_until_answers()

    def points(number: int) -> int:
        with client(server, key) as http:
            event = {
                "event": "blog.posted",
                "user_id": "ada",
                "timestamp": 1767225600 + number,
                "properties": {"object_id": str(number)},
            }
            awarded: int = http.post("/v1/events", json=event).json()["points_awarded"]
            return awarded

    assert points(1) == 0
    done = rocket(settings, "rules", "enable", "blog_posted", "course_completed")
    assert done.stdout.splitlines() == ["blog_posted is on (version 1)", "course_completed was on already"]
    assert points(2) == 5
    assert "blog_posted is off (version 2)" in rocket(settings, "rules", "disable", "blog_posted").stdout
    assert points(3) == 0
    assert re.search(r"^blog_posted +v2 +off", rocket(settings, "rules", "list").stdout, re.MULTILINE)


def test_an_unknown_rule_changes_nothing_and_a_close_one_is_named(settings: dict[str, str]) -> None:
    """Status 2; the rules named beside it aren't switched either."""
    init(settings)
    before = rocket(settings, "rules", "list").stdout
    done = rocket(settings, "rules", "enable", "blog_posted", "bage_awarded", expect=2)
    assert "did you mean badge_awarded?" in done.stderr
    assert rocket(settings, "rules", "list").stdout == before


def test_held_events_are_released_once_their_learner_is_known(
    serving: Start, settings: dict[str, str]
) -> None:
    """Held, linked, run again: the points come, once, however often the command is run."""
    made = init(settings)
    server = serving(settings, "serve")
    server.wait_until_answers()
    with client(server, made["api_key"]) as http:
        known = {"event": "user.logged_in", "user_id": "ada", "timestamp": 1767225600}
        assert http.post("/v1/events", json=known).json()["points_awarded"] == 5
        assert http.patch("/v1/organisation", json={"unknown_learner": "hold"}).status_code == 200
        with client(server, made["sources"]["moodle"]["token"]) as moodle:
            body = {
                "id": "31",
                "eventname": r"\core\event\user_loggedin",
                "userid": "8774",
                "timecreated": "1767398400",
            }
            held = moodle.post("/api/public/hook/moodle/event", json=body).json()
        assert http.get(f"/v1/events/{held['event_id']}").json()["status"] == "held"

        retry = ("events", "retry", "--status", "held", "--since", "7d")
        assert rocket(settings, *retry).stdout == "ran 1 event again: 1 held; 0 points\n"
        linked = rocket(settings, "learners", "link", "moodle:8774", "ada").stdout
        assert linked == "moodle:8774 is ada\nran 1 event that had waited; 5 points\n"
        assert rocket(settings, *retry).stdout == "there are no such events\n"
        assert http.get("/v1/users/ada/balance").json()["points"] == 10
        assert http.get("/v1/users/moodle:8774/balance").json()["user_id"] == "ada"

        event = {"event": "user.logged_in", "user_id": "ada", "timestamp": 1770000000}
        again = ("events", "retry", "--status", "suspended", "--status", "held", "--since", "7d")
        assert http.patch("/v1/users/ada", json={"status": "suspended"}).status_code == 200
        assert http.post("/v1/events", json=event).json()["points_awarded"] == 0
        assert rocket(settings, *again).stdout == "ran 1 event again: 1 processed; 0 points\n"
        assert http.patch("/v1/users/ada", json={"status": "active"}).status_code == 200
        assert rocket(settings, *again).stdout == "ran 1 event again: 1 processed; 5 points\n"
        assert rocket(settings, *again).stdout == "there are no such events\n"


def test_an_identity_is_not_taken_from_another_learner(serving: Start, settings: dict[str, str]) -> None:
    """Linking to nobody, or somebody else's identity, is refused with the reason."""
    key = init(settings)["api_key"]
    server = serving(settings, "serve")
    server.wait_until_answers()
    with client(server, key) as http:
        for learner in ("ada", "grace"):
            event = {"event": "user.logged_in", "user_id": learner, "timestamp": 1767225600}
            assert http.post("/v1/events", json=event).status_code == 200
    nobody = rocket(settings, "learners", "link", "x:1", "gracie", expect=2)
    assert "Nobody is known as 'gracie'" in nobody.stderr
    assert "belongs to grace" in rocket(settings, "learners", "link", "grace", "ada", expect=2).stderr
    assert "slash" in rocket(settings, "learners", "link", "a/b", "ada", expect=2).stderr
    rocket(settings, "learners", "link", "x:1", "ada")
    rocket(settings, "learners", "link", "x:1", "ada")


def test_ledger_verify_names_a_tampered_balance(
    serving: Start, settings: dict[str, str], database: str
) -> None:
    """0 and the counts where everything adds up; 1 and the learner where a balance was changed by hand."""
    key = init(settings)["api_key"]
    server = serving(settings, "serve")
    server.wait_until_answers()
    with client(server, key) as http:
        event = {"event": "user.logged_in", "user_id": "ada", "timestamp": 1767225600}
        assert http.post("/v1/events", json=event).status_code == 200
    clean = rocket(settings, "ledger", "verify")
    assert clean.stdout == "adds up: 1 entries, 1 events, 1 learners, 1 organisations\n"

    asyncio.run(
        execute(
            database,
            "UPDATE accounts SET points = points + 1000, earned = earned + 1000 WHERE kind = 'learner'",
        )
    )
    tampered = rocket(settings, "ledger", "verify", expect=1)
    assert re.search(r"^balance +learner \S+ +is 1005 .*the entries say 5 ", tampered.stdout, re.MULTILINE)
    assert "1 difference" in tampered.stderr or "2 differences" in tampered.stderr


def test_one_of_several_organisations_has_to_be_named(settings: dict[str, str]) -> None:
    """Without a name the command says which there are; a name of two tenants needs the tenant."""
    assert "rocket init" in rocket(settings, "rules", "list", expect=2).stderr
    init(settings)
    init(settings, name="Maths")
    init(settings, "--tenant", "acme", name="Maths")
    said = rocket(settings, "keys", "create", expect=2).stderr
    ways = (
        "--organisation Maths --tenant acme | --organisation Maths --tenant default | --organisation Physics"
    )
    assert f"there are 3 organisations; say which: {ways}\n" in said
    assert (
        "did you mean Physics?"
        in rocket(settings, "rules", "list", "--organisation", "Phisics", expect=2).stderr
    )
    assert "--tenant" in rocket(settings, "rules", "list", "--organisation", "Maths", expect=2).stderr
    rocket(settings, "rules", "list", "--organisation", "Maths", "--tenant", "acme")


_ARGUMENTS = {
    "file": "{folder}/rules.yaml",
    "since": "90d",
    "status": "held",
    "kind": "custom",
    "name": "moodle",
    "changes": "weekly_goal=5",
    "role": "viewer",
    "batch": "01a220d2-9445-7005-8ed0-a1ba65808611",
}


def _commands_of_an_organisation() -> list[tuple[str, ...]]:
    """Every command that takes `--organisation`, with arguments that it can read."""
    found: list[tuple[str, ...]] = []

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*path, name))
        if not any("--organisation" in parameter.opts for parameter in command.params):
            return
        needed = [one for one in command.params if one.required or one.param_type_name == "argument"]
        for one in needed:
            options = [one.opts[0]] if one.param_type_name == "option" else []
            path = (*path, *options, _ARGUMENTS.get(one.name, "x"))
        found.append(path)

    walk(typer.main.get_command(app), ())
    # One makes the organisation; the other proves the ledgers of all where none is named.
    return [path for path in found if path[0] != "init" and path[:2] != ("ledger", "verify")]


def test_no_command_chooses_between_organisations(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two organisations, each command that works in one refuses to take the first, and says what to
    pass; nothing is done in either."""
    init(settings)
    init(settings, name="Maths")
    (tmp_path / "rules.yaml").write_text("[{rule_id: a, trigger: x.y, actions: {award_points: 1}}]")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    commands = _commands_of_an_organisation()
    assert len(commands) > 18
    for command in commands:
        done = CliRunner().invoke(app, [part.format(folder=tmp_path) for part in command])
        assert isinstance(done.exception, BadInput), (command, done.output, done.exception)
        assert "say which: --organisation Maths | --organisation Physics" in str(done.exception), command


def test_workflows_are_written_for_every_known_event(tmp_path: Path) -> None:
    """One file an event, with the hook's URL and the token, as JSON that Moodle's plugin reads."""
    out = tmp_path / "flows"
    settings = {"ROCKET_PUBLIC_URL": "https://rewards.example.org"}
    rocket(settings, "moodle", "workflows", "--out", str(out), "--token", "secret-token")
    known = json.loads(rocket(settings, "moodle", "activities", "--json").stdout)
    assert len(list(out.iterdir())) == len(known) + 1 >= 67
    assert (out / "core.course_reset_ended.json").exists()
    login = json.loads((out / "core.user_loggedin.json").read_text())
    assert login["event"] == r"\core\event\user_loggedin"
    sent = json.loads(login["steps"][-1]["data"])
    assert sent["url"] == "https://rewards.example.org/api/public/hook/moodle/event"
    assert "Bearer secret-token" in sent["httpheaders"]


def test_workflows_as_one_script_need_a_token_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    """One PHP file with all workflows, or those whose rules are on; only its owner can read it."""
    settings = {"ROCKET_PUBLIC_URL": "https://rewards.example.org"}
    made = tmp_path / "workflows.php"
    command = ("moodle", "workflows", "--script", str(made))
    assert "--token" in rocket(settings, *command, expect=1).stderr
    assert "--script" in rocket(settings, "moodle", "workflows", expect=1).stderr
    rocket(settings, *command, "--token", "secret-token")
    all_of_them = made.read_text()
    assert made.stat().st_mode & 0o777 == 0o600
    assert "Bearer secret-token" in all_of_them
    rocket(settings, *command, "--token", "secret-token", "--default")
    assert r"message_sent" in all_of_them
    assert r"course_reset_ended" in all_of_them
    assert r"message_sent" not in made.read_text()
    assert r"course_reset_ended" not in made.read_text()
    assert r"course_completed" in made.read_text()


def test_config_masks_passwords_and_names_misspelt_settings() -> None:
    """The effective values; the owner's URL only where it is asked for."""
    settings = {
        "ROCKET_DATABASE_URL": "postgresql://rocket:hidden@db.example.org/rocket",
        "ROCKET_PROT": "80",
    }
    done = rocket(settings, "config")
    assert "hidden" not in done.stdout
    assert "postgresql://rocket:***@db.example.org/rocket" in done.stdout
    assert "did you mean ROCKET_PORT?" in done.stderr
    assert rocket(settings, "config", "--database-url").stdout.strip() == settings["ROCKET_DATABASE_URL"]


@pytest.mark.parametrize(
    ("settings", "arguments", "status", "named"),
    [
        ({"ROCKET_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, ("keys", "list"), 1, "can't be reached"),
        ({"ROCKET_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, ("serve", "--port", "0"), 2, "ROCKET_PORT"),
        ({"ROCKET_PORT": "many"}, ("config",), 2, "ROCKET_PORT"),
        ({}, ("serve", "--port", "many"), 2, "see `rocket serve --help`"),
        ({}, ("keys", "make"), 2, "No such command 'make'; see `rocket keys --help`"),
        ({}, ("init",), 2, "'--organisation'"),
        ({}, ("events", "retry", "--status", "lost", "--since", "1d"), 2, "'failed'"),
        ({"ROCKET_HOST": "192.0.2.1"}, ("up",), 1, "192.0.2.1"),
        ({}, ("events", "retry", "--status", "held", "--since", "yesterday"), 2, "2026-01-31"),
    ],
)
def test_what_goes_wrong_is_one_line(
    settings: dict[str, str], arguments: tuple[str, ...], status: int, named: str
) -> None:
    """Bad input ends with 2, a failure with 1; neither shows a traceback."""
    done = rocket(settings, *arguments, expect=status)
    assert named in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_database_without_tables_is_not_served(empty_database: str) -> None:
    """`rocket serve` changes no schema: it says which command does."""
    settings = {"ROCKET_DATABASE_URL": empty_database, "ROCKET_PORT": "18999"}
    assert "run `rocket migrate`" in rocket(settings, "serve", expect=2).stderr
    assert "run `rocket migrate`" in rocket(settings, "keys", "list", expect=1).stderr


def test_an_embedded_database_without_tables_is_not_used(data_dir: Path) -> None:
    """A new cluster lacks the server's role too; the line is the same."""
    embedded.start(data_dir).stop()
    done = rocket({"ROCKET_DATA_DIR": str(data_dir)}, "keys", "list", expect=1)
    assert "run `rocket migrate`" in done.stderr


def test_since_reads_dates_times_and_spans() -> None:
    """A date begins at midnight UTC; a span counts back from now."""
    now = datetime(2026, 2, 10, 12, tzinfo=UTC)
    assert parse_since("2026-01-31", now) == datetime(2026, 1, 31, tzinfo=UTC)
    assert parse_since("2026-01-31T08:00:00+01:00", now) == datetime(2026, 1, 31, 7, tzinfo=UTC)
    assert parse_since("7d", now) == now - timedelta(days=7)
    assert parse_since("90m", now) == now - timedelta(minutes=90)
    for wrong in ("", "7", "d", "tomorrow", "999999w"):
        with pytest.raises(BadInput):
            parse_since(wrong, now)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ledger", "verify"),
        ("keys", "list"),
        ("keys", "create", "--name", "x"),
        ("sources", "list"),
        ("rules", "list"),
        ("events", "retry", "--status", "held", "--since", "1d"),
        ("config", "--database-url"),
        ("serve",),
        ("work",),
    ],
    ids=" ".join,
)
def test_without_a_database_nothing_is_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A command that works on a database says where it looked for one and what to do; it makes no file and
    opens no folder."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    settings = {"ROCKET_DATA_DIR": str(home / "data"), "ROCKET_PORT": str(free_port())}
    done = rocket(settings, *arguments, expect=2)
    assert f"there is no database in {home / 'data'}" in done.stderr
    assert "rocket up" in done.stderr
    assert list(home.iterdir()) == []
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_course_that_begins_anew(settings: dict[str, str]) -> None:
    """`rocket rules reset-course` says whether the course begins anew; what it can't, it refuses."""
    init(settings)
    at = "2026-03-01T00:00:00+01:00"
    assert rocket(settings, "rules", "reset-course", "7", "--at", at).stdout == (
        "course 7 begins anew at 2026-02-28T23:00:00+00:00\n"
    )
    again = rocket(settings, "rules", "reset-course", "7", "--at", at)
    assert "began anew already" in again.stdout
    for arguments in (("--at", "2026-03-01"), ("--at", "2999-01-01T00:00:00Z"), ("--source", "mooodle")):
        refused = rocket(settings, "rules", "reset-course", "7", *arguments, expect=2)
        assert arguments[0] in refused.stderr


def test_settings_of_an_organisation_are_shown_and_changed(settings: dict[str, str]) -> None:
    """Each with its value and sentence; a change has the bounds of the API, and a refusal changes nothing."""
    init(settings)
    done = rocket(settings, "organisation", "set", "timezone=europe/paris", "weekly_goal=80")
    assert done.stdout == "changed: timezone, weekly_goal\n"
    shown = json.loads(rocket(settings, "organisation", "show", "--json").stdout)
    assert (shown["timezone"], shown["weekly_goal"], shown["grace_weeks"]) == ("Europe/Paris", 80, 0)
    assert "Points a week that keep a streak" in rocket(settings, "organisation", "show").stdout
    for wrong, said in (
        ("weekly_goals=9", "did you mean weekly_goal?"),
        ("weekly_goal=0", "greater than or equal to 1"),
        ("timezone=Mars", "a time zone name"),
        ("weekly_goal", "say what weekly_goal shall be"),
    ):
        refused = rocket(settings, "organisation", "set", wrong, expect=2)
        assert said in refused.stderr
    assert json.loads(rocket(settings, "organisation", "show", "--json").stdout) == shown
