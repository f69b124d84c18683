"""Bodies: JSON or forms, whatever the headers say, and errors that an administrator understands."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.errors import InvalidPayload
from rocket_server.sources import body


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded"])
def test_json_is_found_whatever_the_content_type(content_type):
    """A JSON object is read as such even where the header is missing or names a form."""
    assert body.parse(b'\r\n {"id": "1"}', content_type) == {"id": "1"}


@pytest.mark.parametrize("content_type", [None, "application/json", "application/x-www-form-urlencoded"])
def test_form_is_found_whatever_the_content_type(content_type):
    """A form is read as such, its values decoded, even where the header is missing or says JSON."""
    fields = body.parse(b"id=1&eventname=%5Ccore%5Cevent%5Cx&name=a+b&empty=", content_type)
    assert fields == {"id": "1", "eventname": "\\core\\event\\x", "name": "a b", "empty": ""}


def test_byte_order_mark_is_skipped():
    """A UTF-8 byte order mark before the JSON does no harm."""
    assert body.parse(b'\xef\xbb\xbf{"id":"1"}', None) == {"id": "1"}


@pytest.mark.parametrize("raw", [b'{"id":"1","id":"2"}', b"id=1&id=2"])
def test_last_of_two_equal_keys_counts(raw):
    """A key that comes twice has its last value."""
    assert body.parse(raw, None) == {"id": "2"}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a":"\xc3"}', "not UTF-8"),
        (b"5", "neither an object nor an array"),
        (b'"text"', "neither an object nor an array"),
        (b"<xml/>", "invalid character"),
        (b'{"a": NaN}', '"a" was sent without quotes'),
        (b'{"a": Infinity}', '"a" was sent without quotes'),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of range"),
        (b'{"a": "1"', "ends too early"),
        (b'{"a": "\\ud800"}', "ends too early"),
        (b'{"a": "\\u0000"}', "NUL character"),
        (b'{"a\\u0000": 1}', "NUL character"),
        (b"a=%00", "NUL character"),
        (b"[" * 10_000, "nested too deeply"),
        (b'{"a":' * 10_000, "nested too deeply"),
        (b'{"a":[' + b"1," * 20_000 + b"1]}", "more than 20000 values"),
        (b"&".join([b"a=1"] * 2_000), "more than 1000 fields"),
        (b'{"a": {other}}', 'placeholder of the field "a"'),
        (b'{"a": %5Ccore}', 'value of the field "a" was sent without quotes'),
        (b'{"a": , "b": 1}', 'field "a" has no value'),
        (b'{"a": }', 'field "a" has no value'),
    ],
)
def test_unreadable_body_is_refused_in_plain_words(raw, words):
    """Each kind of unreadable body is a 400 whose message says what is wrong with it."""
    with pytest.raises(InvalidPayload) as caught:
        body.parse(raw, "application/json")
    assert words in caught.value.message


def test_place_of_a_fault_counts_lines_and_letters():
    """Line and column are those of a text editor, also after letters that take several bytes."""
    with pytest.raises(InvalidPayload) as caught:
        body.parse('{\r\n  "name": "María", "score": ,\r\n}'.encode(), None)
    assert caught.value.details["line"] == 2
    assert caught.value.details["column"] == 29
    assert caught.value.details["field"] == "score"


def test_surrogate_pairs_are_characters():
    """A character outside the basic plane may come as a pair of escapes."""
    assert body.parse(b'{"a":"\\ud83d\\ude80"}', None) == {"a": "🚀"}


@given(st.binary(max_size=400), st.none() | st.sampled_from(["application/json", "x-www-form-urlencoded"]))
def test_bytes_are_read_or_refused(raw, content_type):
    """Whatever the bytes, the answer is an object, an array or InvalidPayload."""
    with suppress(InvalidPayload):
        assert isinstance(body.parse(raw, content_type), dict | list)


@given(st.text(alphabet='{}[]",:=&%+\\u0d8x \n1eN', max_size=80))
def test_nearly_json_is_read_or_refused(text):
    """Texts made of JSON's and forms' own signs are read, or refused with InvalidPayload."""
    with suppress(InvalidPayload):
        assert isinstance(body.parse(text.encode(), None), dict | list)
