"""What the edge does with requests, by path. The application has the table; the edge knows no route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from rocket_server.errors import RocketError
from rocket_server.http.responses import error_response

MAX_FIELDS: Final = 50_000  # values, objects and lists of a body that the framework reads

Scope = MutableMapping[str, Any]
Authenticate = Callable[[Scope], Awaitable[None]]
ErrorShape = Callable[[RocketError, str, Scope], Response]  # of an error, the request's id and head
Handler = Callable[..., Awaitable[Response]]  # of a request and what the path's variables are


def plain(error: RocketError, request_id: str, _scope: Scope) -> Response:
    """An error in the contract's own shape."""
    return error_response(error, request_id)


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for the requests of some paths."""

    max_body_bytes: int
    authenticate: Authenticate  # lets nobody's body in whose credential is refused
    errors: ErrorShape = plain
    max_fields: int | None = MAX_FIELDS  # None: the body's reader has a bound of its own
    streamed: bool = False  # the body is handed on as it comes, and not unpacked
    free_query: bool = False  # parameters that nobody asks for are let be
    waits: bool = True  # False: passes also while a crowd waits for its turn
    hot: Handler | None = None  # where requests of `hot_method` go without the framework's routing
    hot_method: str = "POST"


class Found(NamedTuple):
    """The policy of a path, and the path as the table has it; stands for a route where one is asked for."""

    policy: Policy
    path: str
    variables: Mapping[str, str] = {}


class Policies:
    """Policies by path. A key of the table is a path, `/v1/events`; one with a variable that stands for one
    part, `/hook/{source}/event`; or all that is below a path, `/v1/rules/*`. A path comes before a pattern,
    and that before the longest path above it."""

    def __init__(self, ordinary: Policy, table: Mapping[str, Policy]) -> None:
        """`ordinary` holds for whatever isn't in the table."""
        self._ordinary = Found(ordinary, "(none)")
        self._paths: dict[str, Found] = {}
        self._patterns: list[tuple[str, str, str, Found]] = []
        self._above: list[tuple[str, Found]] = []
        for path, policy in table.items():
            found = Found(policy, path)
            if path.endswith("/*"):
                self._above.append((path[:-1], found))
            elif "{" in path:
                before, _, rest = path.partition("{")
                name, _, after = rest.partition("}")
                self._patterns.append((before, after, name, found))
            else:
                self._paths[path] = found
        self._above.sort(key=lambda above: -len(above[0]))

    def find(self, path: str) -> Found:
        """What holds for a request to `path`."""
        found = self._paths.get(path)
        if found is not None:
            return found
        for before, after, name, found in self._patterns:
            if path.startswith(before) and path.endswith(after):
                value = path[len(before) : len(path) - len(after)]
                if value and "/" not in value:
                    return Found(found.policy, found.path, {name: value})
        for before, found in self._above:
            if path.startswith(before):
                return found
        return self._ordinary
