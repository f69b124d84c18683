"""Targets and bodies of deliveries, as the worker makes them."""

from __future__ import annotations

from typing import Any

from rocket_server.delivery.model import Target

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEWER_SECRET = "whsec_" + "QUJD" * 10
DELIVERY_ID = "0199f3a2-7c41-8d2e-9b1f-3f6a0c5d8e71"


def target(url: str, **changed: Any) -> Target:
    """An endpoint with one secret and a time-out that no test of this machine's own speed meets."""
    values = {
        "organisation_id": "0199f3a2-0000-7000-8000-000000000001",
        "endpoint_id": "0199f3a2-0000-7000-8000-000000000002",
        "kind": "webhook",
        "url": url,
        "plugin_id": None,
        "format": "rocket",
        "headers": {},
        "timeout_ms": 20_000,
        "max_attempts": 4,
        "secrets": (SECRET,),
    }
    return Target(**(values | changed))
