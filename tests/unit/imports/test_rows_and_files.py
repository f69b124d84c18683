"""Files of history: how they are written, what their rows become, and what is wrong with them, by name."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rocket_server.errors import InvalidPayload, PayloadTooLarge
from rocket_server.imports import form, rows
from rocket_server.imports.reading import Place, records
from rocket_server.imports.rows import Order, Rows
from rocket_server.imports.troubles import MAX_FIRST, Tally, Trouble
from rocket_server.imports.unpack import Unpacked
from rocket_server.imports.zeros import lost

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HEADER = "event,user_id,timestamp,course_id,progress_pct,event_id,note"
GOOD = "course.completed,anna,1692614400,c1,100,e1,x"


def unpacked(*parts: bytes, max_bytes: int = 10**6) -> tuple[bytes, str]:
    """What is kept of a file that comes in some parts, and what it is."""
    unpacking = Unpacked(max_bytes)
    kept = b"".join(piece for part in parts for piece in unpacking.feed(part))
    return kept + b"".join(unpacking.end()), unpacking.encoding


def read(*lines: str, order: Order | None = None, header: str = HEADER) -> list[rows.Row]:
    """What the lines of a file become."""
    content = "\n".join((header, *lines)).encode()
    found = form.detect(content, True, "utf-8", rows.ALIASES, rows.REQUIRED)
    reader = Rows(found, order or Order(), ZoneInfo("Europe/Paris"), NOW, 86_400, {"import_id": "i"})
    width, begins = found.width, found.begins
    made, _ = records(
        content[begins.offset :],
        begins,
        codec=found.codec,
        delimiter=found.delimiter,
        width=width,
        is_last=True,
        most=1000,
    )
    return [reader.read(record) for record in made]


def names(row: rows.Row) -> list[str]:
    """The troubles of a row, by name."""
    return [trouble.name for trouble in row.troubles]


@pytest.mark.parametrize(
    ("content", "kept", "encoding"),
    [
        ("é,x", "é,x", "utf-8"),
        ("é,x".encode("utf-8-sig"), "é,x", "utf-8 with a mark"),
        ("é,x".encode("utf-16"), "é,x", "utf-16"),
        ("\ufeffé,x".encode("utf-16-be"), "é,x", "utf-16"),
        (b"\xe9,x", b"\xe9,x", "windows-1252"),
        (gzip.compress("é,x".encode()), "é,x", "utf-8"),
        (gzip.compress(b"a,") + gzip.compress(b"b"), "a,b", "utf-8"),
        (gzip.compress("é,x".encode("utf-16")), "é,x", "utf-16"),
        (b"a", "a", "utf-8"),
        (b"", "", "utf-8"),
    ],
    ids=str.split("plain mark utf-16-le utf-16-be windows packed members packed-utf-16 one none"),
)
def test_a_file_is_unpacked_and_its_encoding_found(content, kept, encoding):
    """Whole or byte by byte, with any mark, packed or not, the same bytes are kept."""
    content = content.encode() if isinstance(content, str) else content
    kept = kept.encode() if isinstance(kept, str) else kept
    assert unpacked(content) == (kept, encoding)
    assert unpacked(*(content[i : i + 1] for i in range(len(content))))[0] == kept


def test_what_unpacks_to_too_much_is_refused_before_it_is_there():
    """A small file that holds a large one is refused at the bound."""
    with pytest.raises(PayloadTooLarge):
        unpacked(gzip.compress(bytes(10**7)))
    with pytest.raises(PayloadTooLarge):
        unpacked(b"x" * 11, max_bytes=10)


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"a,b")[:-3], b"\x1f\x8bnothing", "\ufeffa".encode("utf-16-le")[:-1]],
    ids=["cut", "no-gzip", "half"],
)
def test_what_is_damaged_is_refused(content):
    """Gzip or UTF-16 that isn't whole."""
    with pytest.raises(InvalidPayload):
        unpacked(content)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_columns_stand_in_any_order_under_any_separator(delimiter):
    """The first line says which are which, older names included; others become properties."""
    header = delimiter.join(("score", "Time", "distinct_id", "event"))
    (row,) = read(delimiter.join(("7", "2023-08-21T10:40:00Z", "anna", "quiz.completed")), header=header)
    assert row.event is not None
    assert (row.event.user_id, row.event.properties) == ("anna", {"score": "7"})
    assert row.event.occurred_at == datetime(2023, 8, 21, 10, 40, tzinfo=UTC)
    assert row.event.source == "csv_import"


@pytest.mark.parametrize(
    ("head", "field"),
    [
        (b"", "file"),
        (b"event,user_id\n", "timestamp"),
        (b"event,user_id,timestamp,event\n", "event"),
        (b"event,user_id,timestamp," + b",".join(b"c%d" % n for n in range(200)), "file"),
        (b"event,user_id,timestamp,a\x07b\n", "file"),
    ],
)
def test_columns_that_cannot_be_worked_with_are_refused(head, field):
    """Missing, twice, too many, or with a name that nobody can write."""
    with pytest.raises(InvalidPayload) as refused:
        form.detect(head, True, "utf-8", rows.ALIASES, rows.REQUIRED)
    assert refused.value.details["field"] == field


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("course.completed,anna,1692614400,c1", "missing_column"),
        (f"{GOOD},more", "too_many_columns"),
        (GOOD.replace("anna", ""), "missing_value"),
        (GOOD.replace("course.completed", "Course Completed"), "bad_event"),
        (GOOD.replace("anna", " anna"), "bad_user_id"),
        (GOOD.replace("anna", "undefined"), "bad_user_id"),
        (GOOD.replace("anna", '"an\nna"'), "line_break_in_field"),
        (GOOD.replace("anna", "1.23E+05"), "spreadsheet_number"),
        (GOOD.replace("e1", '"1,23E+11"'), "spreadsheet_number"),
        (GOOD.replace("1692614400", "yesterday"), "bad_time"),
        (GOOD.replace("1692614400", "2023-02-30T10:00:00Z"), "bad_time"),
        (GOOD.replace("1692614400", "1692614400000"), "time_in_milliseconds"),
        (GOOD.replace("1692614400", "1"), "time_out_of_range"),
        (GOOD.replace("1692614400", "2036-01-01T00:00:00Z"), "time_out_of_range"),
        (GOOD.replace("100", "110"), "bad_progress"),
        (GOOD.replace("100", "most"), "bad_progress"),
        (GOOD.replace("e1", "undefined"), "bad_event_id"),
        (GOOD.replace(",x", ',"x'), "bad_quotes"),
        (GOOD.replace(",x", ',"x"y'), "bad_quotes"),
    ],
)
def test_each_trouble_has_its_name(line, trouble):
    """A row with it is rejected for it, and the row behind it is taken."""
    row, *_, last = read(line, GOOD)
    assert row.event is None
    assert trouble in names(row)
    assert (last.event is not None, last.troubles) == (True, [])


def test_a_time_without_a_zone_is_one_of_the_organisation_and_a_warning():
    """It is taken, as a wall clock there, and said."""
    (row,) = read(GOOD.replace("1692614400", "2023-08-21 12:40:00"))
    assert names(row) == ["time_without_zone"]
    assert row.event.occurred_at == datetime(2023, 8, 21, 10, 40, tzinfo=UTC)


def test_fields_may_have_quotes_separators_and_line_breaks_where_nothing_is_identified_by_them():
    """What is rightly quoted is kept as it is; lines are counted on."""
    row, following = read(GOOD.replace(",x", ',"a ""b"", c\nd"'), GOOD.replace("anna", ""))
    assert row.event.properties["note"] == 'a "b", c\nd'
    assert (row.record.line, following.record.line) == (2, 4)


def test_an_open_quote_takes_no_other_row_with_it():
    """Of a thousand rows, only those with one are lost."""
    lines = [GOOD.replace("e1", f"e{n}") for n in range(300)]
    lines[10] = lines[10].replace(",x", ',"x')
    lines[20] = lines[20].replace("anna", '"anna')
    found = read(*lines)
    assert [row.record.line - 2 for row in found if row.event is None] == [10, 20]
    assert len(found) == 300


def test_courses_are_those_that_are_named():
    """With names of theirs and ours, theirs become ours and others are unknown."""
    known, unknown, without = read(
        GOOD, GOOD.replace("c1", "c2"), GOOD.replace("c1", ""), order=Order(courses={"c1": "math"})
    )
    assert known.event.properties["course_id"] == "math"
    assert (unknown.event, names(unknown)) == (None, ["unknown_course"])
    assert without.event is not None


def test_a_platforms_own_ids_are_told_by_its_name():
    """As they are known from its hooks."""
    (row,) = read(GOOD, order=Order("moodle", platform_ids=True))
    assert (row.event.source, row.event.user_id) == ("moodle", "moodle:anna")


def test_a_reason_at_the_end_is_no_property():
    """A file of rejected rows can come back as it is."""
    (row,) = read(GOOD + ",bad_time: was bad", header=HEADER + ",reason")
    assert row.event.properties == {"course_id": "c1", "progress_pct": 100, "note": "x"}


@pytest.mark.parametrize("at_once", [60, 61, 64, 77, 200])
def test_reading_goes_on_wherever_it_was_left(at_once):
    """In windows of any size, whatever they cut, the same rows are found as in one."""
    rest = 'a,b\r\n\r\n"c\nd",e\r\nf,"g\r\n""h"""\n\n' * 20
    content = rest.encode()
    whole, end = records(
        content, Place(0, 1), codec="utf-8", delimiter=",", width=2, is_last=True, most=10**6
    )
    assert (len(whole), end.offset) == (60, len(content))
    found, at = [], Place(0, 1)
    while at.offset < len(content):
        window = content[at.offset : at.offset + at_once]
        is_last = at.offset + at_once >= len(content)
        more, at = records(window, at, codec="utf-8", delimiter=",", width=2, is_last=is_last, most=3)
        found += more
    assert found == whole


def test_a_row_longer_than_a_window_is_passed_over():
    """It is named, and nothing of it is held."""
    found, at = records(b"x" * 100, Place(0, 5), codec="utf-8", delimiter=",", width=2, is_last=False, most=9)
    assert ([one.broken for one in found], at) == (["row_too_long"], Place(100, 5))


def test_zeros_are_missed_where_somebody_is_known_with_them():
    """An id that is known is right; one that isn't, and is with zeros before it, lost them."""
    assert lost(["42", "7", "9", "x7", "m:8"], {"9", "009", "0042", "m:08"}) == {"42": "0042", "m:8": "m:08"}


def test_a_tally_names_the_first_rows_and_counts_the_others():
    """Each row once for a trouble; kept as JSON and back."""
    tally = Tally()
    for line in range(10):
        tally.add(line, [Trouble("bad_time", "x"), Trouble("bad_time", "y")])
    assert Tally.of_json(tally.as_json()).report() == tally.report()
    (one,) = tally.report()
    assert (one["rows"], len(one["first"]), one["severity"]) == (10, MAX_FIRST, "rejected")
