"""What a simulation adds up: weeks, courses, and who gains and loses most."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rocket_server.rules.calendar import Calendar
from rocket_server.simulation import book as books
from rocket_server.simulation.book import Book
from rocket_server.simulation.model import Period, Sums

PARIS = Calendar(ZoneInfo("Europe/Paris"))


def test_weeks_begin_on_monday_in_the_zone():
    """Sunday evening in UTC is Monday in Paris, and so the next week; events of one week share their sums."""
    book = Book(PARIS, {}, 10)
    sunday, _ = book.place(datetime(2026, 3, 1, 22, tzinfo=UTC), "c")
    monday, _ = book.place(datetime(2026, 3, 1, 23, tzinfo=UTC), "c")
    friday, _ = book.place(datetime(2026, 3, 6, 12, tzinfo=UTC), "c")
    assert sunday is not monday is friday
    assert list(book.weeks) == [date(2026, 2, 23), date(2026, 3, 2)]


def test_courses_are_bounded(monkeypatch):
    """Beyond the bound, further courses share one line, so that memory stays flat."""
    monkeypatch.setattr(books, "MAX_COURSES", 2)
    book = Book(PARIS, {}, 10)
    for course in ("a", "b", "c", "d", None, 7):
        book.place(datetime(2026, 3, 1, tzinfo=UTC), course)[1].current += 1
    assert {course: sums.current for course, sums in book.courses.items()} == {"a": 1, "b": 1, "(others)": 4}


@given(st.lists(st.integers(-50, 50), max_size=60), st.integers(1, 8))
def test_who_gains_and_loses_most(differences: list[int], top: int):
    """The shown learners are those of the greatest differences, the greatest first; all are added up."""
    book = Book(PARIS, {}, top)
    for number, difference in enumerate(differences):
        book.learner(f"{number:03}", Sums(100, 100 + difference), difference != 0)
    assert [one.points.difference for one in book.gaining()] == sorted(
        (one for one in differences if one > 0), reverse=True
    )[:top]
    assert [one.points.difference for one in book.losing()] == sorted(one for one in differences if one < 0)[
        :top
    ]
    assert book.points.difference == sum(differences)
    assert (book.learners, book.touched) == (len(differences), sum(one != 0 for one in differences))


def test_a_period_is_a_span_of_ids():
    """Ids of version 7 begin with their milliseconds, so the bounds of a period are the lowest ids there."""
    period = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    assert period.first_id == "019ca6b1-dc00-7000-8000-000000000000"
    assert period.end_id is not None
    assert period.first_id < period.end_id
    assert Period(period.since).end_id is None
