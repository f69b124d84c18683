"""Bodies as the request log shows them."""

from __future__ import annotations

import pytest

from rocket_server.organisations.request_log import shown_body


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"id": "1", "eventname": "x"}', '{"id": "1", "eventname": "x"}'),
        (b'{"token": "abcdef", "id": 1}', '{"token": "***", "id": 1}'),
        (b'{"API_KEY":"abcdef"}', '{"API_KEY":"***"}'),
        (b"hmac=sha256%3Dabcdef&id=1", "hmac=***&id=1"),
        (b'{"eventname": "user_password_updated"}', '{"eventname": "user_password_updated"}'),
        (b"\xff\x00end", "��end"),
    ],
)
def test_a_body_is_shown_as_text_without_secrets(body: bytes, shown: str):
    """What looks like a secret is masked, what isn't text is replaced; the rest stays as it was."""
    assert shown_body(body) == shown


def test_a_long_body_is_cut():
    """The log keeps the beginning of a body, not all of a megabyte."""
    assert shown_body(b"x" * 1_000_000) == "x" * 16_384
