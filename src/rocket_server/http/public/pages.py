"""Pages for browsers: the documentation of the API, and the way to the console."""

from __future__ import annotations

import asyncio
import gzip
from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rocket_server.errors import NotFound

router = APIRouter(include_in_schema=False)

_ASSETS: Final = files("rocket_server.http") / "assets"
_TYPES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "docs.js": "text/javascript",
}
_PACKED: Final = frozenset({"swagger-ui-bundle.js", "swagger-ui.css"})
_ASSET_HEADERS: Final = {
    "Cache-Control": "public, max-age=3600",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
_unpacked: Final[dict[str, bytes]] = {}


def _page(title: str, head: str, content: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n{head}\n</head>\n<body>\n{content}\n</body>\n</html>\n"
    )


_DOCS: Final = _page(
    "API of Rocket Learning Rewards",
    '<link rel="stylesheet" href="docs/assets/swagger-ui.css">',
    '<div id="swagger-ui"></div>\n<script src="docs/assets/swagger-ui-bundle.js"></script>\n'
    '<script src="docs/assets/docs.js"></script>\n'
    '<noscript>These pages need JavaScript; <a href="openapi.json">the document</a> needs none.</noscript>',
)


@router.get("/")
async def root() -> RedirectResponse:
    """To the console, wherever a browser believes to be: no host is named."""
    return RedirectResponse("console", 307)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The API's pages, drawn by Swagger UI from `/openapi.json`."""
    return HTMLResponse(_DOCS)


@router.get("/docs/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """A file that a page loads."""
    if name not in _TYPES:
        raise NotFound("There is no such file.")
    content, headers = _content(name), _ASSET_HEADERS
    if name in _PACKED:
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers = {**headers, "Content-Encoding": "gzip"}
        else:
            # Kept: answers that wait to be read by many clients then hold the same bytes.
            if name not in _unpacked:
                _unpacked[name] = await asyncio.to_thread(gzip.decompress, content)
            content = _unpacked[name]
    return Response(content, media_type=_TYPES[name], headers=headers)


@cache
def _content(name: str) -> bytes:
    return (_ASSETS / (f"{name}.gz" if name in _PACKED else name)).read_bytes()
