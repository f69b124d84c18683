"""Bodies as the request log shows them."""

from __future__ import annotations

import pytest

from rocket_server import masking
from rocket_server.decoding import decode
from rocket_server.organisations.request_log import shown_body

S = "s3cr3t-value"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"id": "1", "eventname": "x"}', '{"id": "1", "eventname": "x"}'),
        (b'{"token": "abcdef", "id": 1}', '{"token":"***","id":1}'),
        (b'{"API_KEY":"abcdef"}', '{"API_KEY":"***"}'),
        (b"hmac=sha256%3Dabcdef&id=1", "hmac=***&id=1"),
        (b'{"eventname":"user_password_updated"}', '{"eventname":"user_password_updated"}'),
        (
            b'{"password":null,"token":true,"name":"M\\u00fcller"}',
            '{"password":null,"token":true,"name":"Müller"}',
        ),
        (b"\xff\x00end", "��end"),
    ],
)
def test_a_body_is_shown_as_text_without_secrets(body: bytes, shown: str):
    """What stands under a secret's name is masked, what isn't text replaced; the rest stays."""
    assert shown_body(body) == shown


@pytest.mark.parametrize(
    "body",
    [
        '{"api-key": "S"}',
        '{"token": {"value": "S"}}',
        '{"tokens": ["a", ["S"]]}',
        '{"pass\\u0077ord": "S"}',
        '{"a": [{"X-Api-Key": "S"}, {"b": {"cookie": "S"}}]}',
        '{"sesskey": "S"}',
        '{"client-secret": "S"}',
        '{"name": "token", "value": "S"}',
        '[["authorization", "S"]]',
        '{"a": {"token": "S"}, "a": 1}',
        '{"other": "{\\"token\\": \\"S\\"}"}',
        '{"other": "a:1:{s:5:\\"token\\";s:12:\\"S\\";}"}',
        '{"url": "https://x.example/?wstoken=S&a=1"}',
        '{"url": "https://anna:S@x.example/"}',
        '{"note": "Authorization: Bearer S"}',
        '{"note": "<token>S</token>"}',
        "sesskey=S&id=1",
        "id=1&pass%77ord=S",
        "id=1;user[password]=S",
        "payload=%7B%22token%22%3A%22S%22%7D",
        "next=https%3A%2F%2Fx.example%2F%3Ftoken%3DS",
        '{"token": "S"',
        '{"a": NaN, "password": "S"}',
        '\xff{"password": "S"}',
        '{"pass\\u0077ord": "S',
        "<xml><token>S</token></xml>",
        '--b\r\nContent-Disposition: form-data; name="token"\r\n\r\nS\r\n--b--',
        "token: S",
        '{"x": "' + "y" * 20_000 + '", "token": "S"}',
        '{"token": "' + "y" * 16_000 + 'S"}',
        "[" * 2_000 + '{"token": "S"}' + "]" * 2_000,
    ],
    ids=lambda body: body[:40],
)
def test_no_secret_is_seen(body: str):
    """However it is written: nested, in lists, escaped, in a form, inside of a text, or where nothing can be
    decoded."""
    sent = body.replace("S", S) if "S" * 2 not in body else body
    assert S in sent
    assert S not in shown_body(sent.encode("latin-1"))


def test_what_cannot_be_decoded_is_shown_as_far_as_it_is_harmless():
    """An administrator sees what kind of body it was."""
    shown = shown_body(b'{"eventname": "x", "token": "abc"')
    assert shown == '{"eventname": "x", "*** (the rest may hold a secret)'


def test_hostile_bodies_take_linear_time():
    """Bodies of a megabyte that a backtracking pattern would take minutes for are shown and cut."""
    bodies = (
        b"token " + b"a" * 1_000_000,
        b'{"x":"token ' + b"a." * 500_000 + b'"}',
        b"&".join([b"token=1"] * 99_999),
    )
    for body in bodies:
        assert len(shown_body(body)) <= 16_384


def test_only_short_bodies_are_read_to_be_masked(monkeypatch):
    """A body of a megabyte with a hundred thousand names of secrets is cut at the first of them: to look into
    each would take seconds of everybody's time."""
    decoded: list[int] = []
    monkeypatch.setattr(masking, "decode", lambda text: decoded.append(len(text)) or decode(text))
    shown = shown_body(b'{"a":[' + b'"a=%7a",' * 100_000 + b"1]}")
    assert shown == '{"a":["a=*** (the rest may hold a secret)'
    assert shown_body(b'{"token":"a"}') == '{"token":"***"}'
    assert decoded == [13]


def test_a_long_body_is_cut():
    """The log keeps the beginning of a body, not all of a megabyte."""
    assert shown_body(b"x" * 1_000_000) == "x" * 16_384


def test_a_percent_sign_hides_a_name_only_where_an_escape_may_begin():
    """The escaped percent sign of `100% sure` isn't looked behind; one behind which letters may hide is."""
    assert not masking.is_suspicious(b'{"course_fullname": "100%25+caf%C3%A9"}')
    for hidden in (b"%2574oken=x", b"%25%37%34oken=x", b"%252574oken=x"):
        assert masking.is_suspicious(hidden)
