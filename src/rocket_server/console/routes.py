"""How a page or form becomes a route: who may, whose form it is, and what a handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rocket_server.audit.model import Actor
from rocket_server.console import asking, forms
from rocket_server.console.drawing import draw, drawn
from rocket_server.console.forms import Form
from rocket_server.console.languages import Language, chosen
from rocket_server.errors import AuthenticationFailed, Forbidden, NotFound, RocketError
from rocket_server.http.edge.context import context_of
from rocket_server.http.edge.policies import Policy
from rocket_server.http.services import Services, services_of
from rocket_server.members.model import Visit
from rocket_server.members.roles import Permission
from rocket_server.usecases.signing_in import Came, actor_of

MAX_FORM_BYTES: Final = 64 * 1024
SIGN_IN: Final = "/console/sign-in"
_CODE: Final = "/console/sign-in/code"


@dataclass(slots=True)
class Ask:
    """One request for a page: all that a handler works with."""

    request: Request
    services: Services
    cookies: asking.Cookies
    t: Language
    visitor: Visit | None  # who is signed in, where the page lets others in too
    form: Form = field(default_factory=Form)

    @property
    def visit(self) -> Visit:
        """Who is signed in; every page has somebody but those that say otherwise."""
        assert self.visitor is not None
        return self.visitor

    @property
    def came(self) -> Came:
        """Where the request comes from."""
        return asking.came_from(self.request, self.cookies)

    @property
    def actor(self) -> Actor:
        """Who acts, as the audit log names them."""
        return actor_of(self.visit.member, self.came)

    @property
    def organisation_id(self) -> str:
        """The organisation that is looked at. Raises NotFound while there is none."""
        found = self.visit.session.organisation_id
        if found is None:
            raise NotFound("There is no organisation yet: make one with `rocket init --organisation NAME`.")
        return found

    @property
    def acting(self) -> tuple[Services, str, Actor]:
        """What every use case of an organisation is given first."""
        return self.services, self.organisation_id, self.actor

    def query(self, name: str, most: int = 200) -> str:
        """A parameter of the address, without blanks around it; empty where it isn't there."""
        return self.request.query_params.get(name, "").strip()[:most]

    async def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Draw a page."""
        token, fresh = asking.form_token(self.cookies, self.visitor)
        response = await draw(
            template,
            status,
            t=self.t,
            visit=self.visitor,
            token=token,
            form=self.form,
            path=self.request.url.path,
            query=self.request.query_params,
            **values,
        )
        if fresh is not None:
            asking.hold_visitor(self.cookies, response, fresh)
        return response

    def see(self, path: str, toast: str | None = None) -> Response:
        """Send the browser on after a form, with a word about what was done."""
        glue = "&" if "?" in path else "?"
        return RedirectResponse(f"{path}{glue}toast={toast}" if toast else path, 303)


Handler = Callable[[Ask], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class ConsoleRoute:
    """A page or form. `needs` is the permission that it asks for; None lets in who isn't signed in."""

    method: str
    path: str
    needs: Permission | None
    handler: Handler

    def as_route(self) -> Route:
        """The same for the framework."""

        async def endpoint(request: Request) -> Response:
            return await self.handler(await _asked(self, request))

        return Route(self.path, endpoint, methods=[self.method], include_in_schema=False)


class Routes:
    """The pages and forms of one part of the console, in the order in which they are tried."""

    def __init__(self) -> None:
        self.all: list[ConsoleRoute] = []

    def page(self, path: str, needs: Permission | None) -> Callable[[Handler], Handler]:
        """A page."""
        return self._add("GET", path, needs)

    def form(self, path: str, needs: Permission | None) -> Callable[[Handler], Handler]:
        """What a form of ours is sent to: one that isn't ours changes nothing."""
        return self._add("POST", path, needs)

    def _add(self, method: str, path: str, needs: Permission | None) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.all.append(ConsoleRoute(method, path, needs, handler))
            return handler

        return add


async def _asked(route: ConsoleRoute, request: Request) -> Ask:
    """Who asks, and may they. Raises AuthenticationFailed or Forbidden."""
    services = services_of(request)
    cookies = asking.Cookies(services, request)
    visit = None
    try:
        visit = await asking.visit_of(services, request, cookies)
    except AuthenticationFailed:
        if route.needs is not None:
            raise
    if visit is not None and visit.session.awaits_code and route.path != _CODE:
        if route.needs is not None:
            raise AuthenticationFailed("The second factor is still to come.", {"next": _CODE})
        visit = None
    language = chosen(visit.member.language if visit else None, request.headers.get("accept-language", ""))
    ask = Ask(request, services, cookies, language, visit)
    if route.method == "POST":
        ask.form = forms.read(await request.body(), request.headers.get("content-type", ""))
        asking.check_form(request, cookies, visit, ask.form["token"])
    if route.needs is not None and visit is not None and not visit.may(route.needs):
        raise Forbidden("Your role doesn't include this.", {"text": "error.role"})
    return ask


async def _anyone(_scope: MutableMapping[str, Any]) -> None:
    """Whose credential it is, the route looks at; a form is small."""


def failed(error: RocketError, request_id: str, scope: MutableMapping[str, Any]) -> Response:
    """An error as a page: who isn't signed in is sent to sign in, and then to where they wanted to go."""
    request = Request(scope)
    if isinstance(error, AuthenticationFailed):
        target = error.details.get("next") or _sign_in_for(request)
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": target, "Cache-Control": "no-store"})
        return RedirectResponse(target, 303)
    visit = context_of(request).principal
    visit = visit if isinstance(visit, Visit) and not visit.session.awaits_code else None
    language = chosen(visit.member.language if visit else None, request.headers.get("accept-language", ""))
    token = asking.form_token(asking.Cookies(services_of(request), request), visit)[0] if visit else ""
    return drawn(
        "error.html",
        error.status,
        t=language,
        visit=visit,
        token=token,
        form=Form(),
        path=scope["path"],
        query={},
        error=error,
        request_id=request_id,
    )


def _sign_in_for(request: Request) -> str:
    from rocket_server.console.drawing import link

    wanted = request.url.path if request.method == "GET" else ""
    return link("sign-in", next=wanted if wanted not in ("", "/", "/console") else None)


POLICY: Final = Policy(MAX_FORM_BYTES, _anyone, errors=failed, max_fields=None, free_query=True)
