"""What handlers work with: the running parts of this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rocket_server.badges.issue import StatusLists
from rocket_server.badges.issuers import Sealer
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.pool import Database
from rocket_server.delivery.ping import Pings
from rocket_server.http.auth import Authenticator
from rocket_server.members.passwords import Passwords
from rocket_server.plugins.manager import PluginManager
from rocket_server.usecases.examination.desk import Desk
from rocket_server.usecases.intake import Intake


@dataclass(frozen=True, slots=True)
class Services:
    """Made by `app.py` at the start and closed by it at the end."""

    settings: Settings
    database: Database
    configurations: Configurations
    intake: Intake
    authenticator: Authenticator
    pings: Pings
    plugins: PluginManager
    sealer: Sealer
    status_lists: StatusLists
    desk: Desk
    passwords: Passwords


def services_of(request: Any) -> Services:
    """The services of the application that serves a request."""
    services: Services = request.app.state.services
    return services
