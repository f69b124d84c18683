"""What acts are given, checked before anything is read or written."""

from __future__ import annotations

from typing import Any

from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import Conflict, InvalidPayload, NotFound
from rocket_server.learners import store as learners
from rocket_server.learners.store import Learner, Wanted
from rocket_server.sources import checks
from rocket_server.sources.checks import Fault


def identity(value: str, path: str) -> str:
    """An identity that is named at `path`, in the form in which it is kept. Raises InvalidPayload."""
    try:
        return checks.user_id(value)
    except Fault as fault:
        raise InvalidPayload.field(path, str(fault)) from fault


def storable(value: Any, path: str) -> None:
    """Raise InvalidPayload where the database can't hold `value`."""
    faults = checks.faults_in(value, path)
    if faults:
        raise InvalidPayload.from_fields(faults)


def metadata(given: dict[str, Any] | None) -> None:
    """Raise InvalidPayload where metadata can't be kept with an entry or an award."""
    faults = checks.metadata_faults(given)
    if faults:
        raise InvalidPayload.from_fields(faults)


async def known_or_new(conn: Any, configuration: Configuration, user_id: str) -> Learner:
    """The active learner of an identity, made where that is allowed. Raises NotFound or Conflict."""
    create = configuration.organisation.settings.unknown_learner != "refuse"
    found = await learners.resolve(conn, configuration.organisation_id, [Wanted(user_id, create=create)])
    if user_id not in found:
        raise NotFound("There is no such learner.", {"field": "user_id"})
    if found[user_id].status != "active":
        raise Conflict(f"This learner is {found[user_id].status}.", {"field": "user_id"})
    return found[user_id]
