"""Pages that aren't built yet: what to use until they are."""

from __future__ import annotations

from starlette.responses import Response

from rocket_server.console.navigation import MAIN, Entry
from rocket_server.console.routes import Ask, Handler, Routes

routes = Routes()


def _handler(entry: Entry) -> Handler:
    async def page(ask: Ask) -> Response:
        return await ask.page("soon.html", entry=entry)

    return page


for _entry in MAIN:
    if not _entry.is_built:
        routes.page(_entry.path, _entry.needs)(_handler(_entry))
