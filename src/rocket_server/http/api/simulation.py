"""Changed rules tried on the past: `POST /v1/rules/simulate`. Nothing is written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.errors import ClientGone, Conflict, InvalidPayload, Unavailable
from rocket_server.http import openapi
from rocket_server.http.api.answers import rules as rule_answers
from rocket_server.http.aside import aside
from rocket_server.http.auth import ReadKey
from rocket_server.http.responses import Json
from rocket_server.http.services import Services, services_of
from rocket_server.organisations import store as organisations
from rocket_server.rules import templates
from rocket_server.rules.model import Rule
from rocket_server.rules.parse import MAX_RULES
from rocket_server.simulation.apart import simulate_apart
from rocket_server.simulation.model import Period
from rocket_server.simulation.run import DEFAULT_TOP, MAX_TOP
from rocket_server.sources.checks import Fault
from rocket_server.sources.times import parse_time

router = APIRouter(prefix="/v1/rules", tags=["rules"], responses=openapi.ERRORS)

# Each is a process; more at once would be felt by those who send events.
_AT_ONCE: Final = 2
_RETRY_AFTER_S: Final = 10
_AGO: Final = re.compile(r"([0-9]{1,6})([mhdw])", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_running: set[str] = set()  # organisations whose simulations this process has begun

Moment = Annotated[str, Field(min_length=1, max_length=40)]


class SimulationRequest(BaseModel):
    """Candidate rules, and the events that they are tried on, by when they were received."""

    model_config = ConfigDict(extra="forbid")

    rules: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_RULES)
    since: Moment = Field(
        description="RFC 3339, Unix seconds as digits, or so long ago: 30m, 12h, 90d, 4w.",
        examples=["90d"],
    )
    until: Moment | None = None
    top: int = Field(
        default=DEFAULT_TOP, ge=1, le=MAX_TOP, description="Learners shown who gain, and who lose."
    )


@router.post("/simulate", response_model=rule_answers.Simulation)
async def simulate_rules(request: Request, principal: ReadKey, body: SimulationRequest) -> Json:
    """What the rules in the body would have given, beside what was given; nothing is written.

    The organisation's other rules count as they were. One simulation of an organisation runs at a time, and
    only for a limited time: 409 says what to do.
    """
    services = services_of(request)
    activities = services.configurations.activities
    rules = await aside(lambda: templates.read_rules({"rules": body.rules}, activities))
    if principal.organisation_id in _running:
        raise Conflict(
            "A simulation of this organisation is running. Wait until it has ended, then try again."
        )
    if len(_running) >= _AT_ONCE:
        raise Unavailable(
            "Other simulations are running in this server. Send the same request again.", _RETRY_AFTER_S
        )
    _running.add(principal.organisation_id)
    try:
        return Json(await _unless_gone(request, _run(services, principal.organisation_id, rules, body)))
    finally:
        _running.discard(principal.organisation_id)


async def _run(
    services: Services, organisation_id: str, rules: tuple[Rule, ...], body: SimulationRequest
) -> dict[str, Any]:
    async with services.database.connection() as conn:
        organisation = await organisations.read(conn, organisation_id)
    period = _period(body, organisation.timezone, datetime.now(UTC))
    return await simulate_apart(
        services.database.url,
        organisation_id,
        rules,
        period,
        body.top,
        services.settings.simulation_budget_s,
        services.settings.moodle_activities,
    )


async def _unless_gone(request: Request, work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """What `work` answers; it is cancelled when the client goes away."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_wait_until_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone("The client went away before it was answered.")
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _period(body: SimulationRequest, zone: ZoneInfo, now: datetime) -> Period:
    since = _moment("since", body.since, zone, now)
    until = None if body.until is None else _moment("until", body.until, zone, now)
    if until is not None and until <= since:
        raise InvalidPayload.field("until", "must be after since")
    return Period(since, until)


def _moment(name: str, text: str, zone: ZoneInfo, now: datetime) -> datetime:
    if ago := _AGO.fullmatch(text):
        try:
            return max(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}), datetime(2000, 1, 1, tzinfo=UTC))
        except OverflowError:
            return datetime(2000, 1, 1, tzinfo=UTC)
    try:
        return parse_time(text, timezone=zone, received_at=now, max_ahead_s=86_400)
    except Fault as fault:
        raise InvalidPayload.field(name, f"{fault}; or so long ago: 30m, 12h, 90d, 4w") from None
