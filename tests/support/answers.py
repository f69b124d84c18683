"""Every answer that a test gets is held against what the API's document says of its route."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from rocket_server.app import api_routes


def check(response: httpx.Response) -> None:
    """Raise AssertionError where a good JSON answer has a field more, less or of another type than its model
    says. A hook for clients of tests."""
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if not response.is_success or media_type != "application/json":
        return
    route = _route(response.request.method, response.request.url.path)
    if route is None or response.status_code != (route.status_code or 200):
        return
    response.read()
    body = response.json()
    said = TypeAdapter(route.response_model)
    read = said.validate_json(response.content, strict=True)
    again = said.dump_python(read, mode="json", exclude_unset=True)
    assert again == body, f"{route.path} answers what its model doesn't say: {_beyond(body, again)}"


def _route(method: str, path: str) -> APIRoute | None:
    """The route that answers, if its answer is described."""
    for route in _described():
        if method in route.methods and route.path_regex.match(path):
            return route
    return None


@cache
def _described() -> list[APIRoute]:
    return [route for route in api_routes() if route.response_model is not None]


def _beyond(body: Any, said: Any, path: str = "") -> list[str]:
    """Where the two differ."""
    if isinstance(body, dict) and isinstance(said, dict):
        return [
            where
            for key in body
            for where in (
                _beyond(body[key], said[key], f"{path}.{key}") if key in said else [f"{path}.{key}"]
            )
        ]
    if isinstance(body, list) and isinstance(said, list) and len(body) == len(said):
        return [
            where
            for index, pair in enumerate(zip(body, said, strict=True))
            for where in _beyond(*pair, f"{path}[{index}]")
        ]
    return [] if body == said else [f"{path}: {body!r}"]
