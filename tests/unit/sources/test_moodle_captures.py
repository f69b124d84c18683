"""What a real Moodle sent, read by the adapter and compared with what was worked out by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rocket_server.catalogue import load
from rocket_server.errors import InvalidPayload

CAPTURES = Path(__file__).parents[2] / "fixtures" / "moodle"
EXPECTATIONS = json.loads((CAPTURES / "expectations.json").read_text())
UNREADABLE = {"scenario.unquoted-numbers.1.seed-template.json", "scenario.redirect-302.2.form.json"}
REQUESTS = sorted(
    str(path.relative_to(CAPTURES))
    for path in [*CAPTURES.glob("*.*.json"), *CAPTURES.glob("moodle-4.5/*.json")]
    if "method" in json.loads(path.read_text())
)


def expected_rows() -> list[tuple[dict[str, Any], list[str]]]:
    staff = EXPECTATIONS["staff_ids"]
    rows = [(row, staff) for row in EXPECTATIONS["alone"]]
    for sequence in EXPECTATIONS["sequences"]:
        rows += [(row, sequence.get("staff_ids", staff)) for row in sequence["expected"]]
    return rows


def test_all_captures_are_here():
    """The folder holds 111 event types in four variants, the scenarios and Moodle 4.5: none got lost."""
    types = {name.rsplit(".", 2)[0] for name in REQUESTS if not name.startswith(("scenario", "moodle-4.5"))}
    assert len(types) == 111
    assert len(REQUESTS) == 650


@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in UNREADABLE])
def test_every_capture_is_read(name, read_capture):
    """Every captured body becomes an event with a valid name, and a learner or a reason."""
    event = read_capture(name)
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", event.event)
    assert (event.user_id is None) == (event.ignored is not None)
    assert event.source_event_id == str(event.sequence)
    assert event.metadata["lms_eventname"].startswith("\\")
    if event.metadata["lms_eventname"] not in load():
        assert event.ignored.startswith("unknown_event: ")


@pytest.mark.parametrize(
    ("row", "staff"), expected_rows(), ids=lambda value: value["file"] if isinstance(value, dict) else ""
)
def test_capture_is_what_was_worked_out_by_hand(row, staff, read_capture):
    """Canonical event, learner and reason are those of the table made by hand."""
    event = read_capture(row["file"], staff_ids=frozenset(staff))
    assert event.user_id == row["learner"]
    if row["event"] is not None:
        assert event.event == row["event"]
    assert (event.ignored or "").partition(":")[0] == (row["reason"] or "")
    if "module" in row:
        assert event.properties["module"] == row["module"]


def test_points_of_the_hand_made_table_agree_with_the_catalogue():
    """A first award in the table is worth what the catalogue says of a default rule; all else is nothing."""
    points = {a.event: a.points for a in load().values() if a.default}
    for row in EXPECTATIONS["alone"]:
        counts = row["status"] == "processed" and row["event"] in points
        assert row["points"] == (points[row["event"]] if counts else 0), row["file"]
    assert len(EXPECTATIONS["alone"]) >= 40


@pytest.mark.parametrize("stream", ["stream.rich-template.jsonl", "stream.seed-template.jsonl"])
def test_no_teacher_or_administrator_becomes_a_learner(stream, captures, read_capture):
    """In both whole streams, everyone who is named as the learner is one by site.json, or was made later."""
    users = json.loads((captures / "site.json").read_text())["users"]
    staff = {f"moodle:{user_id}" for user_id, user in users.items() if user["role"] != "learner"}
    named = {read_capture(json.loads(line)).user_id for line in (captures / stream).open()}
    assert not named & staff
    assert {"moodle:3", "moodle:4", "moodle:7"} <= named
    assert named - {None} <= {"moodle:3", "moodle:4", "moodle:7", "moodle:6"}


@pytest.mark.parametrize("name", [name for name in REQUESTS if ".rich-template." in name])
def test_variants_of_one_event_agree(name, captures, read_capture):
    """The two rich variants mean the same; they differ in look-ups alone, which one of them damages."""
    other = name.replace("rich-template", "rich-encoded")
    if not (captures / other).exists():
        pytest.fail(f"{other} is missing")
    one, two = read_capture(name), read_capture(other)
    assert (one.event, one.user_id, one.occurred_at, one.completion) == (
        two.event,
        two.user_id,
        two.occurred_at,
        two.completion,
    )
    assert one.dedupe_key == two.dedupe_key
    assert two.email is None
    for field in ("course_id", "module", "lesson_id", "object_id", "attempt_id", "quiz_id", "badge_id"):
        assert one.properties.get(field) == two.properties.get(field)


def test_unquoted_template_is_explained(read_capture):
    """The captured invalid JSON is refused with the field, the place and what to do in the template."""
    with pytest.raises(InvalidPayload) as caught:
        read_capture("scenario.unquoted-numbers.1.seed-template.json")
    assert '"relateduserid" has no value' in caught.value.message
    assert "line 1, column 117" in caught.value.message
    assert "Put quotes around each placeholder in the Event Trigger template" in caught.value.message
    assert caught.value.details["field"] == "relateduserid"


def test_special_characters_come_back_whole(read_capture):
    """Ampersand, plus, percent and letters beyond ASCII survive where values came URL-encoded."""
    event = read_capture("scenario.special-characters.rich-template.json")
    assert event.email == "sean.obrien+work@example.test"
    assert event.properties["course_title"] == 'R&D "Lab" Induction: 100% café + more'
    assert event.metadata["personal"]["learner_fullname"] == "Seán O'Brien"


def test_damaged_addresses_identify_nobody(read_capture):
    """The encoded variant damages look-ups, so its address is kept for reading but links no one."""
    event = read_capture("scenario.special-characters.rich-encoded.json")
    assert event.user_id == "moodle:4"
    assert event.email is None


def test_learner_fields_agree_with_the_event_classes(captures):
    """Each activity's learner is the field that the event's class names, for all that are catalogued.

    Whoever deletes what somebody else made sets relateduserid when the event is made, not in its class.
    """
    classes = json.loads((captures / "events.json").read_text())["events"]
    for activity in load().values():
        named = activity.learner.removeprefix("relateduserid_or_")
        if activity.withdraws is None:
            assert named == classes[activity.eventname]["learner"], activity.eventname
        assert list(activity.other) == classes[activity.eventname]["other_fields"], activity.eventname
        assert list(activity.versions) == classes[activity.eventname]["in"], activity.eventname
