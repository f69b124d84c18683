"""What answers of several rooms have in common, as the API's document says it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from rocket_server.rules.evaluate import Outcome


class Decision(BaseModel):
    """What one rule said about an event; `detail` has the numbers behind it."""

    rule_id: str
    rule_version: int
    outcome: Outcome
    points: int
    detail: dict[str, Any]


class FieldFault(BaseModel):
    """A field at fault."""

    path: str
    message: str


class Validity(BaseModel):
    """Whether an event could be stored, and what is wrong with it."""

    valid: bool
    errors: list[FieldFault]
