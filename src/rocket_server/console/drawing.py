"""Draws pages from templates: what every page is given, and how times, numbers and links are written."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from rocket_server.console.languages import LANGUAGES, Language
from rocket_server.console.navigation import MAIN
from rocket_server.errors import NotFound

_FILES: Final = files("rocket_server.console") / "static"
_TYPES: Final = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "rocket.svg": "image/svg+xml",
}
_HTMX: Final = json.dumps({"includeIndicatorStyles": False, "allowEval": False, "selfRequestsOnly": True})
_HEADERS: Final = {"Cache-Control": "no-store"}  # pages show what is one person's to see


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("rocket_server.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "main": MAIN,
        "languages": sorted(LANGUAGES),
        "file": static_path,
        "htmx_config": _HTMX,
        "when": when,
        "day": day,
        "link": link,
        "number": number,
    }
    return made


def when(moment: datetime | None) -> Markup:
    """A time: in UTC for those without scripts, and for `console.js` to write in the viewer's own zone."""
    if moment is None:
        return Markup("–")
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}" data-moment>{} UTC</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%d %H:%M")
    )


def day(moment: Any) -> Markup:
    """A calendar day of the organisation's, which is the same day everywhere."""
    return Markup('<time datetime="{0}" data-day>{0}</time>').format(moment.isoformat())


def link(*parts: str, **query: Any) -> str:
    """A path of the console, each part escaped; what is None isn't in the query."""
    path = "/".join(("/console", *(quote(part, safe="") for part in parts)))
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


@pass_context
def number(context: Mapping[str, Any], value: float, *, signed: bool = False) -> str:
    """A number as the viewer's language writes it."""
    language: Language = context["t"]
    text = language.number(value)
    return f"+{text}" if signed and value > 0 else text


async def draw(template: str, status: int = 200, **values: Any) -> Response:
    """A page. A template is read and compiled once, off the loop."""
    if template not in _compiled:
        await asyncio.to_thread(_templates.get_template, template)
        _compiled.add(template)
    return drawn(template, status, **values)


def drawn(template: str, status: int = 200, **values: Any) -> Response:
    """A page, at once."""
    content = _templates.get_template(template).render(values)
    return HTMLResponse(content, status, headers=_HEADERS)


_compiled: Final[set[str]] = set()


@cache
def _content(name: str) -> bytes:
    return (_FILES / name).read_bytes()


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(_content(name), 9)


@cache
def static_path(name: str) -> str:
    """Where a file is had: its address changes with what is in it, so that browsers keep it for ever."""
    return f"/console/static/{hashlib.sha256(_content(name)).hexdigest()[:16]}/{name}"


async def static_file(name: str, accepts_gzip: bool) -> Response:
    """A file that pages load. Raises NotFound."""
    if name not in _TYPES:
        raise NotFound("There is no such file.")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if accepts_gzip:
        headers["Content-Encoding"] = "gzip"
        return Response(await asyncio.to_thread(_packed, name), media_type=_TYPES[name], headers=headers)
    return Response(_content(name), media_type=_TYPES[name], headers=headers)


_templates: Final = _environment()
