"""The main navigation: its twelve entries in their order, and what each asks of a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rocket_server.members.roles import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `name` names its texts; `is_built` is False while its page only says what else to use."""

    name: str
    path: str
    needs: Permission
    is_built: bool = True


MAIN: Final = (
    Entry("overview", "/console", "look"),
    Entry("live", "/console/live", "look", is_built=False),
    Entry("learners", "/console/learners", "learners"),
    Entry("rules", "/console/rules", "look", is_built=False),
    Entry("badges", "/console/badges", "look", is_built=False),
    Entry("rewards", "/console/rewards", "look", is_built=False),
    Entry("tests", "/console/tests", "tests", is_built=False),
    Entry("sources", "/console/sources", "look", is_built=False),
    Entry("webhooks", "/console/webhooks", "look", is_built=False),
    Entry("imports", "/console/imports", "look", is_built=False),
    Entry("audit", "/console/audit", "audit"),
    Entry("settings", "/console/settings", "own"),
)
