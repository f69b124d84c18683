"""A server process may open as many files as the system lets it, and clients never use them up."""

from __future__ import annotations

import contextlib

import psutil
import pytest

from support import server as servers
from support.raw import Raw, request

HEALTH = request("GET", "/v1/health")


@pytest.fixture
def start_with(worker_database, tmp_path):
    """Starts a server with limits of open files, soft and hard; it is stopped after the test."""
    with contextlib.ExitStack() as stack:

        def start(soft, hard):
            server = servers.start(worker_database, tmp_path / "log", {"ROCKET_ENV": "test"}, (soft, hard))
            stack.callback(server.stop)
            return server

        yield start


def test_the_limit_is_raised(start_with):
    """A server takes all the open files that the system lets it have."""
    server = start_with(256, 700)
    assert psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_NOFILE) == (700, 700)


def test_more_silent_connections_than_open_files(start_with):
    """Under a limit of 256 open files, 400 connections that say nothing stop nobody: a new client is
    answered, database included, and files are left."""
    server = start_with(256, 256)
    process = psutil.Process(server.process.pid)
    with contextlib.ExitStack() as stack:
        for number in range(400):
            stack.enter_context(Raw(server.url))
            if number % 40 == 0:
                with Raw(server.url) as good:
                    good.send(HEALTH)
                    assert good.answer().status == 200
                assert process.num_fds() < 256
    assert "Traceback" not in server.log.read_text()
