"""What an operator may set: read from the environment once, checked at once, never changed afterwards."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from rocket_server.config import readers
from rocket_server.config.readers import Network
from rocket_server.config.shown import shown
from rocket_server.errors import ConfigurationError

_PREFIX = "ROCKET_"
_MIB = 1024 * 1024
_DATA_OF_ROOT = Path("/var/lib/rocket")


def _setting(variable: str, default: Any, read: Callable[[str], Any], what: str) -> Any:
    """A field that is read from `variable` by `read`, which raises ValueError(what it takes)."""
    return field(default=default, metadata={"variable": variable, "read": read, "what": what})


def _secret(variable: str, what: str) -> Any:
    """A field whose value is nowhere shown."""
    metadata = {"variable": variable, "read": readers.credential, "what": what, "secret": True}
    return field(default=None, metadata=metadata, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective configuration. Each field names its variable, its default and what it means."""

    database_url: str | None = _setting(
        "ROCKET_DATABASE_URL", None, readers.database_url, "PostgreSQL 15 or newer; unset: the embedded one"
    )
    migration_database_url: str | None = _setting(
        "ROCKET_MIGRATION_DATABASE_URL",
        None,
        readers.database_url,
        "the owner of the tables, where it is another",
    )
    data_dir: Path = _setting(
        "ROCKET_DATA_DIR",
        Path("~/.local/share/rocket"),
        Path,
        "where the embedded database lives; as root, whose home is closed, /var/lib/rocket by default",
    )
    host: str = _setting("ROCKET_HOST", "127.0.0.1", str, "address to listen on")
    port: int = _setting("ROCKET_PORT", 8000, readers.integer(1, 65_535), "TCP port to listen on")
    public_url: str = _setting(
        "ROCKET_PUBLIC_URL",
        "",
        readers.public_url,
        "how others reach this server; unset: http://<host>:<port>",
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "ROCKET_TRUSTED_PROXIES", (), readers.networks, "networks whose X-Forwarded-For is believed"
    )
    rate_limit_key: int = _setting(
        "ROCKET_RATE_LIMIT_KEY",
        600_000,
        readers.integer(0, 10**9),
        "requests per minute and API key; 0: no limit",
    )
    rate_limit_source: int = _setting(
        "ROCKET_RATE_LIMIT_SOURCE",
        0,
        readers.integer(0, 10**9),
        "requests per minute and source; 0: no limit",
    )
    rate_limit_auth_failures: int = _setting(
        "ROCKET_RATE_LIMIT_AUTH_FAILURES",
        60,
        readers.integer(0, 10**9),
        "failed authentications per minute and address; 0: no limit",
    )
    max_clock_skew_s: int = _setting(
        "ROCKET_MAX_CLOCK_SKEW",
        86_400,
        readers.integer(0, 10**9),
        "seconds that an event's time may lie in the future",
    )
    max_body_bytes: int = _setting(
        "ROCKET_MAX_BODY_BYTES", _MIB, readers.integer(1024, 1024 * _MIB), "bytes of a request's body"
    )
    max_batch_bytes: int = _setting(
        "ROCKET_MAX_BATCH_BYTES", 16 * _MIB, readers.integer(1024, 1024 * _MIB), "bytes of a batch's body"
    )
    max_import_bytes: int = _setting(
        "ROCKET_MAX_IMPORT_BYTES",
        2048 * _MIB,
        readers.integer(1024, 1024 * 1024 * _MIB),
        "bytes of a file that is imported, unpacked",
    )
    max_expanded_bytes: int = _setting(
        "ROCKET_MAX_EXPANDED_BYTES",
        16 * _MIB,
        readers.integer(1024, 1024 * _MIB),
        "bytes that a gzip body may unpack to, beside the two limits above",
    )
    max_buffered_bytes: int = _setting(
        "ROCKET_MAX_BUFFERED_BYTES",
        256 * _MIB,
        readers.integer(_MIB, 1024 * 1024 * _MIB),
        "bytes of all bodies that one process holds at once",
    )
    max_connections: int = _setting(
        "ROCKET_MAX_CONNECTIONS",
        10_000,
        readers.integer(1, 1_000_000),
        "connections of one server process, as far as its descriptors reach",
    )
    max_connections_per_address: int = _setting(
        "ROCKET_MAX_CONNECTIONS_PER_ADDRESS",
        1_000,
        readers.integer(0, 1_000_000),
        "of these, from one address that is no trusted proxy; 0: no limit",
    )
    head_timeout_s: float = _setting(
        "ROCKET_HEAD_TIMEOUT", 10.0, readers.seconds, "seconds that a client has for a request's headers"
    )
    body_timeout_s: float = _setting(
        "ROCKET_BODY_TIMEOUT",
        20.0,
        readers.seconds,
        "seconds in which a client has to send 1 KiB a second of a body",
    )
    write_timeout_s: float = _setting(
        "ROCKET_WRITE_TIMEOUT",
        30.0,
        readers.seconds,
        "seconds in which a client has to read 1 KiB a second of an answer",
    )
    keep_alive_timeout_s: float = _setting(
        "ROCKET_KEEP_ALIVE_TIMEOUT", 65.0, readers.seconds, "seconds that an unused connection is kept open"
    )
    pool_size: int = _setting(
        "ROCKET_POOL_SIZE", 10, readers.integer(1, 1000), "database connections of one process, beside ingest"
    )
    ingest_connections: int = _setting(
        "ROCKET_INGEST_CONNECTIONS",
        2,
        readers.integer(1, 64),
        "groups of events in flight for one organisation",
    )
    group_max_events: int = _setting(
        "ROCKET_GROUP_MAX_EVENTS",
        2_000,
        readers.integer(1, 100_000),
        "events that share a transaction at most",
    )
    database_timeout_s: float = _setting(
        "ROCKET_DATABASE_TIMEOUT", 10.0, readers.seconds, "seconds that a request waits for the database"
    )
    simulation_budget_s: float = _setting(
        "ROCKET_SIMULATION_BUDGET", 20.0, readers.seconds, "seconds that a simulation over HTTP may take"
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "ROCKET_LOG_LEVEL",
        "info",
        readers.choice("debug", "info", "warning", "error"),
        "least severe line logged",
    )
    log_format: Literal["json", "console"] = _setting(
        "ROCKET_LOG_FORMAT", "console", readers.choice("json", "console"), "lines for machines or for people"
    )
    moodle_activities: Path | None = _setting(
        "ROCKET_MOODLE_ACTIVITIES", None, Path, "a catalogue of Moodle events in place of the built-in one"
    )
    allow_private_webhooks: bool = _setting(
        "ROCKET_ALLOW_PRIVATE_WEBHOOKS", False, readers.boolean, "1 lets webhooks go to private addresses"
    )
    webhook_allowed_cidrs: tuple[Network, ...] = _setting(
        "ROCKET_WEBHOOK_ALLOWED_CIDRS",
        (),
        readers.networks,
        "private networks that webhooks may go to nonetheless",
    )
    webhook_retry_base_s: float = _setting(
        "ROCKET_WEBHOOK_RETRY_BASE",
        10.0,
        readers.seconds,
        "seconds before the first retry; later waits grow from it",
    )
    breaker_failures: int = _setting(
        "ROCKET_BREAKER_FAILURES",
        5,
        readers.integer(1, 1000),
        "failures in a row that open an endpoint's breaker",
    )
    breaker_open_s: float = _setting(
        "ROCKET_BREAKER_OPEN",
        60.0,
        readers.seconds,
        "seconds that an open breaker waits before it tries again",
    )
    endpoint_warn_after_h: int = _setting(
        "ROCKET_ENDPOINT_WARN_AFTER",
        24,
        readers.integer(1, 10_000),
        "hours of failing after which endpoint.failing is told",
    )
    endpoint_disable_after_h: int = _setting(
        "ROCKET_ENDPOINT_DISABLE_AFTER",
        120,
        readers.integer(1, 10_000),
        "hours of failing after which an endpoint is disabled",
    )
    delivery_retention_days: int = _setting(
        "ROCKET_DELIVERY_RETENTION",
        30,
        readers.integer(1, 10_000),
        "days that deliveries and their attempts are kept",
    )
    request_log_days: int = _setting(
        "ROCKET_REQUEST_LOG_RETENTION",
        30,
        readers.integer(1, 10_000),
        "days that the requests of sources are kept in their logs, of each source 1000 at most",
    )
    worker_concurrency: int = _setting(
        "ROCKET_WORKER_CONCURRENCY", 256, readers.integer(1, 10_000), "deliveries in flight in one worker"
    )
    worker_metrics_port: int = _setting(
        "ROCKET_WORKER_METRICS_PORT",
        0,
        readers.integer(0, 65_535),
        "TCP port on which a delivery worker answers /metrics; 0: none",
    )
    env: Literal["production", "development", "test"] = _setting(
        "ROCKET_ENV",
        "development",
        readers.choice("production", "development", "test"),
        "kind of installation",
    )
    plugin_timeout_s: float = _setting(
        "ROCKET_PLUGIN_TIMEOUT", 10.0, readers.seconds, "seconds that a plugin's hook may take"
    )
    plugin_memory_mib: int = _setting(
        "ROCKET_PLUGIN_MEMORY",
        256,
        readers.integer(16, 1_000_000),
        "MiB that a plugin's process may take beyond what it has after its import",
    )
    plugin_processes: int = _setting(
        "ROCKET_PLUGIN_PROCESSES", 1, readers.integer(1, 64), "processes of one plugin in one worker"
    )
    plugin_environment: tuple[str, ...] = _setting(
        "ROCKET_PLUGIN_ENVIRONMENT",
        (),
        readers.variables,
        "variables that plugins see beside the system's own, joined by commas; a * at the end stands for any",
    )
    analytics_url: str | None = _setting(
        "ROCKET_ANALYTICS_URL", None, readers.service_url, "where the analytics export goes; unset: nowhere"
    )
    analytics_token: str | None = _secret(
        "ROCKET_ANALYTICS_TOKEN", "the analytics project's token or a service account's secret"
    )
    external_service_url: str | None = _setting(
        "EXTERNAL_SERVICE_WEBHOOK_URL", None, readers.service_url, "a service that hears every event"
    )
    external_service_key: str | None = _secret("EXTERNAL_SERVICE_API_KEY", "its bearer token")
    analytics_service_url: str | None = _setting(
        "ANALYTICS_SERVICE_WEBHOOK_URL", None, readers.service_url, "another, for analytics"
    )
    analytics_service_key: str | None = _secret("ANALYTICS_SERVICE_API_KEY", "its bearer token")
    notification_service_url: str | None = _setting(
        "NOTIFICATION_SERVICE_URL", None, readers.service_url, "another, for notifications"
    )
    notification_service_key: str | None = _secret("NOTIFICATION_SERVICE_API_KEY", "its bearer token")
    lms_integration_url: str | None = _setting(
        "LMS_INTEGRATION_URL", None, readers.service_url, "another, at the learning platform"
    )
    lms_integration_key: str | None = _secret("LMS_API_KEY", "its bearer token")
    encryption_key: bytes | None = _setting(
        "ROCKET_ENCRYPTION_KEY",
        None,
        readers.encryption_key,
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
            (spec.metadata["variable"], shown(spec, getattr(self, spec.name)), spec.metadata["what"])
            for spec in fields(self)
            if spec.metadata
        ]


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
