"""One's own account: who one is, password, second factor, where one is signed in."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import RedirectResponse, Response

from rocket_server.console import asking
from rocket_server.console.languages import LANGUAGES
from rocket_server.console.routes import SIGN_IN, Ask, Routes
from rocket_server.errors import AuthenticationFailed, RateLimitExceeded, RocketError
from rocket_server.members import codes, sessions, store
from rocket_server.usecases import own_account, signing_in

routes = Routes()

_PATH = "/console/settings"


@routes.page("/console/settings", "own")
async def account(ask: Ask) -> Response:
    """Who one is, and what protects the account."""
    return await _page(ask)


@routes.form("/console/settings/details", "own")
async def details(ask: Ask) -> Response:
    """Change one's own address, name and language; with them the first password, where there is none."""
    language = ask.form["language"] if ask.form["language"] in LANGUAGES else None
    given = own_account.Details(ask.form["email"], ask.form["name"], language)
    try:
        await own_account.change_details(ask.services, ask.visit, ask.came, given)
    except RocketError as error:
        ask.form.refused(error)
        return await _page(ask, error.status)
    return ask.see(_PATH, "saved")


@routes.form("/console/settings/password", "own")
async def password(ask: Ask) -> Response:
    """Change the password: signed out everywhere else."""
    if ask.form["new_password"] != ask.form["again"]:
        ask.form.faults["again"] = ask.t("password.differ")
        return await _page(ask, 400)
    try:
        secret = await own_account.change_password(
            ask.services, ask.visit, ask.came, ask.form["old_password"], ask.form["new_password"]
        )
    except AuthenticationFailed:
        return RedirectResponse(SIGN_IN, 303)
    except RocketError as error:
        return await _refused(ask, error)
    response = ask.see(_PATH, "password_changed")
    asking.hold_session(ask.cookies, response, secret)
    return response


@routes.page("/console/settings/second-factor", "own")
async def code_page(ask: Ask) -> Response:
    """A new secret as a picture for an app, and the form for its first code."""
    if ask.visit.member.has_code:
        return RedirectResponse(_PATH, 303)
    return await _code_page(ask, codes.new_secret())


@routes.form("/console/settings/second-factor", "own")
async def add_code(ask: Ask) -> Response:
    """Switch the second factor on; shows the recovery codes, once."""
    secret = ask.form["secret"]
    try:
        fresh = await own_account.add_code(ask.services, ask.visit, ask.came, secret, ask.form["code"][:20])
    except RocketError as error:
        ask.form.refused(error)
        known = secret if codes.is_secret(secret) else codes.new_secret()
        return await _code_page(ask, known, error.status)
    return await ask.page("recovery_codes.html", codes=fresh)


@routes.form("/console/settings/second-factor/remove", "own")
async def remove_code(ask: Ask) -> Response:
    """Switch the second factor off."""
    try:
        await own_account.remove_code(ask.services, ask.visit, ask.came, ask.form["password"])
    except RocketError as error:
        return await _refused(ask, error)
    return ask.see(_PATH, "second_factor_off")


@routes.form("/console/settings/sessions/end", "own")
async def end_sessions(ask: Ask) -> Response:
    """Sign out in one other browser, or in all others."""
    if ask.form["session_id"]:
        await signing_in.end_session(ask.services, ask.visit, ask.form["session_id"], ask.came)
    else:
        await own_account.end_other_sessions(ask.services, ask.visit, ask.came)
    return ask.see(_PATH, "session_ended")


async def _refused(ask: Ask, error: RocketError) -> Response:
    if isinstance(error, RateLimitExceeded):
        ask.form.fault = ask.t("sign_in.wait", count=error.retry_after_s)
    else:
        ask.form.refused(error)
    return await _page(ask, error.status)


async def _page(ask: Ask, status: int = 200) -> Response:
    member = ask.visit.member
    async with ask.services.database.connection() as conn:
        there = await sessions.of_member(conn, member.member_id, datetime.now(UTC))
        left = await store.recovery_codes_left(conn, member.member_id) if member.has_code else 0
    return await ask.page("account.html", status, member=member, sessions=there, codes_left=left)


async def _code_page(ask: Ask, secret: str, status: int = 200) -> Response:
    label = ask.visit.member.label
    picture = codes.picture(secret, label)
    return await ask.page("second_factor.html", status, secret=secret, picture=picture)
