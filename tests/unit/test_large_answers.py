"""Large answers go out in pieces, so that many of them at once make nobody else wait."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from rocket_server.http.edge.protocol import _Cycle, _Link
from rocket_server.http.edge.turnstile import Turnstile

SIZE = 200_000
PIECE = 64 * 1024


class Transport:
    """Notes what is written, and nothing else."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False


def cycle(transport: Any, flow: FlowControl, way_out: Turnstile) -> _Cycle:
    return _Cycle(
        scope={"method": "GET"},  # type: ignore[typeddict-item]
        transport=_Link(transport, lambda: None, way_out),  # type: ignore[arg-type]
        flow=flow,
        logger=logging.getLogger(),
        access_logger=logging.getLogger(),
        access_log=False,
        default_headers=[],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=True,
        on_response=lambda: None,
    )


async def answer(one: _Cycle, body: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await one.send({"type": "http.response.start", "status": 200, "headers": headers})
    await one.send({"type": "http.response.body", "body": body})


async def test_answers_go_out_piece_by_piece_in_turn() -> None:
    """Each write has 64 KiB at the most, none is left out, and two large answers take turns."""
    way_out, transports = Turnstile(), [Transport(), Transport()]
    order: list[int] = []
    for number, transport in enumerate(transports):
        write = transport.write
        transport.write = lambda data, n=number, w=write: (order.append(n), w(data))  # type: ignore[method-assign,assignment,misc]
    bodies = [b"a" * SIZE, b"b" * SIZE]
    cycles = [cycle(one, FlowControl(one), way_out) for one in transports]  # type: ignore[arg-type]
    await asyncio.gather(*(answer(*pair) for pair in zip(cycles, bodies, strict=True)))
    for transport, body, one in zip(transports, bodies, cycles, strict=True):
        head, _, rest = b"".join(transport.written).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert rest == body
        assert max(map(len, transport.written)) <= PIECE + len(head) + 4
        assert one.response_complete
    assert order == [0, 1] * 4


@pytest.mark.parametrize("goes_away", [False, True])
async def test_what_a_client_does_not_read_is_counted(goes_away: bool) -> None:
    """Where a client stops reading, no more is written, and what is left counts as unread, until it reads on
    or goes away."""
    transport = Transport()
    flow = FlowControl(transport)  # type: ignore[arg-type]
    one = cycle(transport, flow, Turnstile())
    write = transport.write
    transport.write = lambda data: (write(data), flow.pause_writing())  # type: ignore[method-assign,assignment,return-value]
    one.transport._write = transport.write
    answering = asyncio.create_task(answer(one, b"a" * SIZE))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not answering.done()
    assert 0 < one.transport.held < SIZE
    one.disconnected = goes_away
    one.transport._write = write
    flow.resume_writing()
    await answering
    assert one.transport.held == 0
    assert one.response_complete is not goes_away
