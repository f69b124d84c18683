"""A receiver of webhooks, and a server that may call it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from rocket_server.db.pool import Database
from support import imports
from support.fixtures import MakeOrganisation, StartServer
from support.organisation import Organisation
from support.receiver import Receiver
from support.server import Server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a real socket of this machine."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="session")
def calling_server(start_server: StartServer) -> Server:
    """A server whose webhooks may go to private addresses."""
    return start_server("calling", ROCKET_ALLOW_PRIVATE_WEBHOOKS="1")


@pytest.fixture
def caller(make_organisation: MakeOrganisation, calling_server: Server) -> Organisation:
    """A fresh organisation on that server."""
    return make_organisation().on(calling_server)


@pytest.fixture
def work(portal: BlockingPortal, store: Database) -> Callable[..., dict[str, Any]]:
    """Does an import of an organisation as a worker does, and answers its report."""
    return partial(imports.work, portal, store)
