"""The bundled recording and how it is moved to another day."""

from __future__ import annotations

import importlib.util
import json
from datetime import UTC, date, datetime
from pathlib import Path

from rocket_server.demo.recording import RECORDING, load, moved_to

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_demo.py"


def times(messages):
    return [int(json.loads(message.body)["timecreated"]) for message in messages]


def test_the_recording_is_what_the_script_makes_of_the_fixtures():
    """The bundled file is current, holds no credential, and making it again gives the same bytes."""
    spec = importlib.util.spec_from_file_location("make_demo", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    content = module.recording(module.STREAM.read_text(encoding="utf-8"))
    assert RECORDING.read_bytes() == content
    assert len(load()) == 685
    assert not any("Bearer" in message.body for message in load())


def test_moved_times_begin_with_the_day_and_keep_their_distances():
    """The first event happens at midnight UTC, every other as much later as it was recorded."""
    recorded, moved = load(), moved_to(date(2026, 2, 3), load())
    assert min(times(moved)) == datetime(2026, 2, 3, tzinfo=UTC).timestamp()
    shifts = {after - before for before, after in zip(times(recorded), times(moved), strict=True)}
    assert len(shifts) == 1
    assert max(times(moved)) - min(times(moved)) < 3600


def test_only_the_time_is_changed():
    """Everything else in the bodies stays as Moodle sent it, ids included."""
    for before, after in zip(load(), moved_to(date(2026, 2, 3), load()), strict=True):
        expected, got = json.loads(before.body), json.loads(after.body)
        assert got | {"timecreated": expected["timecreated"]} == expected
        assert after.content_type == before.content_type == "application/json"


def test_a_day_is_the_same_each_time():
    """Two runs on one day send the same bytes."""
    assert moved_to(date(2026, 2, 3), load()) == moved_to(date(2026, 2, 3), load())
