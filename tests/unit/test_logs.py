"""Log lines carry no secret, whatever is logged."""

from __future__ import annotations

import errno
import io
import logging

import pytest
import structlog

from rocket_server import logs

KEY = "rk_live_" + "0123456789abcdef" * 3
LEAKS = {
    "a key in a text": {"error": f"no such key {KEY}"},
    "a header": {"header": "Authorization: Bearer 8f3c1e0d5b7a49c2a6e4d1f09b8c7a6e"},
    "a webhook's secret": {"error": "bad secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "the password of a URL": {"url": "postgresql://rocket:MfKQ9r8GKYqrTw@db.example.org/rocket"},
    "a field that is named so": {"api_key": "8f3c1e0d5b7a49c2", "Token": "a6e4d1f09b8c7a6e"},
}
SECRETS = (KEY, "8f3c1e0d5b7a49c2", "a6e4d1f09b8c7a6e", "MfKQ9r8GKYqrTw")


@pytest.fixture(autouse=True)
def _untouched_logging():
    """Other tests find logging as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("fields", LEAKS.values(), ids=LEAKS)
def test_secrets_are_masked(form, fields, capsys):
    """In our own lines and in libraries', in either form; the rest of the line stays."""
    logs.configure("info", form)
    structlog.get_logger("ours").warning("refused", request_id="r-1", **fields)
    logging.getLogger("theirs").warning("refused: %s", " ".join(fields.values()).join("  "))
    said = capsys.readouterr().err
    assert "refused" in said
    assert "r-1" in said
    assert "***" in said
    if len(fields) == 1:
        assert not [secret for secret in SECRETS if secret in said]
    else:
        assert not [secret for secret in SECRETS if secret in said.splitlines()[0]]


@pytest.mark.parametrize("form", ["json", "console"])
def test_tracebacks_are_masked(form, capsys):
    """The text of an exception and the values around it are none of a log's business."""
    logs.configure("info", form)
    try:
        raise ValueError(f"what to do with {KEY}?")
    except ValueError:
        structlog.get_logger("ours").exception("failed")
        logging.getLogger("theirs").exception("failed")
    said = capsys.readouterr().err
    assert said.count("ValueError: what to do with rk_live_0123***?") == 2
    assert KEY not in said


def test_lines_below_the_level_are_left_out(capsys):
    """A server that is told to log errors is silent about requests."""
    logs.configure("error", "json")
    structlog.get_logger("ours").info("request")
    logging.getLogger("theirs").warning("request")
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_written_fails_nothing():
    """A full disk or a closed pipe behind the log leaves the request that is logged alone."""

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    full = logs.Forgiving(Full())
    full.write("a line")
    closed = io.StringIO()
    closed.close()
    logs.Forgiving(closed).write("a line")
    logs.Forgiving(closed).flush()
    kept = io.StringIO()
    logs.Forgiving(kept).write("a line")
    assert kept.getvalue() == "a line"
