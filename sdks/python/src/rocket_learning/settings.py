"""Everything that a client is made with, checked once."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from rocket_learning.errors import ConfigurationError
from rocket_learning.events import Clock, NewId, random_id, utc_now
from rocket_learning.retry import RetryPolicy
from rocket_learning.watching import Hook

Environment = Literal["production", "staging"]

ENVIRONMENTS: Mapping[str, str] = {
    "production": "https://api.rocketlearningrewards.com",
    "staging": "https://api.staging.rocketlearningrewards.com",
}
TIMEOUT_S = 30.0

_is_key = re.compile(r"[\x21-\x7e]+").fullmatch

try:
    __version__ = version("rocket-learning-sdk")
except PackageNotFoundError:  # from a source tree that wasn't installed
    __version__ = "0"

_RUNS_ON = f"Python {platform.python_version()}; httpx {httpx.__version__}"
USER_AGENT = f"rocket-learning-sdk-python/{__version__} ({_RUNS_ON})"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When the circuit opens: so many failed tries in a row, and for how many seconds."""

    threshold: int = 5
    reset_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the sync and the async client share. The key isn't shown."""

    api_key: str = field(repr=False)
    base_url: str
    timeout_s: float
    retry: RetryPolicy
    breaker: BreakerPolicy
    validate_events: bool = True
    hook: Hook | None = None
    clock: Clock = utc_now
    new_id: NewId = random_id

    @property
    def headers(self) -> dict[str, str]:
        """What every request has."""
        return {
            "Authorization": f"Bearer {self.api_key}",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }


def settings_of(
    *,
    api_key: str | None,
    environment: str,
    base_url: str | None,
    environ: Mapping[str, str] = os.environ,
    **others: Any,
) -> Settings:
    """Settings with the key and the address from the arguments, else from the environment's variables."""
    key = api_key or environ.get("ROCKET_API_KEY", "")
    if not _is_key(key):
        raise ConfigurationError(
            "api_key must be printable ASCII without blanks" if key else "give api_key or set ROCKET_API_KEY"
        )
    if others.get("timeout_s", TIMEOUT_S) <= 0:
        raise ConfigurationError("timeout_s must be more than 0")
    return Settings(key, resolve_base_url(base_url, environment, environ.get("ROCKET_BASE_URL")), **others)


def resolve_base_url(argument: str | None, environment: str | None, variable: str | None) -> str:
    """The server's address without a slash at the end. Raises ConfigurationError where it can't be one."""
    name = environment or "production"
    if name not in ENVIRONMENTS:
        raise ConfigurationError(f"environment {name!r} is none of {', '.join(ENVIRONMENTS)}")
    url = (argument or "").strip() or (variable or "").strip() or ENVIRONMENTS[name]
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        fits = False
    if not fits or any(character in url for character in "?#@") or any(map(str.isspace, url)):
        raise ConfigurationError(
            "base_url must be http:// or https:// and a host, perhaps with a path, and nothing else"
        )
    return url.rstrip("/")
