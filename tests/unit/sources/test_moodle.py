"""The Moodle adapter's decisions, one by one: values, learners, completion, the flat form, times."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rocket_server.errors import InvalidPayload
from rocket_server.sources import moodle
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.moodle_fields import decode

COURSE_COMPLETED = {"eventname": "\\core\\event\\course_completed", "objectid": "1"}
COMPLETION = {"eventname": "\\core\\event\\course_module_completion_updated", "relateduserid": "3"}


def code(event):
    return (event.ignored or "").partition(":")[0]


def test_values_are_decoded_where_the_event_name_is_encoded():
    """Blank, plus and letters beyond ASCII come back where eventname starts with %5C."""
    fields = decode({"eventname": "%5Ccore%5Cevent%5Cx", "a": "Mar%C3%ADa+L%2BM", "b": "100%25"})
    assert fields["eventname"] == "\\core\\event\\x"
    assert (fields["a"], fields["b"]) == ("María L+M", "100%")


def test_values_are_left_alone_where_the_event_name_is_plain():
    """A plus or a percent sign stays where eventname starts with a backslash."""
    fields = decode({"eventname": "\\core\\event\\x", "a": "1+1 = %41"})
    assert fields["a"] == "1+1 = %41"


def test_absent_values_are_left_out():
    """Empty text, null, false and placeholders that were never filled are no values."""
    fields = decode(
        {"eventname": "x", "a": "", "b": None, "c": False, "other": "{other}", "d": "{other_x-1}", "e": "{ }"}
    )
    assert {name for name in fields if len(name) == 1} == {"e"}
    assert "other" not in fields


def test_encoded_braces_are_a_value():
    """What a learner wrote in braces isn't mistaken for an unfilled placeholder: it came encoded."""
    assert decode({"eventname": "%5Cx", "a": "%7Bother%7D"})["a"] == "{other}"


def test_numbers_become_text():
    """A template without quotes sends numbers; ids are text all the same."""
    fields = decode({"eventname": "x", "id": 723, "big": 2**70, "ratio": 0.5, "yes": True})
    assert (fields["id"], fields["ratio"], fields["yes"]) == ("723", "0.5", "1")
    assert fields["big"] == str(2**70)


@pytest.mark.parametrize("field", ["eventname", "id", "userid", "objectid"])
def test_numbers_beyond_reason_are_refused(field):
    """A number with more digits than Python spells out is refused by the field's name."""
    with pytest.raises(InvalidPayload) as caught:
        decode({"eventname": "x", field: 10**5000})
    assert caught.value.details["field"] == field


def test_other_as_an_object_is_taken_apart():
    """A sender that leaves `other` whole means the same as one that sends its parts."""
    assert decode({"eventname": "x", "other": {"quizid": 4}})["other_quizid"] == "4"


@pytest.mark.parametrize("field", ["eventname", "id", "timecreated", "userid"])
@pytest.mark.parametrize("value", ["", None, "{x}"])
def test_required_field_is_named(field, value, read_fields):
    """Without one of the fields that it needs, the event is refused, and the field is named."""
    with pytest.raises(InvalidPayload) as caught:
        read_fields({field: value})
    assert caught.value.details["field"] == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "abc"),
        ("id", "-1"),
        ("id", "9" * 30),
        ("userid", "maria"),
        ("userid", "3.0"),
        ("timecreated", "yesterday"),
        ("timecreated", "-5"),
        ("eventname", "x" * 256),
        ("timecreated", "946684799"),
        ("timecreated", "1795218748000"),
        ("timecreated", "1795305151"),
        ("timecreated", "9" * 18),
        ("timecreated", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_unreadable_field_is_named(field, value, read_fields):
    """A field of the wrong kind, or a time before 2000 or more than a day ahead, is refused by name."""
    with pytest.raises(InvalidPayload) as caught:
        read_fields({field: value})
    assert caught.value.details["field"] == field
    assert caught.value.status == 400


@pytest.mark.parametrize("timecreated", ["946684800", "1795305150", "1795218748"])
def test_times_at_the_bounds_are_taken(timecreated, read_fields):
    """The first second of 2000 and one day ahead of the receipt are still believed."""
    assert read_fields({"timecreated": timecreated}).occurred_at.timestamp() == int(timecreated)


def test_time_without_a_zone_is_local(read_fields):
    """ISO without a zone means the organisation's; everything is kept in UTC."""
    event = read_fields({"timecreated": "2026-07-01T12:00:00"}, ZoneInfo("Europe/Paris"))
    assert event.occurred_at == datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "learner", "reason"),
    [
        ({}, "moodle:3", ""),
        ({"userid": "0"}, None, "nobody"),
        ({"userid": "-1"}, None, "nobody"),
        ({"userid": "1"}, None, "guest"),
        ({"userid": "2"}, None, "staff"),
        ({"userid": "05"}, None, "staff"),
        ({"realuserid": "2"}, None, "logged_in_as"),
        ({"realuserid": "3"}, "moodle:3", ""),
        ({"relateduserid": "4"}, "moodle:3", ""),
        ({**COURSE_COMPLETED, "userid": "2", "relateduserid": "4"}, "moodle:4", ""),
        ({**COURSE_COMPLETED, "userid": "", "relateduserid": "4"}, "moodle:4", ""),
        ({**COURSE_COMPLETED, "userid": "2", "other_relateduserid": "4"}, "moodle:4", ""),
        ({**COURSE_COMPLETED, "userid": "3", "relateduserid": "5"}, None, "staff"),
        ({**COURSE_COMPLETED, "userid": "3", "relateduserid": "0"}, None, "nobody"),
        ({**COURSE_COMPLETED, "userid": "5", "relateduserid": "3", "realuserid": "2"}, "moodle:3", ""),
        ({**COURSE_COMPLETED, "userid": "3", "relateduserid": "3", "realuserid": "2"}, None, "logged_in_as"),
        ({"eventname": "\\mod_x\\event\\y"}, None, "unknown_event"),
    ],
)
def test_learner_is_a_matter_of_the_event_type(fields, learner, reason, read_fields):
    """The catalogue says which field names the learner; staff, guests, nobody and log-in-as never count."""
    event = read_fields(fields)
    assert event.user_id == learner
    assert code(event) == reason


def test_missing_relateduserid_is_advised(read_fields):
    """Where userid had to stand in for relateduserid, a note or the reason says what to add."""
    taken = read_fields(COURSE_COMPLETED)
    assert taken.user_id == "moodle:3"
    assert '"relateduserid": "{relateduserid}"' in taken.notes[0]
    refused = read_fields({**COURSE_COMPLETED, "userid": "5"})
    assert '"relateduserid": "{relateduserid}"' in refused.ignored


@pytest.mark.parametrize(
    ("state", "event", "completion"),
    [
        ("1", "lesson.completed", "completed"),
        ("2", "lesson.completed", "completed"),
        ("0", "lesson.reopened", "reopened"),
        ("3", "lesson.failed", None),
        ("", "lesson.completed", None),
    ],
)
def test_completion_means_what_its_state_says(state, event, completion, read_fields):
    """Complete, passed, withdrawn, failed and unknown completions are told apart."""
    read = read_fields({**COMPLETION, "id": "147", "other_completionstate": state})
    assert (read.event, read.completion, read.sequence) == (event, completion, 147)
    assert bool(read.notes) is (state == "")


def test_flat_form(read_capture):
    """A rich quiz attempt has the properties and metadata that rules and administrators know."""
    event = read_capture("mod_quiz.attempt_submitted.rich-template.json")
    expected = {
        "course_id": "2",
        "module": "quiz",
        "lesson_id": "10",
        "object_id": "1",
        "attempt_id": "1",
        "quiz_id": "10",
        "quizid": "1",
        "submitterid": "3",
        "actor_id": "3",
        "related_user_id": "3",
        "by_self": True,
        "course_title": "Food Safety Foundations",
        "course_shortname": "FOOD101",
        "course_idnumber": "C-FOOD-101",
        "category_id": "1",
    }
    assert event.properties == expected
    assert event.metadata["lms_event_id"] == "75"
    assert event.metadata["lms_eventname"] == "\\mod_quiz\\event\\attempt_submitted"
    assert event.site == event.metadata["wwwroot"] == "http://moodle.example.test"


def test_personal_data_has_one_place(read_capture):
    """Names, addresses and user names are under metadata.personal and nowhere in the properties."""
    event = read_capture("user_loggedin.rich-template.json")
    personal = event.metadata["personal"]
    assert personal["learner_email"] == "maria.lopez@example.test"
    assert personal["other_username"] == "maria.lopez"
    assert personal["ip"] == "127.0.0.1"
    rest = str(event.properties) + str({k: v for k, v in event.metadata.items() if k != "personal"})
    for secret in ("maria", "María", "EMP-1001", "Kitchen", "127.0.0.1"):
        assert secret not in rest


def test_module_without_its_number_is_component_and_object(read_fields):
    """Under the guide's template a module is its type and instance, which no other type can share."""
    event = read_fields({})
    assert event.properties["lesson_id"] == "mod_page:1"
    assert event.properties["module"] == "page"


@pytest.mark.parametrize("courseid", ["0", "1"])
def test_site_itself_is_no_course(courseid, read_fields):
    """Events outside of a course, or on the front page, have no course_id."""
    assert "course_id" not in read_fields({"courseid": courseid}).properties


def test_badges_and_quantities(read_capture, read_fields):
    """A badge has badge_id; grades are numbers, while ids remain text."""
    assert read_capture("scenario.badge.by-teacher.rich-template.json").properties["badge_id"] == "1"
    graded = read_capture("scenario.graded.by-teacher.rich-template.json").properties
    assert (graded["finalgrade"], graded["itemid"]) == (85.5, "2")
    assert read_fields({"score": "high"}).properties["score"] == "high"


def test_address_is_the_learners_own(read_fields):
    """Of several look-ups, the one whose id is the learner's gives the address; prefixes are free."""
    encoded = {
        "eventname": "%5Ccore%5Cevent%5Ccourse_completed",
        "userid": "5",
        "relateduserid": "3",
        "actor_id": "5",
        "actor_email": "t.green%40example.test",
        "whoid": "3",
        "whoemail": "Maria.Lopez%40example.test",
        "email": "wrong%40example.test",
    }
    event = read_fields(encoded)
    assert event.email == "maria.lopez@example.test"
    assert set(event.metadata["personal"]) == {"actor_id", "actor_email", "whoid", "whoemail", "email"}
    assert read_fields({**encoded, "whoid": "4"}).email is None
    assert read_fields({**encoded, "whoemail": "maria lopez%40example.test"}).email is None
    assert read_fields({**encoded, "eventname": "\\core\\event\\course_completed"}).email is None


def test_constants_of_a_template_are_kept(read_fields):
    """What an administrator adds to the template is a property that rules can test."""
    assert read_fields({"campus": "north"}).properties["campus"] == "north"


@pytest.mark.parametrize(
    ("eventname", "event"),
    [
        ("\\mod_h5pactivity\\event\\report_viewed", "moodle.hpactivity_report_viewed"),
        ("\\core\\event\\note_created", "moodle.core_note_created"),
        ("\\local_9\\event\\_", "moodle.local"),
        ("123", "moodle.unknown"),
    ],
)
def test_unknown_event_is_kept_with_a_valid_name(eventname, event, read_fields):
    """An event that nothing maps is stored as ignored, under a name of its own domain."""
    read = read_fields({"eventname": eventname})
    assert read.event == event
    assert read.ignored.startswith("unknown_event: ")


def test_key_tells_events_apart_and_resends_together(read_fields):
    """Event type, id and time make the key; other fields and their encoding don't."""
    key = read_fields({}).dedupe_key
    same = {"eventname": "%5Cmod_page%5Cevent%5Ccourse_module_viewed", "origin": "cli"}
    assert read_fields(same).dedupe_key == key
    for other in ({"id": "19"}, {"timecreated": "1795218749"}, {"eventname": "\\mod_url\\event\\x"}):
        assert read_fields(other).dedupe_key != key
    assert read_fields({}, name="second").dedupe_key != key


def test_read_again_is_the_same_event(read_capture, make_source):
    """Stored fields give the same event again: nothing is decoded twice, no address is lost."""
    first = read_capture("scenario.special-characters.rich-template.json")
    again = moodle.reread(
        first.received,
        ReadingContext(make_source(), ZoneInfo("UTC"), datetime.fromtimestamp(1795218822, UTC)),
    )
    assert again == first
    assert again.email == "sean.obrien+work@example.test"


def test_second_copy_adds_what_the_first_lacked(read_capture, make_source):
    """The guide's template and the rich one make one event with the learner whom only one of them names."""
    poor = read_capture("scenario.course_completed.by-a-teacher.seed-encoded.json")
    rich = read_capture("scenario.course_completed.by-a-teacher.rich-template.json")
    assert poor.dedupe_key == rich.dedupe_key
    for merged in (moodle.merge(poor.received, rich.received), moodle.merge(rich.received, poor.received)):
        event = moodle.reread(
            merged, ReadingContext(make_source(), ZoneInfo("UTC"), datetime(2026, 11, 21, tzinfo=UTC))
        )
        assert (event.user_id, event.ignored, event.email) == (
            "moodle:4",
            None,
            "sean.obrien+work@example.test",
        )


def test_merging_repairs_damage_and_trusts_no_damaged_address(read_capture):
    """URL-encoded values win over plain ones; an address that only the plain copy has stays untrusted."""
    plain = read_capture("scenario.special-characters.rich-encoded.json").received
    encoded = read_capture("scenario.special-characters.rich-template.json").received
    for merged in (moodle.merge(plain, encoded), moodle.merge(encoded, plain)):
        assert merged["learner_email"] == "sean.obrien+work@example.test"
        assert merged["_values"] == "url-encoded"
    without = {name: value for name, value in encoded.items() if name != "learner_email"}
    for merged in (moodle.merge(plain, without), moodle.merge(without, plain)):
        assert merged["_values"] == "plain"


def test_sender_cannot_claim_trust(read_fields):
    """A body that brings the marker of stored fields along isn't believed."""
    event = read_fields({"_values": "url-encoded", "who_id": "3", "who_email": "a@example.test"})
    assert event.email is None
    assert event.received["_values"] == "plain"
