"""What people do in the console, done in a real browser: by mouse, by keyboard, with scripts and without."""

from __future__ import annotations

import pyotp
import pytest

OTHER = "another good password"


def heading(visitor):
    return visitor.page.get_by_role("heading", level=1).inner_text()


def test_sign_in_look_and_sign_out(full_house, visitor):
    """With fields and buttons as the contract names them; afterwards going back shows nothing any more."""
    visitor.sign_in(full_house.person())
    assert heading(visitor) == "Overview"
    main = visitor.page.get_by_role("navigation", name="Main")
    names = main.get_by_role("link").all_inner_texts()
    assert len(names) == 12
    for name in names:
        main.get_by_role("link", name=name, exact=True).click()
        visitor.page.wait_for_load_state("load")
        assert heading(visitor) == name
    visitor.page.get_by_role("button", name="Sign out").click()
    visitor.page.wait_for_url("**/sign-in")
    visitor.page.go_back()
    visitor.page.wait_for_url("**/sign-in**")


def test_a_wrong_password_keeps_the_address_and_the_place(house, visitor):
    """What is wrong is said, the address stays, and the cursor stands in the password."""
    person = house.person()
    visitor.go("/console/sign-in")
    visitor.page.get_by_label("E-mail").fill(person.email)
    visitor.page.get_by_label("Password").fill("wrong password")
    visitor.page.get_by_label("Password").press("Enter")
    assert "wrong" in visitor.page.get_by_role("alert").inner_text()
    assert visitor.page.get_by_label("E-mail").input_value() == person.email
    assert visitor.page.evaluate("document.activeElement.name") == "password"


def test_everything_by_keyboard(full_house, visitor):
    """Sign in, skip the navigation, find a learner and give points, without a mouse; focus is always seen."""
    person, keys = full_house.person(), visitor.page.keyboard
    visitor.go("/console/sign-in")
    keys.type(person.email)
    keys.press("Tab")
    keys.type(person.password)
    keys.press("Enter")
    visitor.page.wait_for_url("**/console")
    keys.press("Tab")
    assert visitor.page.evaluate("document.activeElement.className") == "skip"
    keys.press("Enter")
    visitor.go("/console/learners")
    visitor.page.locator("#content").focus()
    keys.press("Tab")
    assert visitor.page.evaluate("document.activeElement.id") == "q"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert visitor.page.evaluate(outline) == "solid"
    keys.type("u2")
    keys.press("Enter")
    visitor.page.wait_for_url("**q=u2**")
    visitor.page.get_by_role("link", name="Learner 2").focus()
    keys.press("Enter")
    visitor.page.wait_for_url("**/learners/u2")
    visitor.page.get_by_role("link", name="Give or take points").focus()
    keys.press("Enter")
    visitor.page.wait_for_url("**/points")
    visitor.page.get_by_label("Points", exact=True).focus()
    keys.type("25")
    keys.press("Tab")
    keys.type("helped Bert")
    keys.press("Enter")
    visitor.page.wait_for_url("**/learners/u2**")
    assert visitor.page.get_by_role("status").inner_text() == "The points are given."
    assert full_house.organisation.api.points("u2") == 75
    visitor.page.reload()
    assert visitor.page.get_by_role("status").count() == 0


def test_without_scripts_all_is_there(full_house, make_visitor):
    """Signing in, searching and giving points need none."""
    visitor = make_visitor(java_script_enabled=False)
    visitor.sign_in(full_house.person())
    visitor.go("/console/learners")
    visitor.page.get_by_role("searchbox").fill("Learner 3")
    visitor.page.get_by_role("button", name="Find").click()
    visitor.page.get_by_role("link", name="Learner 3").click()
    visitor.page.get_by_role("link", name="Give or take points").click()
    visitor.page.get_by_label("Points", exact=True).fill("5")
    visitor.page.get_by_label("Reason").fill("helped")
    visitor.page.get_by_role("button", name="Save").click()
    visitor.page.wait_for_url("**/learners/u3**")
    assert full_house.organisation.api.points("u3") == 55


def test_a_form_shows_what_is_wrong_where_it_is(full_house, visitor):
    """The field at fault has the focus and its sentence; what was typed stays; nothing was given."""
    visitor.sign_in(full_house.person())
    visitor.go("/console/learners/u4/points")
    visitor.page.get_by_label("Points", exact=True).fill("many")
    visitor.page.get_by_label("Reason").fill("helped Bert")
    visitor.page.get_by_role("button", name="Save").click()
    visitor.page.get_by_text("a whole number from 1 to 1,000,000").wait_for()
    assert visitor.page.evaluate("document.activeElement.name") == "points"
    assert visitor.page.get_by_label("Reason").input_value() == "helped Bert"
    assert visitor.faults() == []
    assert full_house.organisation.api.points("u4") == 50


def test_invite_and_be_invited(house, visitor, make_visitor):
    """An administrator's link lets somebody choose a password; a page that a viewer may not open says so."""
    visitor.sign_in(house.person())
    visitor.go("/console/settings/people")
    form = visitor.page.get_by_role("region", name="Invite somebody")
    form.get_by_label("E-mail").fill("vera@school.example")
    form.get_by_role("button", name="Invite somebody").click()
    address = visitor.page.locator("#address")
    address.wait_for()
    invited = make_visitor(width=360)
    invited.go("/console/link/" + address.inner_text().rpartition("/")[2])
    invited.page.get_by_label("New password", exact=True).fill(OTHER)
    invited.page.get_by_label("New password again").fill(OTHER)
    invited.page.get_by_role("button", name="Save and sign in").click()
    invited.page.wait_for_url("**/console")
    invited.go("/console/audit")
    assert heading(invited) == "No permission"
    assert invited.faults() == []


def test_a_second_factor_from_picture_to_code(house, visitor, make_visitor):
    """Set up with the secret that is shown, and asked for at the next sign-in."""
    person = house.person()
    visitor.sign_in(person)
    visitor.go("/console/settings/second-factor")
    assert visitor.faults() == []
    assert visitor.page.get_by_role("img", name="QR code for an authenticator app").is_visible()
    secret = visitor.page.locator(".secret").inner_text()
    visitor.page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    visitor.page.get_by_role("button", name="Switch on").click()
    visitor.page.get_by_role("heading", name="Recovery codes").wait_for()
    code = visitor.page.get_by_role("main").get_by_role("listitem").first.inner_text()
    other = make_visitor()
    other.go("/console/sign-in")
    other.page.get_by_label("E-mail").fill(person.email)
    other.page.get_by_label("Password").fill(person.password)
    other.page.get_by_role("button", name="Sign in").click()
    other.page.get_by_label("Code").fill(code)
    assert other.faults() == []
    other.page.get_by_role("button", name="Continue").click()
    other.page.wait_for_url("**/console")


def test_another_organisation_is_out_of_sight(full_house, make_organisation, make_visitor, store, portal):
    """Somebody of one organisation finds nobody of the other, by search or by address."""
    from support.console import House

    other = House(make_organisation(), store, portal)
    visitor = make_visitor()
    visitor.sign_in(other.person())
    visitor.go("/console/learners?q=Learner")
    assert visitor.page.get_by_text("Nobody begins with").is_visible()
    visitor.go("/console/learners/u1")
    assert heading(visitor) == "Not found"


@pytest.mark.parametrize("width", [360, 1440])
def test_the_current_entry_is_in_view(house, make_visitor, width):
    """Also where the navigation is a strip that scrolls."""
    visitor = make_visitor(width=width)
    visitor.sign_in(house.person())
    visitor.go("/console/audit")
    box = visitor.page.locator("nav [aria-current=page]").first.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
