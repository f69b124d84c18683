"""Who asks: the key and its role, and the person on whose behalf a platform calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from rocket_server.errors import Forbidden, InvalidPayload, NotFound
from rocket_server.http.actors import actor_of
from rocket_server.http.auth import Principal, key_with
from rocket_server.http.edge.body import decode_json
from rocket_server.http.edge.policies import Handler
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.ids import parse_uuid
from rocket_server.sources import checks
from rocket_server.sources.checks import Fault
from rocket_server.usecases.examination.authors import Author

AUTHOR = "assessments:author"
REVIEW = "assessments:review"
TAKE = "assessments:take"

AuthorKey = Annotated[Principal, Depends(key_with(AUTHOR))]
ReviewKey = Annotated[Principal, Depends(key_with(REVIEW))]
TakeKey = Annotated[Principal, Depends(key_with(TAKE))]
StaffKey = Annotated[Principal, Depends(key_with(AUTHOR, REVIEW))]
AnyKey = Annotated[Principal, Depends(key_with(TAKE, AUTHOR, REVIEW))]

_HEADERS = ("x-user-id", "userid", "user-id")


async def _named(
    request: Request,
    in_query: Annotated[
        str | None, Query(alias="userId", max_length=255, description="As the header `X-User-ID`.")
    ] = None,
) -> str | None:
    """The person whom the request names, in the form in which identities are kept."""
    return _person(request, in_query)


def _person(request: Request, in_query: str | None = None) -> str | None:
    said = {value for name in _HEADERS for value in request.headers.getlist(name) if value}
    if in_query:
        said.add(in_query)
    if len(said) > 1:
        raise Forbidden(
            "X-User-ID is sent more than once, and says different things.", {"field": "X-User-ID"}
        )
    return identity(said.pop(), "X-User-ID") if said else None


Named = Annotated[str | None, Depends(_named)]


def identity(value: str, field: str) -> str:
    """An identity as it is kept. Raises InvalidPayload."""
    try:
        return checks.user_id(value)
    except Fault as fault:
        raise InvalidPayload.field(field, str(fault)) from fault


async def _required(named: Named) -> str:
    return required(named)


def required(named: str | None) -> str:
    """The person whom the request names. Raises InvalidPayload where it names nobody."""
    if named is None:
        raise InvalidPayload.field("X-User-ID", "is required: it names the learner")
    return named


Learner = Annotated[str, Depends(_required)]


def at_once(handler: Callable[..., Awaitable[Json]], *, reads_body: bool = False) -> Handler:
    """A learner's handler without the framework, which takes four times as long as what it leads to. The key
    may come from memory: the transaction looks whether it still counts."""

    async def hot(request: Request, **variables: str) -> Json:
        principal = await services_of(request).authenticator.principal(request, remembered=True)
        principal.needs(TAKE)
        learner = required(_person(request))
        if not reads_body:
            return await handler(request, principal, learner, **variables)
        return await handler(request, principal, learner, **variables, body=await _object(request))

    return hot


async def _object(request: Request) -> dict[str, Any]:
    body = decode_json(await request.body())
    if not isinstance(body, dict):
        raise InvalidPayload.field("body", "must be a JSON object")
    return body


def author_of(request: Request, principal: Principal, named: str | None) -> Author:
    """Who makes a change: a key, for the person whom the platform names or for itself."""
    actor = actor_of(request, principal)
    return Author(actor, named or actor.short)


def is_staff(principal: Principal) -> bool:
    """Whether the key may see right answers and everybody's attempts."""
    return not principal.key.scopes.isdisjoint({AUTHOR, REVIEW, "admin"})


def known(value: Any, field: str, what: str) -> str:
    """An id as it is kept. Raises NotFound for what can be none: nothing has it."""
    found = parse_uuid(value) if isinstance(value, str) else None
    if found is None:
        raise NotFound(f"There is no such {what}.", {"field": field})
    return found
