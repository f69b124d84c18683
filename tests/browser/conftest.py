"""A real Chromium against a real server: pages that complain, or ask another host, fail the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from support.console import House, Person
from support.server import Server

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
CHROMIUM = os.environ.get("ROCKET_TEST_CHROMIUM") or shutil.which("chromium") or "chromium"
_TIMEOUT_MS = 20_000
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")


@dataclass
class Visitor:
    """Somebody's browser. `complaints` are what pages wrote to the console, `foreign` other hosts."""

    page: Page
    context: BrowserContext
    server: Server
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of the console, to its end."""
        self.page.goto(self.server.url + path, wait_until="load")

    def sign_in(self, person: Person) -> None:
        """Sign in, as people do."""
        self.go("/console/sign-in")
        self.page.get_by_label("E-mail").fill(person.email)
        self.page.get_by_label("Password").fill(person.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/console")

    def faults(self) -> list[str]:
        """What axe finds on the page, by the rules of WCAG 2.1 A and AA and its own of good practice."""
        # By the browser's own door: the page's policy lets no script in that isn't a file of the server's.
        found: Any = self.page.evaluate(
            AXE
            + ";axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
            ".then(found => found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html "
            "+ ' ' + node.failureSummary).slice(0, 3).join(' | ')))"
        )
        return list(found)

    def is_wider_than_the_window(self) -> bool:
        """Whether one would have to scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Starts Playwright's driver."""
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, without a window. As root it can't have its sandbox; the pages are our own."""
    options = ["--no-sandbox", "--disable-dev-shm-usage"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
    yield browser
    browser.close()


MakeVisitor = Callable[..., Visitor]


@pytest.fixture
def make_visitor(chromium: Browser, server: Server) -> Iterator[MakeVisitor]:
    """Makes browsers with cookies of their own: `make_visitor(width=360, dark=True)`. What their pages wrote
    to the console or asked of others is looked at in the end."""
    made: list[Visitor] = []

    def make(width: int = 1440, height: int = 900, dark: bool = False, **options: Any) -> Visitor:
        settings: dict[str, Any] = {
            "viewport": {"width": width, "height": height},
            "color_scheme": "dark" if dark else "light",
            "locale": "en-GB",
            "timezone_id": "Asia/Kolkata",
            "reduced_motion": "reduce",
        }
        context = chromium.new_context(**(settings | options))
        context.set_default_timeout(_TIMEOUT_MS)
        visitor = Visitor(context.new_page(), context, server)
        # A page that isn't there, or is refused, is told by its status, which tests look at.
        visitor.page.on(
            "console",
            lambda said: (
                visitor.complaints.append(said.text)
                if said.type in ("error", "warning") and "Failed to load resource" not in said.text
                else None
            ),
        )
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on(
            "request",
            lambda request: (
                None if request.url.startswith((server.url, "data:")) else visitor.foreign.append(request.url)
            ),
        )
        made.append(visitor)
        return visitor

    yield make
    for one in made:
        one.context.close()
    assert [one.complaints for one in made if one.complaints] == []
    assert [one.foreign for one in made if one.foreign] == []


@pytest.fixture
def visitor(make_visitor: MakeVisitor) -> Visitor:
    """A browser of a usual size."""
    return make_visitor()


@pytest.fixture
def full_house(house: House) -> House:
    """An organisation in which something has happened: points, badges, caps, refusals, people, long names."""
    api = house.organisation.api
    for number in range(1, 13):
        api.post(
            "/v1/users",
            {"user_id": f"u{number}", "name": f"Learner {number}", "email": f"u{number}@school.example"},
        )
        api.event("course.completed", f"u{number}", properties={"course_id": "1", "course_title": "Biology"})
    for number in range(1, 8):
        api.event("lesson.completed", "u1", properties={"lesson_id": str(number), "course_id": "1"})
        api.event("forum.posted", "u1", properties={"post_id": str(number)})
    script = "<script>alert(1)</script>"
    api.post("/v1/users", {"user_id": "x1", "name": script, "email": "x1@school.example"})
    api.post("/v1/users", {"user_id": "l" * 120, "name": "Wolfeschlegelsteinhausenbergerdorff" * 4})
    reason = "<img src=x onerror=alert(1)> helped"
    api.post("/v1/points/award", {"user_id": "u1", "points": 1234, "reason": reason})
    api.post("/v1/badges/award", {"user_id": "u1", "badge_id": "quiz_master"})
    api.patch("/v1/organisation", {"unknown_learner": "hold"})
    for number in range(4):
        api.event("course.completed", f"stranger{number}", properties={"course_id": "1"})
    house.person("viewer", "Vera")
    house.person("instructor", "Ines")
    return house
