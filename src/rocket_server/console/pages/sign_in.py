"""Signing in and out: by password, second factor and link."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from rocket_server.console import asking
from rocket_server.console.drawing import link
from rocket_server.console.routes import SIGN_IN, Ask, Routes
from rocket_server.errors import AuthenticationFailed, InvalidPayload, RateLimitExceeded
from rocket_server.usecases import signing_in

routes = Routes()

_HOME = "/console"


def _next(wanted: str) -> str:
    """Where somebody wanted to go, where that is a page of ours."""
    is_own = wanted.startswith("/console/") and wanted.isprintable() and "\\" not in wanted
    return wanted if is_own and len(wanted) <= 500 else _HOME


@routes.page("/console/sign-in", None)
async def sign_in_page(ask: Ask) -> Response:
    """The form to sign in; who is signed in goes on."""
    if ask.visitor is not None:
        return RedirectResponse(_next(ask.query("next", 500)), 303)
    return await ask.page("sign_in.html", wanted=_next(ask.query("next", 500)))


@routes.form("/console/sign-in", None)
async def sign_in(ask: Ask) -> Response:
    """Sign in by password."""
    wanted = _next(ask.form["next"])
    try:
        entered = await signing_in.sign_in(
            ask.services, ask.form["email"][:300], ask.form["password"], ask.came
        )
    except AuthenticationFailed:
        ask.form.fault = ask.t("sign_in.wrong")
        return await ask.page("sign_in.html", 403, wanted=wanted)
    except RateLimitExceeded as error:
        return await _wait(ask, "sign_in.html", error, wanted=wanted)
    target = link("sign-in", "code", next=wanted) if entered.awaits_code else wanted
    response = RedirectResponse(target, 303)
    asking.hold(ask.cookies, response, entered)
    return response


@routes.page("/console/sign-in/code", "own")
async def code_page(ask: Ask) -> Response:
    """The form for the second factor."""
    if not ask.visit.session.awaits_code:
        return RedirectResponse(_HOME, 303)
    return await ask.page("code.html", wanted=_next(ask.query("next", 500)))


@routes.form("/console/sign-in/code", "own")
async def code(ask: Ask) -> Response:
    """Finish signing in by the second factor."""
    wanted = _next(ask.form["next"])
    if not ask.visit.session.awaits_code:
        return RedirectResponse(wanted, 303)
    try:
        entered = await signing_in.enter_code(ask.services, ask.visit, ask.form["code"][:100], ask.came)
    except InvalidPayload:
        ask.form.faults["code"] = ask.t("code.wrong")
        return await ask.page("code.html", 400, wanted=wanted)
    except RateLimitExceeded as error:
        return await _wait(ask, "code.html", error, wanted=wanted)
    response = RedirectResponse(wanted, 303)
    asking.hold(ask.cookies, response, entered)
    return response


@routes.page("/console/link/{secret}", None)
async def link_page(ask: Ask) -> Response:
    """Where a link leads: the first administrator is signed in, others choose a password."""
    secret = ask.request.path_params["secret"]
    kind = await signing_in.kind_of_link(ask.services, secret)
    if kind == "first":
        return await _enter(ask, secret, None)
    return await ask.page("link.html", kind=kind)


@routes.form("/console/link/{secret}", None)
async def follow_link(ask: Ask) -> Response:
    """Choose a password and be signed in."""
    secret = ask.request.path_params["secret"]
    kind = await signing_in.kind_of_link(ask.services, secret)
    if ask.form["password"] != ask.form["again"]:
        ask.form.faults["again"] = ask.t("password.differ")
        return await ask.page("link.html", 400, kind=kind)
    try:
        return await _enter(ask, secret, ask.form["password"])
    except InvalidPayload as error:
        ask.form.refused(error)
        return await ask.page("link.html", error.status, kind=kind)


@routes.form("/console/sign-out", "own")
async def sign_out(ask: Ask) -> Response:
    """Sign out."""
    await signing_in.sign_out(ask.services, ask.visit, ask.came)
    response = RedirectResponse(SIGN_IN, 303)
    asking.let_go(ask.cookies, response)
    return response


async def _enter(ask: Ask, secret: str, password: str | None) -> Response:
    entered = await signing_in.follow_link(ask.services, secret, ask.came, password)
    response = RedirectResponse(link("sign-in", "code") if entered.awaits_code else _HOME, 303)
    asking.hold(ask.cookies, response, entered)
    return response


async def _wait(ask: Ask, template: str, error: RateLimitExceeded, **values: str) -> Response:
    ask.form.fault = ask.t("sign_in.wait", count=error.retry_after_s)
    response = await ask.page(template, error.status, **values)
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response
