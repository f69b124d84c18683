"""Files that pages load."""

from __future__ import annotations

from starlette.responses import Response

from rocket_server.console.drawing import static_file
from rocket_server.console.routes import Ask, Routes

routes = Routes()


@routes.page("/console/static/{version}/{name}", None)
async def static(ask: Ask) -> Response:
    """A stylesheet, script or picture."""
    accepts = "gzip" in ask.request.headers.get("accept-encoding", "")
    return await static_file(ask.request.path_params["name"], accepts)
