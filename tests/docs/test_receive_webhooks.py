"""docs/how-to/receive-webhooks.md shows the receivers that the tests run, and a delivery that verifies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rocket_server.config.settings import Settings
from rocket_server.delivery import connections, failures, send, signing
from rocket_server.delivery.headers import headers_of
from rocket_server.delivery.model import ANSWER_BYTES
from support.deliveries import target

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "receive-webhooks.md").read_text(encoding="utf-8")
RECEIVERS = ROOT / "tests" / "receivers"
SHOWN = dict(re.findall(r"^```(?:js|python) (\S+)\n(.*?)^```$", PAGE, re.M | re.S))


@pytest.mark.parametrize("path", sorted(SHOWN))
def test_the_code_is_the_code_that_runs_in_the_tests(path: str):
    """Each program on the page is, letter by letter, a file that the tests start and send webhooks to."""
    assert SHOWN[path] == (RECEIVERS / path).read_text(encoding="utf-8")


def test_every_receiver_is_shown():
    """No receiver is tested that the page doesn't show, and no code is shown that isn't tested."""
    tested = {
        str(path.relative_to(RECEIVERS))
        for pattern in ("*/receiver.js", "*/views.py", "*_receiver.py")
        for path in RECEIVERS.glob(pattern)
    }
    assert set(SHOWN) == tested
    assert PAGE.count("\n```") == 2 * (len(SHOWN) + 2)  # and the request, and `rocket listen`


def test_the_delivery_on_the_page_verifies():
    """The request that the page shows has the headers of a real one, signed with the secret that it names."""
    (request,) = re.findall(r"^```http\n(.*?)\n```$", PAGE, re.M | re.S)
    head, _, body = request.partition("\n\n")
    first, *lines = head.splitlines()
    shown = dict(line.split(": ", 1) for line in lines)
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]{20,}", PAGE))
    made = headers_of(
        target("https://academy.example.org/webhooks/rocket", secrets=(secret,)),
        shown["webhook-id"],
        int(shown["webhook-timestamp"]),
        body.encode(),
    )
    assert first == "POST /webhooks/rocket HTTP/1.1"
    assert shown.pop("Host") == "academy.example.org"
    assert shown == made
    assert signing.verify(secret, body.encode(), shown["X-Signature"])


def test_each_error_is_explained():
    """The table has every code that a try without an answer can have, and no other."""
    code = Path(failures.__file__).read_text(encoding="utf-8")
    section = PAGE.partition("## When nothing arrives")[2]
    explained = re.findall(r"^\| `(\w+)` \| (?!means)", section, re.M)
    assert sorted(explained) == sorted(set(re.findall(r'return "(\w+)", ', code)))


def test_the_bounds_are_those_of_the_code():
    """How much of an answer is kept, and how much of its headers is taken."""
    assert f"first {ANSWER_BYTES:,} bytes" in PAGE
    assert f"more than {send.MAX_HEADERS} headers" in PAGE
    assert Settings.from_environ({}).breaker_open_s == 60
    assert "left alone for a minute" in PAGE
    assert f"more than {send.MAX_LINE_BYTES // 1024} KiB" in PAGE
    assert f"{connections.MAX_ANSWER_BYTES // 1024} KiB without a status" in PAGE
