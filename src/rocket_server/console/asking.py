"""Who asks for a page: cookies, the visit behind them, and proof that a form is one of ours."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from rocket_server.errors import AuthenticationFailed, Forbidden
from rocket_server.http.edge.context import address_block, context_of
from rocket_server.http.services import Services
from rocket_server.members.model import LASTS, Visit, new_secret
from rocket_server.members.sessions import From
from rocket_server.presence import acting_for
from rocket_server.usecases import signing_in
from rocket_server.usecases.signing_in import Came, SignedIn

_BROWSER_LASTS_S: Final = 400 * 24 * 3600  # the longest that browsers keep a cookie
_VISITOR: Final = "visitor"  # stands for who isn't signed in: a form of theirs has to be ours, too
_SESSION: Final = "session"
_BROWSER: Final = "browser"
_MAX_SECRET: Final = 100  # characters of a cookie that is worth hashing


class Cookies:
    """The console's cookies. By https they carry `__Host-`: no other host, and nobody without https, can set
    them."""

    def __init__(self, services: Services, request: Request) -> None:
        self._secure = services.settings.public_url.startswith("https:")
        self._request = request

    def get(self, name: str) -> str | None:
        """What a cookie holds."""
        value = self._request.cookies.get(self._named(name))
        return value if value and len(value) <= _MAX_SECRET else None

    def set(self, response: Response, name: str, value: str, max_age_s: int | None) -> None:
        """Let the browser hold `value`; without an age until it is closed."""
        response.set_cookie(
            self._named(name),
            value,
            max_age=max_age_s,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, response: Response, name: str) -> None:
        """Let the browser forget a cookie."""
        response.delete_cookie(
            self._named(name), path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def _named(self, name: str) -> str:
        return f"__Host-rocket_{name}" if self._secure else f"rocket_{name}"


def came_from(request: Request, cookies: Cookies) -> Came:
    """Where a request comes from, and the browser's own cookie."""
    context = context_of(request)
    address = None if context.address is None else context.client
    browser = "".join(char for char in request.headers.get("user-agent", "") if char.isprintable())[:200]
    return Came(
        From(address, browser),
        address_block(context.address),
        cookies.get(_BROWSER),
        context.request_id,
    )


async def visit_of(services: Services, request: Request, cookies: Cookies) -> Visit:
    """Who asks. Raises AuthenticationFailed where nobody is signed in."""
    secret = cookies.get(_SESSION)
    if secret is None:
        raise AuthenticationFailed("Sign in.")
    visit = await signing_in.visit(services, secret)
    context = context_of(request)
    context.principal = visit
    context.sender = visit.session.organisation_id or visit.member.member_id
    acting_for.set(visit.session.organisation_id)
    return visit


def hold(cookies: Cookies, response: Response, entered: SignedIn) -> None:
    """Let a browser hold what lets it in."""
    cookies.set(response, _SESSION, entered.session, int(LASTS.total_seconds()))
    if entered.browser is not None:
        cookies.set(response, _BROWSER, entered.browser, _BROWSER_LASTS_S)


def hold_session(cookies: Cookies, response: Response, secret: str) -> None:
    """Let a browser hold the new secret of its session."""
    cookies.set(response, _SESSION, secret, int(LASTS.total_seconds()))


def let_go(cookies: Cookies, response: Response) -> None:
    """Let a browser hold no session any more; that it is known stays."""
    cookies.drop(response, _SESSION)


def form_token(cookies: Cookies, visit: Visit | None) -> tuple[str, str | None]:
    """What a form of ours carries, and the secret that a visitor's browser is to hold for it, if it has none.
    It belongs to the session and the organisation that is looked at: a form that another tab shows of another
    organisation changes nothing in this one."""
    if visit is not None:
        return _token(cookies.get(_SESSION) or "", visit.session.organisation_id or ""), None
    held = cookies.get(_VISITOR)
    secret = held or new_secret()
    return _token(secret, ""), None if held else secret


def hold_visitor(cookies: Cookies, response: Response, secret: str) -> None:
    """Let a visitor's browser hold what their forms are compared with."""
    cookies.set(response, _VISITOR, secret, None)


def check_form(request: Request, cookies: Cookies, visit: Visit | None, token: str) -> None:
    """Raise Forbidden for a form that isn't ours, or that was made for another session."""
    origin = request.headers.get("origin")
    if origin is not None and not _is_own(origin, request):
        raise Forbidden("This form comes from another site.", {"text": "error.form"})
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This form comes from another site.", {"text": "error.form"})
    secret = cookies.get(_VISITOR if visit is None else _SESSION)
    expected = _token(secret or "", (visit.session.organisation_id or "") if visit else "")
    if secret is None or not hmac.compare_digest(expected.encode(), token.encode("utf-8", "replace")):
        raise Forbidden(
            "This form is out of date: you signed in anew, or look at another organisation.",
            {"text": "error.form"},
        )


def _is_own(origin: str, request: Any) -> bool:
    public = request.app.state.services.settings.public_url
    try:
        given = urlsplit(origin)
        return given.netloc != "" and given.netloc in (request.headers.get("host"), urlsplit(public).netloc)
    except ValueError:
        return False


def _token(secret: str, organisation_id: str) -> str:
    return hmac.new(secret.encode(), f"form:{organisation_id}".encode(), hashlib.sha256).hexdigest()
