"""Every page of the console in a real browser: accessible, within the window, silent, and from one host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocket_server.console.application import ROUTES

PAGES = [
    route.path
    for route in ROUTES
    if route.method == "GET" and route.needs is not None
    if "{" not in route.path and "sign-in" not in route.path
]
OTHERS = [
    "/console/learners?q=nobody-like-this",
    "/console/learners/u1",
    "/console/learners/u1/points",
    "/console/learners/x1",
    "/console/learners/nobody",
    "/console/audit?log=installation",
    "/console/audit?action=course.reset",
]
# Where pictures of all pages go, for people to look at; none are taken otherwise.
PICTURES = os.environ.get("ROCKET_TEST_PICTURES")


def photograph(visitor, name):
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        visitor.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def look(visitor, path, name):
    visitor.go(path)
    photograph(visitor, name)
    faults = visitor.faults()
    wide = ["wider than the window"] if visitor.is_wider_than_the_window() else []
    return [f"{path}: {fault}" for fault in (*faults, *wide)]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_pages_with_data(full_house, make_visitor, width, dark):
    """Each page with data: no violation of axe's, nothing beyond the window's edge, no complaint."""
    visitor = make_visitor(width=width, dark=dark)
    visitor.sign_in(full_house.person("super_admin", "Ada Lovelace"))
    mode = "dark" if dark else "light"
    entry = full_house.organisation.api.get("/v1/users/u1/ledger").json()["entries"][0]["entry_id"]
    found = []
    for path in [*PAGES, *OTHERS, f"/console/learners/u1/entries/{entry}/reverse"]:
        name = path.replace("/console", "").replace(entry, "x").strip("/").replace("/", "-").replace("?", "-")
        found += look(visitor, path, f"data-{width}-{mode}-{name or 'overview'}")
    assert found == []


@pytest.mark.parametrize("width", [360, 1440])
def test_empty_pages(house, make_visitor, width):
    """Each page of an organisation in which nothing has happened, in German."""
    visitor = make_visitor(width=width, locale="de-DE")
    visitor.go("/console/sign-in")
    assert visitor.faults() == []
    person = house.person("admin")
    visitor.page.get_by_label("E-Mail").fill(person.email)
    visitor.page.get_by_label("Passwort").fill(person.password)
    visitor.page.get_by_role("button", name="Anmelden").click()
    visitor.page.wait_for_url("**/console")
    found = []
    for path in PAGES:
        name = path.replace("/console", "").strip("/").replace("/", "-") or "overview"
        found += look(visitor, path, f"empty-{width}-{name}")
    assert found == []


def test_pages_before_somebody_is_signed_in(house, make_visitor):
    """Signing in, a wrong password, a link and one that is good no more."""
    for dark in (False, True):
        visitor, mode = make_visitor(width=360, dark=dark), "dark" if dark else "light"
        secret = house.link(house.person())
        found = []
        for path in ("/console/sign-in", f"/console/link/{secret}", "/console/link/used"):
            found += look(
                visitor, path, f"before-{'dark' if dark else 'light'}-{path.split('/')[2]}-{path[-4:]}"
            )
        visitor.go("/console/sign-in")
        visitor.page.get_by_label("E-mail").fill("nobody@example.org")
        visitor.page.get_by_label("Password").fill("wrong password")
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.get_by_role("alert").wait_for()
        photograph(visitor, f"before-{mode}-wrong")
        assert [*found, *visitor.faults()] == []


def test_on_the_widest_screens_lines_stay_readable(full_house, make_visitor):
    """At 4K nothing is stretched across the whole window."""
    visitor = make_visitor(width=3840, height=2160)
    visitor.sign_in(full_house.person("admin"))
    photograph(visitor, "wide-overview")
    width = visitor.page.locator("main").bounding_box()["width"]
    assert width < 2000


def test_times_and_numbers_are_the_viewers(full_house, visitor):
    """Times stand in the viewer's zone, days stay the organisation's, and UTC is a pointer away."""
    visitor.sign_in(full_house.person("viewer"))
    visitor.go("/console/learners/u1")
    shown = visitor.page.locator("#events ~ table time").last
    assert shown.get_attribute("datetime") == "2026-03-02T10:00:00Z"
    assert "15:30" in shown.inner_text()
    assert shown.get_attribute("title") == "2026-03-02 10:00 UTC"


def test_what_learners_are_called_runs_nowhere(full_house, visitor):
    """A name and a reason that hold script are text, also where htmx puts them into the page."""
    visitor.page.on("dialog", lambda dialog: pytest.fail(f"script ran: {dialog.message}"))
    visitor.sign_in(full_house.person("admin"))
    visitor.go("/console/learners")
    visitor.page.get_by_role("searchbox").press_sequentially("<script")
    visitor.page.wait_for_url("**q=%3Cscript**")
    rows = visitor.page.get_by_role("row")
    rows.nth(1).wait_for()
    visitor.page.wait_for_function("document.querySelectorAll('#results tbody tr').length === 1")
    assert "<script>alert(1)</script>" in rows.nth(1).inner_text()
    visitor.go("/console/learners/x1")
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "<script>alert(1)</script>"
    visitor.go("/console/learners/u1")
    assert visitor.page.get_by_text("<img src=x onerror=alert(1)> helped").is_visible()
