"""What an operator may set: read from the environment once, checked at once, never changed afterwards."""

from __future__ import annotations

import base64
import difflib
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from rocket_server.errors import ConfigurationError

Network = IPv4Network | IPv6Network

_PREFIX = "ROCKET_"
_MASK = "***"
_MIB = 1024 * 1024
_DATA_OF_ROOT = Path("/var/lib/rocket")
_PLAIN_USER = re.compile(r"[\w.%~+-]*")
_OPEN_PARAMETERS = frozenset(
    re.findall(
        r"\w+",
        "host port user dbname database role timezone application_name connect_timeout target_session_attrs"
        " sslmode sslrootcert sslcert sslkey sslcrl passfile",
    )
)


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9][0-9_]*", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    expected = "a number of seconds above 0, at most 3600"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(expected) from None
    if not 0 < value <= 3600:
        raise ValueError(expected)
    return value


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise ValueError("1 or 0")


def _choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text.lower()

    return read


def _database_url(text: str) -> str:
    expected = "a URL such as postgresql://user:password@host:5432/rocket"
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError(expected)
    return text


def _public_url(text: str) -> str:
    expected = "a URL such as https://rewards.example.org, without query"
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(expected)
    if parts.username is not None or not _is_plain(text):
        raise ValueError(f"{expected}, without user and password, blanks and control characters")
    return text.rstrip("/")


def _service_url(text: str) -> str:
    expected = "a URL such as https://service.example.org/events"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or len(text) > 2_000:
        raise ValueError(expected)
    if not _is_plain(text):
        raise ValueError(f"{expected}, without blanks and control characters")
    return text


def _is_plain(text: str) -> bool:
    """Whether there is nothing in it that can't be seen or that turns the direction of writing."""
    return not any(unicodedata.category(char)[0] in "CZ" for char in text)


def _variables(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*\*?", name) for name in names):
        raise ValueError("names of variables joined by commas, such as DIGEST_DIR,MYPLUGIN_*")
    return names


def _credential(text: str) -> str:
    if not text.isascii() or not text.isprintable() or len(text) > 1_000:
        raise ValueError("printable ASCII, at most 1000 characters")
    return text


def _encryption_key(text: str) -> bytes:
    expected = "32 random bytes in base64, as `openssl rand -base64 32` makes them"
    try:
        secret = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(expected) from None
    if len(secret) != 32:
        raise ValueError(expected)
    return secret


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("addresses or networks joined by commas, such as 10.0.0.0/8,192.0.2.7") from None


def _setting(variable: str, default: Any, read: Callable[[str], Any], what: str) -> Any:
    """A field that is read from `variable` by `read`, which raises ValueError(what it takes)."""
    return field(default=default, metadata={"variable": variable, "read": read, "what": what})


def _secret(variable: str, what: str) -> Any:
    """A field whose value is nowhere shown."""
    metadata = {"variable": variable, "read": _credential, "what": what, "secret": True}
    return field(default=None, metadata=metadata, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective configuration. Each field names its variable, its default and what it means."""

    database_url: str | None = _setting(
        "ROCKET_DATABASE_URL", None, _database_url, "PostgreSQL 15 or newer; unset: the embedded one"
    )
    migration_database_url: str | None = _setting(
        "ROCKET_MIGRATION_DATABASE_URL", None, _database_url, "the owner of the tables, where it is another"
    )
    data_dir: Path = _setting(
        "ROCKET_DATA_DIR",
        Path("~/.local/share/rocket"),
        Path,
        "where the embedded database lives; as root, whose home is closed, /var/lib/rocket by default",
    )
    host: str = _setting("ROCKET_HOST", "127.0.0.1", str, "address to listen on")
    port: int = _setting("ROCKET_PORT", 8000, _integer(1, 65_535), "TCP port to listen on")
    public_url: str = _setting(
        "ROCKET_PUBLIC_URL", "", _public_url, "how others reach this server; unset: http://<host>:<port>"
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "ROCKET_TRUSTED_PROXIES", (), _networks, "networks whose X-Forwarded-For is believed"
    )
    rate_limit_key: int = _setting(
        "ROCKET_RATE_LIMIT_KEY", 600_000, _integer(0, 10**9), "requests per minute and API key; 0: no limit"
    )
    rate_limit_source: int = _setting(
        "ROCKET_RATE_LIMIT_SOURCE", 0, _integer(0, 10**9), "requests per minute and source; 0: no limit"
    )
    rate_limit_auth_failures: int = _setting(
        "ROCKET_RATE_LIMIT_AUTH_FAILURES",
        60,
        _integer(0, 10**9),
        "failed authentications per minute and address; 0: no limit",
    )
    max_clock_skew_s: int = _setting(
        "ROCKET_MAX_CLOCK_SKEW",
        86_400,
        _integer(0, 10**9),
        "seconds that an event's time may lie in the future",
    )
    max_body_bytes: int = _setting(
        "ROCKET_MAX_BODY_BYTES", _MIB, _integer(1024, 1024 * _MIB), "bytes of a request's body"
    )
    max_batch_bytes: int = _setting(
        "ROCKET_MAX_BATCH_BYTES", 16 * _MIB, _integer(1024, 1024 * _MIB), "bytes of a batch's body"
    )
    max_expanded_bytes: int = _setting(
        "ROCKET_MAX_EXPANDED_BYTES",
        16 * _MIB,
        _integer(1024, 1024 * _MIB),
        "bytes that a gzip body may unpack to, beside the two limits above",
    )
    max_buffered_bytes: int = _setting(
        "ROCKET_MAX_BUFFERED_BYTES",
        256 * _MIB,
        _integer(_MIB, 1024 * 1024 * _MIB),
        "bytes of all bodies that one process holds at once",
    )
    max_connections: int = _setting(
        "ROCKET_MAX_CONNECTIONS",
        10_000,
        _integer(1, 1_000_000),
        "connections of one server process, as far as its descriptors reach",
    )
    max_connections_per_address: int = _setting(
        "ROCKET_MAX_CONNECTIONS_PER_ADDRESS",
        1_000,
        _integer(0, 1_000_000),
        "of these, from one address that is no trusted proxy; 0: no limit",
    )
    head_timeout_s: float = _setting(
        "ROCKET_HEAD_TIMEOUT", 10.0, _seconds, "seconds that a client has for a request's headers"
    )
    body_timeout_s: float = _setting(
        "ROCKET_BODY_TIMEOUT",
        20.0,
        _seconds,
        "seconds in which a client has to send 1 KiB a second of a body",
    )
    write_timeout_s: float = _setting(
        "ROCKET_WRITE_TIMEOUT",
        30.0,
        _seconds,
        "seconds in which a client has to read 1 KiB a second of an answer",
    )
    keep_alive_timeout_s: float = _setting(
        "ROCKET_KEEP_ALIVE_TIMEOUT", 65.0, _seconds, "seconds that an unused connection is kept open"
    )
    pool_size: int = _setting(
        "ROCKET_POOL_SIZE", 10, _integer(1, 1000), "database connections of one process, beside ingest"
    )
    ingest_connections: int = _setting(
        "ROCKET_INGEST_CONNECTIONS",
        2,
        _integer(1, 64),
        "groups of events in flight for one organisation",
    )
    group_max_events: int = _setting(
        "ROCKET_GROUP_MAX_EVENTS", 2_000, _integer(1, 100_000), "events that share a transaction at most"
    )
    database_timeout_s: float = _setting(
        "ROCKET_DATABASE_TIMEOUT", 10.0, _seconds, "seconds that a request waits for the database"
    )
    simulation_budget_s: float = _setting(
        "ROCKET_SIMULATION_BUDGET", 20.0, _seconds, "seconds that a simulation over HTTP may take"
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "ROCKET_LOG_LEVEL", "info", _choice("debug", "info", "warning", "error"), "least severe line logged"
    )
    log_format: Literal["json", "console"] = _setting(
        "ROCKET_LOG_FORMAT", "console", _choice("json", "console"), "lines for machines or for people"
    )
    moodle_activities: Path | None = _setting(
        "ROCKET_MOODLE_ACTIVITIES", None, Path, "a catalogue of Moodle events in place of the built-in one"
    )
    allow_private_webhooks: bool = _setting(
        "ROCKET_ALLOW_PRIVATE_WEBHOOKS", False, _boolean, "1 lets webhooks go to private addresses"
    )
    webhook_allowed_cidrs: tuple[Network, ...] = _setting(
        "ROCKET_WEBHOOK_ALLOWED_CIDRS", (), _networks, "private networks that webhooks may go to nonetheless"
    )
    webhook_retry_base_s: float = _setting(
        "ROCKET_WEBHOOK_RETRY_BASE",
        10.0,
        _seconds,
        "seconds before the first retry; later waits grow from it",
    )
    breaker_failures: int = _setting(
        "ROCKET_BREAKER_FAILURES", 5, _integer(1, 1000), "failures in a row that open an endpoint's breaker"
    )
    breaker_open_s: float = _setting(
        "ROCKET_BREAKER_OPEN", 60.0, _seconds, "seconds that an open breaker waits before it tries again"
    )
    endpoint_warn_after_h: int = _setting(
        "ROCKET_ENDPOINT_WARN_AFTER",
        24,
        _integer(1, 10_000),
        "hours of failing after which endpoint.failing is told",
    )
    endpoint_disable_after_h: int = _setting(
        "ROCKET_ENDPOINT_DISABLE_AFTER",
        120,
        _integer(1, 10_000),
        "hours of failing after which an endpoint is disabled",
    )
    delivery_retention_days: int = _setting(
        "ROCKET_DELIVERY_RETENTION",
        30,
        _integer(1, 10_000),
        "days that deliveries and their attempts are kept",
    )
    request_log_days: int = _setting(
        "ROCKET_REQUEST_LOG_RETENTION",
        30,
        _integer(1, 10_000),
        "days that the requests of sources are kept in their logs, of each source 1000 at most",
    )
    worker_concurrency: int = _setting(
        "ROCKET_WORKER_CONCURRENCY", 256, _integer(1, 10_000), "deliveries in flight in one worker"
    )
    worker_metrics_port: int = _setting(
        "ROCKET_WORKER_METRICS_PORT",
        0,
        _integer(0, 65_535),
        "TCP port on which a delivery worker answers /metrics; 0: none",
    )
    env: Literal["production", "development", "test"] = _setting(
        "ROCKET_ENV", "development", _choice("production", "development", "test"), "kind of installation"
    )
    plugin_timeout_s: float = _setting(
        "ROCKET_PLUGIN_TIMEOUT", 10.0, _seconds, "seconds that a plugin's hook may take"
    )
    plugin_memory_mib: int = _setting(
        "ROCKET_PLUGIN_MEMORY",
        256,
        _integer(16, 1_000_000),
        "MiB that a plugin's process may take beyond what it has after its import",
    )
    plugin_processes: int = _setting(
        "ROCKET_PLUGIN_PROCESSES", 1, _integer(1, 64), "processes of one plugin in one worker"
    )
    plugin_environment: tuple[str, ...] = _setting(
        "ROCKET_PLUGIN_ENVIRONMENT",
        (),
        _variables,
        "variables that plugins see beside the system's own, joined by commas; a * at the end stands for any",
    )
    analytics_url: str | None = _setting(
        "ROCKET_ANALYTICS_URL", None, _service_url, "where the analytics export goes; unset: nowhere"
    )
    analytics_token: str | None = _secret(
        "ROCKET_ANALYTICS_TOKEN", "the analytics project's token or a service account's secret"
    )
    external_service_url: str | None = _setting(
        "EXTERNAL_SERVICE_WEBHOOK_URL", None, _service_url, "a service that hears every event"
    )
    external_service_key: str | None = _secret("EXTERNAL_SERVICE_API_KEY", "its bearer token")
    analytics_service_url: str | None = _setting(
        "ANALYTICS_SERVICE_WEBHOOK_URL", None, _service_url, "another, for analytics"
    )
    analytics_service_key: str | None = _secret("ANALYTICS_SERVICE_API_KEY", "its bearer token")
    notification_service_url: str | None = _setting(
        "NOTIFICATION_SERVICE_URL", None, _service_url, "another, for notifications"
    )
    notification_service_key: str | None = _secret("NOTIFICATION_SERVICE_API_KEY", "its bearer token")
    lms_integration_url: str | None = _setting(
        "LMS_INTEGRATION_URL", None, _service_url, "another, at the learning platform"
    )
    lms_integration_key: str | None = _secret("LMS_API_KEY", "its bearer token")
    encryption_key: bytes | None = _setting(
        "ROCKET_ENCRYPTION_KEY",
        None,
        _encryption_key,
        "32 bytes in base64 that encrypt the keys of issuers of badges; unset: these are stored plain",
    )
    # Sentences about the environment that an operator should read, such as a misspelt variable.
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """The settings in `environ`; an empty variable counts as unset.

        A command's option is laid over it first: `from_environ({**os.environ, "ROCKET_PORT": "9000"})`.
        Raises ConfigurationError naming every variable that can't be used and what each takes.
        """
        values: dict[str, Any] = {"warnings": _unknown_variables(environ)}
        problems = []
        for spec in fields(cls):
            variable = spec.metadata.get("variable", "")
            if text := environ.get(variable, "").strip():
                try:
                    values[spec.name] = spec.metadata["read"](text)
                except ValueError as error:
                    problems.append(f"{variable} takes {error}")
        if problems:
            raise ConfigurationError("; ".join(problems))
        chosen = frozenset(values)
        given = cls(**values)
        home = Path(environ["HOME"]) if environ.get("HOME") else None
        values["data_dir"] = _absolute(given.data_dir, home)
        if "data_dir" not in chosen and _is_closed(values["data_dir"]):
            values["data_dir"] = _DATA_OF_ROOT
        if given.moodle_activities is not None:
            values["moodle_activities"] = _absolute(given.moodle_activities, home)
        values["public_url"] = given.public_url or _address_url(given.host, given.port)
        return cls(**values)

    @property
    def owner_database_url(self) -> str | None:
        """The URL that migrations use; None means the embedded database."""
        return self.migration_database_url or self.database_url

    def masked(self) -> dict[str, str]:
        """Variable → effective value as text, passwords masked."""
        return {variable: value for variable, value, _ in self.as_rows()}

    def as_rows(self) -> list[tuple[str, str, str]]:
        """(variable, effective value with passwords masked, what it means), in the order of the fields."""
        return [
            (spec.metadata["variable"], _shown(spec, getattr(self, spec.name)), spec.metadata["what"])
            for spec in fields(self)
            if spec.metadata
        ]


def mask_url(url: str) -> str:
    """`url` with what may be secret in it masked; what isn't a URL stays.

    Whatever stands before the last @ counts as user and password: a password may hold any character that its
    writer forgot to escape. Parameters are shown where PostgreSQL has them for what is no secret.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        return url
    of_database = scheme.lower() in {"postgresql", "postgres"}
    before, at, after = rest.rpartition("@")
    user, colon, _ = before.partition(":")
    if not _PLAIN_USER.fullmatch(user) or not of_database:
        user = _MASK
    shown_user = f"{user}:{_MASK}@" if colon and user != _MASK else f"{user}@" if at else ""
    # What was behind the @ may begin among the parameters.
    head, *parameters = re.split(r"[?&#;]", after)
    marks = re.findall(r"[?&#;]", after)
    shown = "".join(
        f"{mark}{_shown_parameter(parameter, of_database)}"
        for mark, parameter in zip(marks, parameters, strict=True)
    )
    return f"{scheme}://{shown_user}{head}{shown}"


def _shown_parameter(parameter: str, of_database: bool) -> str:
    name, equals, value = parameter.partition("=")
    if equals and of_database and name in _OPEN_PARAMETERS:
        return f"{name}={value}"
    return f"{name}={_MASK}" if equals else _MASK if parameter else ""


def _shown(spec: Field[Any], value: object) -> str:
    return _MASK if spec.metadata.get("secret") and value is not None else _as_text(value)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):  # a secret
        return _MASK
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return mask_url(str(value))


def _is_closed(data_dir: Path) -> bool:
    """Whether PostgreSQL couldn't reach its data there: it never runs as root, and root's home lets nobody
    else pass. Data that is there already stays there."""
    if os.geteuid() != 0 or (data_dir / "postgres").exists():
        return False
    return any(folder.exists() and not folder.stat().st_mode & stat.S_IXOTH for folder in data_dir.parents)


def _absolute(path: Path, home: Path | None) -> Path:
    if path.parts[:1] == ("~",):
        path = (home or Path.home()).joinpath(*path.parts[1:])
    return path.absolute()


def _address_url(host: str, port: int) -> str:
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - every address: name one that a browser can open
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    known = {spec.metadata["variable"] for spec in fields(Settings) if spec.metadata}
    warnings = []
    for name in sorted(environ):
        # ROCKET_TEST_… belongs to the test suite.
        if not name.startswith(_PREFIX) or name in known or name.startswith("ROCKET_TEST_"):
            continue
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        warnings.append(f"{name} is not a setting and is ignored{hint}")
    return tuple(warnings)
