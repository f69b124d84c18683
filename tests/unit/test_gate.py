"""The gate by itself, around an application of the test's own: it does what the table says of a path."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from rocket_server.errors import AuthenticationFailed, Conflict, RocketError
from rocket_server.http.edge.body import Bodies
from rocket_server.http.edge.gate import Gate
from rocket_server.http.edge.policies import Policies, Policy
from rocket_server.http.edge.room import Room
from rocket_server.http.responses import Json


async def nobody(scope: Any) -> None:
    raise AuthenticationFailed("Who are you?")


async def anybody(scope: Any) -> None:
    pass


def envelope(error: RocketError, request_id: str, scope: Any) -> Json:
    """Errors as another API has them."""
    return Json({"params": {"err": error.code, "resmsgid": request_id}}, status_code=error.status)


async def hot(request: Request, **variables: str) -> Json:
    return Json({"hot": variables, "size": len(await request.body())})


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers the sizes of the messages that a body came in; /fail fails."""
    sizes = []
    while True:
        message = await receive()
        sizes.append(len(message["body"]))
        if not message["more_body"]:
            break
    if "fail" in scope["path"]:
        raise Conflict("Not now.")
    await Json({"sizes": sizes})(scope, receive, send)


ORDINARY = Policy(100, anybody)
POLICIES = Policies(
    ORDINARY,
    {
        "/streamed": Policy(100, anybody, streamed=True),
        "/streamed/closed": Policy(100, nobody, streamed=True),
        "/closed": Policy(100, nobody),
        "/other/*": Policy(10, anybody, errors=envelope),
        "/hot/{name}": Policy(100, anybody, hot=hot),
        "/hot/{name}/free": Policy(100, anybody, hot=hot, free_query=True),
    },
)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    gate = Gate(
        app, bodies=Bodies(1_000, Room(1_000_000)), policies=POLICIES, trusted_proxies=(), log_all=False
    )
    transport = httpx.ASGITransport(gate, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield b"x" * size


async def test_a_body_comes_whole_unless_its_path_is_streamed(client):
    """Handlers get all of it in one message; where they want it as it comes, in the client's own pieces."""
    answer = await client.post("/plain", content=pieces(10, 20, 30))
    assert answer.json() == {"sizes": [60]}
    answer = await client.post("/streamed", content=pieces(10, 20, 30))
    assert answer.json()["sizes"][:3] == [10, 20, 30]


@pytest.mark.parametrize("path", ["/plain", "/streamed", "/fail"])
async def test_a_body_has_the_limit_of_its_path(client, path):
    """More than it may have is 413, whether its length was said before or is only found out."""
    for content in (b"x" * 101, pieces(60, 60)):
        answer = await client.post(path, content=content)
        assert (answer.status_code, answer.json()["error"]) == (413, "payload_too_large")


@pytest.mark.parametrize("path", ["/closed", "/streamed/closed"])
async def test_nothing_of_a_body_is_read_before_its_sender_is_let_in(client, path):
    """Where the table says who is asked, a refusal comes before the body."""
    asked = []

    async def body() -> AsyncIterator[bytes]:
        asked.append(True)
        yield b"x"

    answer = await client.post(path, content=body())
    assert (answer.status_code, answer.json()["error"]) == (401, "authentication_failed")
    assert asked == []


async def test_errors_have_the_shape_of_their_path(client):
    """An API that isn't ours keeps its own envelope, for errors of the edge and of handlers alike."""
    answer = await client.post("/other/fail", content=b"")
    assert (answer.status_code, answer.json()["params"]["err"]) == (409, "conflict")
    assert answer.json()["params"]["resmsgid"] == answer.headers["x-request-id"]
    answer = await client.post("/other/thing", content=b"x" * 11)
    assert (answer.status_code, answer.json()["params"]["err"]) == (413, "payload_too_large")
    answer = await client.post("/other/thing?x=%00", content=b"")
    assert (answer.status_code, answer.json()["params"]["err"]) == (400, "invalid_payload")
    answer = await client.post("/fail", content=b"")
    assert answer.json()["error"] == "conflict"


async def test_a_hot_path_goes_straight_to_its_handler(client):
    """For a POST, with what is open in the path; other methods, and parameters that are judged, don't."""
    answer = await client.post("/hot/a%20b", content=b"xyz")
    assert answer.json() == {"hot": {"name": "a b"}, "size": 3}
    assert "sizes" in (await client.put("/hot/a", content=b"xyz")).json()
    assert "sizes" in (await client.post("/hot/a?x=1", content=b"xyz")).json()
    assert (await client.post("/hot/a/free?x=1", content=b"xyz")).json()["hot"] == {"name": "a"}
