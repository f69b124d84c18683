"""The names of constraints in words: what a violated one means to the caller."""

from __future__ import annotations

import asyncpg

from rocket_server.errors import Conflict, InternalError, RocketError

_MEANINGS = {
    "organisation_name_taken": ("name", "This tenant has an organisation of that name already."),
    "source_name_taken": ("name", "This organisation has a source of that name already."),
    "entry_reversed_once": ("entry_id", "This entry was reversed already."),
}


def domain_error(error: asyncpg.IntegrityConstraintViolationError) -> RocketError:
    """The error that a violated constraint means; a constraint that no request should reach is a defect."""
    meaning = _MEANINGS.get(error.constraint_name or "")
    if meaning is None:
        return InternalError("The database refused this for a reason that the server should have known.")
    field, message = meaning
    return Conflict(message, {"field": field})
