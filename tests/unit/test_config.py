"""Settings: what the environment may say and how a mistake in it is named."""

from __future__ import annotations

import ast
import os
from dataclasses import FrozenInstanceError, fields
from ipaddress import ip_network
from pathlib import Path

import pytest

import rocket_server
from rocket_server.config.settings import Settings
from rocket_server.config.shown import mask_url
from rocket_server.errors import ConfigurationError

HOME = {"HOME": "/home/ada"}


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    """With nothing set the server listens on loopback with the embedded database."""
    settings = Settings.from_environ(HOME)
    assert settings.database_url is None
    assert settings.owner_database_url is None
    assert settings.data_dir == Path("/home/ada/.local/share/rocket")
    assert settings.public_url == "http://127.0.0.1:8000"
    assert (settings.rate_limit_key, settings.rate_limit_source, settings.rate_limit_auth_failures) == (
        600_000,
        0,
        60,
    )
    assert settings.max_clock_skew_s == 24 * 3600
    assert settings.max_batch_bytes == 16 * 1024 * 1024
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("user", "mode", "made_before", "is_at_home"),
    [(0, 0o700, False, False), (0, 0o711, False, True), (0, 0o700, True, True), (1000, 0o700, False, True)],
)
def test_root_keeps_data_where_nothing_has_to_be_opened(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, user: int, mode: int, made_before: bool, is_at_home: bool
) -> None:
    """A closed home isn't opened for PostgreSQL's own user; a database that was made there stays in use."""
    data_dir.chmod(0o711)
    home = data_dir / "home"
    usual = home / ".local/share/rocket"
    home.mkdir()
    if made_before:
        (usual / "postgres").mkdir(parents=True)
    home.chmod(mode)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    found = Settings.from_environ({"HOME": str(home)}).data_dir
    assert found == (usual if is_at_home else Path("/var/lib/rocket"))
    chosen = Settings.from_environ({"HOME": str(home), "ROCKET_DATA_DIR": str(usual)})
    assert chosen.data_dir == usual


def test_settings_cannot_be_changed() -> None:
    """A setting is read once; assigning to it is an error."""
    settings = Settings.from_environ(HOME)
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("ROCKET_PORT", "9001", "port", 9001),
        ("ROCKET_RATE_LIMIT_KEY", "1_000", "rate_limit_key", 1000),
        ("ROCKET_ALLOW_PRIVATE_WEBHOOKS", "yes", "allow_private_webhooks", True),
        ("ROCKET_ALLOW_PRIVATE_WEBHOOKS", "0", "allow_private_webhooks", False),
        ("ROCKET_ENV", "Production", "env", "production"),
        ("ROCKET_DATABASE_TIMEOUT", "2.5", "database_timeout_s", 2.5),
        ("ROCKET_PUBLIC_URL", "https://r.example.org/", "public_url", "https://r.example.org"),
        ("ROCKET_DATA_DIR", "~/rocket", "data_dir", Path("/home/ada/rocket")),
        ("ROCKET_MOODLE_ACTIVITIES", "/etc/moodle.json", "moodle_activities", Path("/etc/moodle.json")),
        ("ROCKET_MOODLE_ACTIVITIES", "", "moodle_activities", None),
        (
            "ROCKET_TRUSTED_PROXIES",
            "10.0.0.0/8, 2001:db8::1",
            "trusted_proxies",
            (ip_network("10.0.0.0/8"), ip_network("2001:db8::1/128")),
        ),
    ],
)
def test_a_variable_sets_its_field(variable: str, text: str, name: str, value: object) -> None:
    """Every kind of value is read from its variable into its field."""
    assert getattr(Settings.from_environ({**HOME, variable: text}), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("ROCKET_PORT", "eighty", "whole number from 1 to 65535"),
        ("ROCKET_PORT", "70000", "whole number from 1 to 65535"),
        ("ROCKET_POOL_SIZE", "-1", "whole number"),
        ("ROCKET_DATABASE_TIMEOUT", "nan", "seconds"),
        ("ROCKET_DATABASE_TIMEOUT", "soon", "seconds"),
        ("ROCKET_DATABASE_URL", "mysql://root@db/x", "postgresql://"),
        ("ROCKET_DATABASE_URL", "postgresql://[broken/x", "postgresql://"),
        ("ROCKET_PUBLIC_URL", "rewards.example.org", "https://"),
        ("ROCKET_PUBLIC_URL", "http://[broken", "https://"),
        ("ROCKET_TRUSTED_PROXIES", "10.0.0.0/40", "10.0.0.0/8"),
        ("ROCKET_ALLOW_PRIVATE_WEBHOOKS", "maybe", "1 or 0"),
        ("ROCKET_ENV", "staging", "production, development, test"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(variable: str, text: str, expected: str) -> None:
    """The error says which variable is wrong and what it takes, and never repeats the value."""
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_environ({variable: text})
    assert variable in str(raised.value)
    assert expected in str(raised.value)


def test_all_mistakes_are_reported_at_once() -> None:
    """An operator doesn't have to start the server once for each mistake."""
    with pytest.raises(ConfigurationError, match=r"ROCKET_PORT.*ROCKET_ENV"):
        Settings.from_environ({"ROCKET_PORT": "x", "ROCKET_ENV": "y"})


def test_a_wrong_database_url_does_not_leak_its_password() -> None:
    """The message about a bad URL doesn't show what was in it."""
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_environ({"ROCKET_DATABASE_URL": "mysql://u:hunter2@db/x"})
    assert "hunter2" not in str(raised.value)


def test_an_unknown_variable_is_a_warning_with_a_suggestion() -> None:
    """A typo doesn't stop the server, but the operator is told; the tests' own variables are left out."""
    settings = Settings.from_environ(
        {"ROCKET_PROT": "1", "ROCKET_TEST_DATABASE_URL": "x", "PATH": "/bin", "ROCKET_ZZZ_QQQ": "1"}
    )
    assert len(settings.warnings) == 2
    assert settings.warnings[0] == "ROCKET_PROT is not a setting and is ignored; did you mean ROCKET_PORT?"
    assert "ROCKET_ZZZ_QQQ" in settings.warnings[1]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("rewards.lan", "http://rewards.lan:8000"),
    ],
)
def test_the_default_public_url_can_be_opened(host: str, url: str) -> None:
    """The address that the server prints is one that a browser can open."""
    assert Settings.from_environ({"ROCKET_HOST": host}).public_url == url


def test_migrations_may_have_an_owner_of_their_own() -> None:
    """The migration URL wins over the server's for the owner; without one they are the same."""
    server = {"ROCKET_DATABASE_URL": "postgresql://app@db/rocket"}
    assert Settings.from_environ(server).owner_database_url == "postgresql://app@db/rocket"
    both = {**server, "ROCKET_MIGRATION_DATABASE_URL": "postgresql://owner@db/rocket"}
    assert Settings.from_environ(both).owner_database_url == "postgresql://owner@db/rocket"


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:p@ss/word@db:5432/x", "postgresql://u:***@db:5432/x"),
        ("postgresql://u:p%40ss@db:5432/x", "postgresql://u:***@db:5432/x"),
        ("postgresql://u:a:b@c@db/x", "postgresql://u:***@db/x"),
        ("postgresql://u@db/x", "postgresql://u@db/x"),
        ("postgresql:///x?host=/run&password=s&user=u", "postgresql:///x?host=/run&password=***&user=u"),
        ("postgresql:///x?sslpassword=s", "postgresql:///x?sslpassword=***"),
        ("postgresql:///x?pass%77ord=s&sslmode=require", "postgresql:///x?pass%77ord=***&sslmode=require"),
        (
            "postgresql://u:s@e/c?r#e;t@db:5432/x?sslmode=require",
            "postgresql://u:***@db:5432/x?sslmode=require",
        ),
        ("postgresql://u:12/34@db/x", "postgresql://u:***@db/x"),
        ("postgresql://db/x?options=a@b&password=s", "postgresql://***@b&password=***"),
        ("https://service.example/hook?token=s&x=1", "https://service.example/hook?token=***&x=***"),
        ("https://key@service.example/hook", "https://***@service.example/hook"),
        ("https://service.example/hook?s3cret", "https://service.example/hook?***"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("10.0.0.0/8", "10.0.0.0/8"),
    ],
)
def test_passwords_in_urls_are_masked(url: str, masked: str) -> None:
    """A password is masked wherever PostgreSQL would find it in the URL."""
    assert mask_url(url) == masked


def test_the_rows_name_every_setting_and_hide_passwords() -> None:
    """`rocket config` lists each variable with its value and meaning, and no secret."""
    settings = Settings.from_environ({**HOME, "ROCKET_DATABASE_URL": "postgresql://u:hunter2@db/x"})
    rows = settings.as_rows()
    assert len(rows) == len(fields(Settings)) - 1
    services = ("EXTERNAL_SERVICE_", "ANALYTICS_SERVICE_", "NOTIFICATION_SERVICE_", "LMS_")
    assert all(variable.startswith(("ROCKET_", *services)) and meaning for variable, _, meaning in rows)
    assert "hunter2" not in str(rows)
    assert settings.masked()["ROCKET_DATABASE_URL"] == "postgresql://u:***@db/x"
    assert settings.masked()["ROCKET_ALLOW_PRIVATE_WEBHOOKS"] == "0"


def test_every_setting_is_read_by_something() -> None:
    """A setting that no module of the server reads would promise what nothing keeps."""
    package = Path(rocket_server.__file__).parent
    read: set[str] = set()
    for file in sorted(package.rglob("*.py")):
        is_own = file.relative_to(package).parts[0] == "config"
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and "getattr(settings, " in text:
                read.add(str(node.value))  # read by name
            if isinstance(node, ast.Attribute):
                of = ast.unparse(node.value)
                # What is derived from a setting reads it for whoever reads what is derived.
                if of == "self" if is_own else of.split(".")[-1].strip("_") == "settings":
                    read.add(node.attr)
    assert {field.name for field in fields(Settings)} - read == set()
