"""All routes of the console, in the order in which they are tried."""

from __future__ import annotations

from typing import Final

from rocket_server.console.pages import account, audit, files, learners, overview, people, sign_in, soon
from rocket_server.console.routes import ConsoleRoute

ROUTES: Final[tuple[ConsoleRoute, ...]] = tuple(
    route
    for part in (files, sign_in, overview, learners, audit, account, people, soon)
    for route in part.routes.all
)
