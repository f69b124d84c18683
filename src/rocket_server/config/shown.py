"""Settings as an operator may see them: what is secret, or may be, is masked."""

from __future__ import annotations

import re
from dataclasses import Field
from typing import Any

_MASK = "***"
_PLAIN_USER = re.compile(r"[\w.%~+-]*")
_OPEN_PARAMETERS = frozenset(
    re.findall(
        r"\w+",
        "host port user dbname database role timezone application_name connect_timeout target_session_attrs"
        " sslmode sslrootcert sslcert sslkey sslcrl passfile",
    )
)


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


def shown(spec: Field[Any], value: object) -> str:
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
