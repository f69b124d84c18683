"""Query strings: parameters that are unknown or come twice are refused, and blanks that were plus signs are
mended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import islice

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from rocket_server.errors import FieldError, InvalidPayload

_MAX_NAMED = 20
# A time of day, then a blank where an offset's plus sign was: a form knows `+` as a blank.
_LOST_PLUS = re.compile(r"(:\d\d(?:\.\d{1,30})?) (\d\d:\d\d)", re.ASCII)

_known: dict[tuple[str, str], frozenset[str]] = {}  # by path and methods of routes, which are few


async def only_known_parameters(request: Request) -> None:
    """Raise InvalidPayload for a query parameter that the route doesn't have, with the one that may be meant,
    or that comes more than once: none is a list.

    Left out, `?userid=7` would answer everybody's events, and `?user_id=7&user_id=8` those of one of them.
    """
    sent = Counter(name for name, _ in request.query_params.multi_items())
    route = request.scope.get("route")
    if not sent or not isinstance(route, APIRoute):
        return
    known = _parameters(route)
    # No further than needed: a head has room for ten thousand names, and each takes a while to advise on.
    wrong = islice(
        ((name, times) for name, times in sent.items() if name not in known or times > 1),
        _MAX_NAMED,
    )
    faults = [
        FieldError(
            printable(name),
            f"is given {times} times; give it once" if name in known else _advice(name, known),
        )
        for name, times in wrong
    ]
    if faults:
        raise InvalidPayload.from_fields(faults)


def with_plus(moment: str) -> str:
    """A time whose offset lost its plus sign on the way, as it was meant; any other text as it is."""
    return _LOST_PLUS.sub(r"\1+\2", moment)


def address(text: str) -> str:
    """An e-mail address as it was meant: none has a blank in it, but many a plus sign."""
    return text.replace(" ", "+") if "@" in text else text


def printable(name: str) -> str:
    """A parameter's name that can be written into any answer."""
    return name[:100].replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _parameters(route: APIRoute) -> frozenset[str]:
    """The names of a route's parameters."""
    key = (route.path, " ".join(sorted(route.methods or ())))
    if key not in _known:
        _known[key] = frozenset(_named_by(route.dependant))
    return _known[key]


def _named_by(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _named_by(inner)


def _advice(name: str, known: Collection[str]) -> str:
    meant = get_close_matches(name[:100].lower(), sorted(known), n=1, cutoff=0.6)
    if meant:
        return f"is no query parameter of this path; {meant[0]} may be meant"
    listed = f"; it takes {', '.join(sorted(known))}" if known else "; it takes none"
    return f"is no query parameter of this path{listed}"
