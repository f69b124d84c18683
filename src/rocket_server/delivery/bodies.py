"""Turns what happened into the bytes that are sent, in the format that the endpoint asked for. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from rocket_server.delivery.model import Fact, Format
from rocket_server.times import rfc3339

_encoder = msgspec.json.Encoder()


def render(fact: Fact, form: Format) -> bytes:
    """The body of a delivery. It is the same in every try, for it depends on nothing but the fact."""
    return _encoder.encode(_assessment(fact) if form == "assessment" else _rocket(fact))


def _rocket(fact: Fact) -> dict[str, Any]:
    return {
        "id": fact.event_id,
        "event": fact.event,
        "user_id": fact.user_id,
        "timestamp": rfc3339(fact.timestamp),
        "properties": fact.properties,
        "points_awarded": fact.points_awarded,
    }


def _assessment(fact: Fact) -> dict[str, Any]:
    data = dict(fact.properties)
    if fact.points_awarded is not None:
        data["points_awarded"] = fact.points_awarded
    return {
        "name": fact.event,
        "context": {
            "tenantId": fact.tenant_id,
            "organisationId": fact.organisation_id,
            "userId": fact.user_id,
        },
        "data": data,
        "timestamp": rfc3339(fact.timestamp, "milliseconds"),
        "id": fact.event_id,
    }
