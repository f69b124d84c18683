"""Captured Moodle requests, and a source to read them with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rocket_server import sources
from rocket_server.events.model import Event
from rocket_server.organisations.model import Source
from rocket_server.sources import moodle
from rocket_server.sources.adapter import ReadingContext

CAPTURES = Path(__file__).parents[2] / "fixtures" / "moodle"
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of captured requests."""
    return CAPTURES


@pytest.fixture(scope="session")
def make_source() -> Callable[..., Source]:
    """Makes a Moodle source; the teacher of the captured site is staff beside the administrator."""

    def make(**changes: Any) -> Source:
        values: dict[str, Any] = {
            "organisation_id": "o",
            "source_id": "s",
            "kind": "moodle",
            "name": "moodle",
            "slug": "slug",
            "staff_ids": frozenset({"2", "5"}),
        }
        return Source(**{**values, **changes})

    return make


@pytest.fixture(scope="session")
def read_capture(make_source: Callable[..., Source]) -> Callable[..., Event]:
    """Reads one captured request as the hook would, at the time when it was received."""

    def read(capture: str | dict[str, Any], zone: ZoneInfo = UTC_ZONE, **source: Any) -> Event:
        request = json.loads((CAPTURES / capture).read_text()) if isinstance(capture, str) else capture
        return sources.read(
            request["body"].encode(),
            request["headers"].get("Content-Type"),
            ReadingContext(make_source(**source), zone, datetime.fromtimestamp(request["received_at"], UTC)),
        )

    return read


@pytest.fixture(scope="session")
def read_fields(make_source: Callable[..., Source]) -> Callable[..., Event]:
    """Reads fields that a test wrote, laid over a page view by learner 3."""

    def read(fields: dict[str, Any], zone: ZoneInfo = UTC_ZONE, **source: Any) -> Event:
        page_view = {
            "id": "18",
            "eventname": "\\mod_page\\event\\course_module_viewed",
            "objectid": "1",
            "userid": "3",
            "courseid": "2",
            "timecreated": "1795218748",
        }
        return moodle.read(
            {**page_view, **fields},
            ReadingContext(make_source(**source), zone, datetime.fromtimestamp(1795218750, UTC)),
        )

    return read
