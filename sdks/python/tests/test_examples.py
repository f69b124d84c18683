"""The receiver among the examples; the others run against a real server in `conformance/examples`."""

from __future__ import annotations

import runpy
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from support.cases import read

RECEIVER = Path(__file__).parent.parent / "examples" / "receive_webhooks.py"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The receiver's address; it knows the secret of the cases, and what time it is there."""
    good = read("signatures")["standard"][0]
    monkeypatch.setenv("WEBHOOK_SECRET", good["secrets"][0])
    monkeypatch.setattr(time, "time", lambda: float(good["now_s"]))
    handler = runpy.run_path(str(RECEIVER))["Receiver"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_receiver_believes_only_the_server(receiver: str) -> None:
    """What was signed is taken, and the same with one character changed isn't."""
    good = read("signatures")["standard"][0]
    with httpx.Client(trust_env=False) as client:
        taken = client.post(receiver, content=good["body"].encode(), headers=good["headers"])
        forged = client.post(receiver, content=good["body"].encode() + b" ", headers=good["headers"])
    assert (taken.status_code, forged.status_code) == (204, 401)
