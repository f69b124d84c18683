"""What is pure about people of the console: roles, passwords, codes, charts and forms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyotp
import pytest

from rocket_server.console import forms
from rocket_server.console.charts import columns
from rocket_server.errors import InvalidPayload, RocketError, UnsupportedMediaType
from rocket_server.members import codes
from rocket_server.members.passwords import Passwords, fault_of, must_be_hashed_anew, new_password
from rocket_server.members.roles import ROLES, may, may_give
from rocket_server.usecases.members import checked_email, checked_name

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOW = datetime(2026, 3, 2, 10, 0, 10, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"


def test_no_role_gives_one_that_opens_more():
    """What somebody may make of others is within what they may themselves."""
    for role in ROLES:
        for given in may_give(role):
            assert all(may(role, one) for one in ("own", "look", "people") if may(given, one))
    assert may_give("viewer") == may_give("instructor") == ()
    assert "super_admin" not in may_give("admin")


async def test_passwords_are_compared_in_one_spelling():
    """What keyboards send as one letter or as two is the same password; others aren't, and nobody's never."""
    passwords = Passwords()
    kept = await passwords.hash("e\u0301tude in four parts")
    assert kept.startswith("$argon2id$")
    assert await passwords.fits(kept, "\u00e9tude in four parts")
    assert not await passwords.fits(kept, "etude in four parts")
    assert not await passwords.fits(None, "")
    assert not await passwords.fits("no hash", "x")
    assert not await passwords.fits(kept, "x" * 201)
    assert not must_be_hashed_anew(kept)
    assert must_be_hashed_anew("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")


def test_made_passwords_are_good_and_differ():
    """What a command shows is accepted as a password, and no two are the same."""
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(fault_of(one, "ada@example.org") is None for one in made)


def test_codes_hold_for_thirty_seconds_and_a_little_more():
    """The code of now, of just before and of just after; none that is older, and nothing that is no code."""
    made = pyotp.TOTP(SECRET)
    step = int(NOW.timestamp()) // 30
    for seconds, found in ((0, step), (-30, step - 1), (30, step + 1), (-60, None), (60, None)):
        code = made.at(NOW + timedelta(seconds=seconds))
        assert codes.fitting_step(SECRET, code, NOW) == found
    spaced = f"{made.at(NOW)[:3]} {made.at(NOW)[3:]}"
    assert codes.fitting_step(SECRET, spaced, NOW) == step
    for code in ("", "12345", "1234567", "abcdef", "１２３４５６", "12345\ud800"):
        assert codes.fitting_step(SECRET, code, NOW) is None


def test_a_secret_is_a_picture_within_the_page():
    """The QR code loads nothing from elsewhere, and holds what an app needs."""
    assert codes.is_secret(codes.new_secret())
    assert codes.picture(SECRET, "ada@example.org").startswith("data:image/svg+xml")
    assert codes.address_for_apps(SECRET, "ada@example.org").startswith("otpauth://totp/Rocket:ada")


def test_recovery_codes_are_found_however_they_are_typed():
    """Case, blanks and dashes don't matter."""
    (code, *others) = codes.new_recovery_codes()
    assert codes.recovery_hash(f" {code.upper().replace('-', ' ')}") == codes.recovery_hash(code)
    assert codes.recovery_hash(code) not in {codes.recovery_hash(one) for one in others}


NO_ADDRESSES = [
    *("", "ada", "ada@", "@b.example", "a b@c.example", "a@b", "a@b.c\0d", "a,b@c.example"),
    f"{'a' * 250}@b.example",
]


@pytest.mark.parametrize("email", NO_ADDRESSES)
def test_what_is_no_address_is_refused(email):
    """A slip of the finger is seen before anybody is made."""
    with pytest.raises(InvalidPayload):
        checked_email(email)


def test_addresses_and_names_lose_blanks_around_them():
    """As they come from being pasted."""
    assert checked_email(" ada+x@School.example ") == "ada+x@School.example"
    assert checked_name(" Ada ") == "Ada"
    with pytest.raises(InvalidPayload):
        checked_name("Ada\nBert")


def test_forms_are_read_within_bounds():
    """The first of two same fields counts; what is no form, no UTF-8 or has too many fields is refused."""
    form = forms.read(b"a=1&a=2&b=%C3%A9", f"{FORM}; charset=UTF-8")
    assert (form["a"], form["b"], form["c"]) == ("1", "é", "")
    for body, kind, error in [
        (b"{}", "application/json", UnsupportedMediaType),
        (b"a=%ff", FORM, InvalidPayload),
        (b"\xff=1", FORM, InvalidPayload),
        (b"&".join(b"a=1" for _ in range(201)), FORM, InvalidPayload),
        (b"a=%00", FORM, InvalidPayload),
    ]:
        with pytest.raises(error):
            forms.read(body, kind)


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1", "0", "101", "٣", "1" * 30])
def test_whole_numbers_are_whole_and_in_bounds(text):
    """Anything else names the field and what it takes."""
    with pytest.raises(InvalidPayload, match="from 1 to 100"):
        forms.Form({"n": text}).whole_number("n", 1, 100)


def test_what_an_act_refuses_stands_at_its_field():
    """Errors by field go to their fields, others to the form as a whole."""
    form = forms.Form({"email": "x"})
    form.refused(InvalidPayload.field("email", "an address"))
    form.refused(RocketError("nothing goes"))
    assert (form.faults, form.fault) == ({"email": "an address"}, "nothing goes")


def test_a_chart_tells_the_largest_apart_and_adds_up():
    """Four rules by name, the rest as one; each day's row adds up to what was given."""
    days = [date(2026, 3, one) for one in range(1, 15)]
    series = {f"rule {n}": {days[0]: 10 - n, days[n]: 5} for n in range(1, 8)}
    chart = columns(days, series, "others")
    assert chart.names == ["rule 1", "rule 2", "rule 3", "rule 4", "others"]
    assert sum(sum(values) for _, values in chart.rows) == sum(sum(one.values()) for one in series.values())
    assert all(bar.y >= 0 and bar.y + bar.height <= chart.height for bar in chart.bars)
    assert columns(days, {}, "others").bars == []
    below = columns(days, {"x": {days[0]: -5}}, "others")
    assert (below.bars, below.rows[0][1]) == ([], [-5])
