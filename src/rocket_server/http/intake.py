"""Where events come in: platforms' hooks, single events, batches, and their validation.

These handlers read the raw body and decode it once; they are the hot path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from msgspec import Raw

from rocket_server import sources
from rocket_server.configuration.snapshot import Configuration
from rocket_server.db.halves import by_halves
from rocket_server.errors import (
    AuthenticationFailed,
    Contended,
    FieldError,
    Forbidden,
    InvalidPayload,
    RocketError,
)
from rocket_server.events.model import Event
from rocket_server.group_commit import Submission
from rocket_server.http import openapi
from rocket_server.http.api.answers import events as event_answers
from rocket_server.http.auth import AcceptedSource, Principal, check_address
from rocket_server.http.edge.body import decode_event, split_batch
from rocket_server.http.edge.context import RequestContext, context_of
from rocket_server.http.responses import Json, rfc3339
from rocket_server.http.services import Services, services_of
from rocket_server.metrics import EVENTS, POINTS
from rocket_server.organisations import request_log
from rocket_server.organisations.model import Source
from rocket_server.pace import Pace, TakesTooLong
from rocket_server.pipeline import Result
from rocket_server.sources import rocket

router = APIRouter()

MAX_BATCH_EVENTS = 10_000
MAX_EVENT_BYTES = 1024 * 1024  # of one event in a batch, and of those of a batch that are read at once
_DECODING_S = 10.0  # of one batch, the time that others have in between included
MAX_BATCH_ERRORS = 1_000  # bad events whose errors an answer says; the rest is counted
_MAX_EVENT_ERRORS = 8  # of these that are said of one of them
_NOT_SAID = "not said, as 1000 events before it are bad too; ask POST /v1/events/validate about it"
_events = cache(EVENTS.labels)
_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"
_HOOK_WORDS = {"processed": "success", "held": "ignored"}


@router.post(
    "/v1/events",
    openapi_extra=openapi.EVENT,
    responses=openapi.INTAKE_ERRORS,
    tags=["events"],
    response_model=event_answers.Processed,
)
async def post_event(request: Request) -> Json:
    """Store one event and award what it is worth; answered after commit. One sent before is a duplicate."""
    services = services_of(request)
    principal = await services.authenticator.principal(request, remembered=True)
    principal.needs("events:write")
    body = decode_event(await request.body())
    received_at = datetime.now(UTC)

    def read(configuration: Configuration) -> Sequence[Event]:
        event = _parse(body, configuration, received_at, services)
        if isinstance(event, list):
            raise InvalidPayload.from_fields(event)
        return [event]

    (result,) = await _submit(request, principal, 1, read)
    return Json(
        {
            "status": result.status,
            "event_id": result.event_id,
            "processed_at": rfc3339(datetime.now(UTC)),
            "points_awarded": result.points_awarded,
            "badges": result.badges,
            "decisions": result.decisions,
            **({"reason": result.reason} if result.reason else {}),
        }
    )


@router.post(
    "/v1/events/batch",
    openapi_extra=openapi.BATCH,
    responses=openapi.INTAKE_ERRORS,
    tags=["events"],
    response_model=event_answers.Batch,
)
@router.post("/api/events/batch", include_in_schema=False)
async def post_batch(request: Request) -> Json:
    """Store up to 10,000 events. Bad ones are reported by their index; the rest are processed."""
    services = services_of(request)
    principal = await services.authenticator.principal(request, remembered=True)
    principal.needs("events:write")
    events = split_batch(await request.body())
    if events is None or not 1 <= len(events) <= MAX_BATCH_EVENTS:
        raise InvalidPayload.field("events", f"a list of 1 to {MAX_BATCH_EVENTS} events")
    received_at = datetime.now(UTC)
    decoded = await _decoded(events)
    answers: list[dict[str, Any]] = []
    while len(answers) < len(events):
        start = len(answers)
        size = services.group_commit.group_size(principal.organisation_id)
        size = _within(events, start, size)
        answers += await _process_part(request, principal, decoded[start : start + size], start, received_at)
    return Json(_batch_answer(answers))


async def _decoded(events: Sequence[Raw]) -> list[Any]:
    """Each event of a batch decoded, or InvalidPayload in its place; others have their turn in between."""
    pace = Pace(_DECODING_S)
    decoded: list[Any] = []
    for event in events:
        if memoryview(event).nbytes > MAX_EVENT_BYTES:
            decoded.append(InvalidPayload(f"The event is larger than {MAX_EVENT_BYTES} bytes."))
        else:
            try:
                decoded.append(decode_event(event))
            except InvalidPayload as error:
                decoded.append(error)
        if pace.is_due():
            await pace.rest()
    return decoded


def _within(events: Sequence[Raw], start: int, most: int) -> int:
    """How many events from `start` on are read at once: up to `most`, and no more bytes than one may have."""
    size = 0
    left = MAX_EVENT_BYTES
    for event in events[start : start + most]:
        left -= memoryview(event).nbytes
        if left < 0 and size:
            break
        size += 1
    return size


async def _process_part(
    request: Request, principal: Principal, part: list[Any], start: int, received_at: datetime
) -> list[dict[str, Any]]:
    """Results of a part of a batch: those of its good events, and the errors of its bad ones, by index."""
    services = services_of(request)
    answers: list[dict[str, Any]] = []
    unfinished: list[Exception] = []

    async def work(items: Sequence[Any]) -> None:
        errors: dict[int, list[FieldError]] = {}

        def read(configuration: Configuration) -> Sequence[Event]:
            errors.clear()
            good: list[Event] = []
            for index, data in enumerate(items):
                if isinstance(data, InvalidPayload):
                    errors[index] = [FieldError("event", data.message)]
                    continue
                event = _parse(data, configuration, received_at, services)
                if isinstance(event, list):
                    errors[index] = event
                else:
                    good.append(event)
            return good

        results = iter(await _submit(request, principal, len(items), read))
        answers.extend(_answers(items, start + len(answers), results, errors))

    def fail(items: Sequence[Any], error: Exception) -> None:
        if _is_the_requests(error):
            raise error
        if len(items) > 1 or isinstance(error, RocketError):
            # The rest is stored first, so that the next try has little to do.
            unfinished.append(error if isinstance(error, RocketError) else TakesTooLong())
        index = start + len(answers)
        answers.extend(_failed(index + n, "the database can't store this event") for n in range(len(items)))

    await by_halves(part, work, fail, for_all=_is_the_requests)
    if unfinished:
        raise unfinished[0]
    return answers


def _is_the_requests(error: Exception) -> bool:
    return isinstance(error, RocketError) and not isinstance(error, TakesTooLong | Contended)


def _answers(
    part: Sequence[Any], start: int, results: Iterator[Result], errors: Mapping[int, list[FieldError]]
) -> list[dict[str, Any]]:
    answers = []
    for index in range(len(part)):
        if index in errors:
            EVENTS.labels("refused").inc()
            answers.append(_failed(start + index, _in_words(errors[index])))
            continue
        result = next(results)
        answer = {"index": start + index, "status": result.status, "event_id": result.event_id}
        if result.points_awarded:
            answer["points_awarded"] = result.points_awarded
        if result.reason:
            answer["reason"] = result.reason
        answers.append(answer)
    return answers


def _in_words(errors: Sequence[FieldError]) -> str:
    said = [f"{error.path}: {error.message}" for error in errors[:_MAX_EVENT_ERRORS]]
    more = len(errors) - len(said)
    return "; ".join([*said, f"and {more} more"] if more else said)


def _failed(index: int, error: str) -> dict[str, Any]:
    return {"index": index, "status": "failed", "event_id": None, "error": error}


def _batch_answer(answers: list[dict[str, Any]]) -> dict[str, Any]:
    statuses = [answer["status"] for answer in answers]
    unsaid = [answer for answer in answers if answer["status"] == "failed"][MAX_BATCH_ERRORS:]
    for answer in unsaid:
        answer["error"] = _NOT_SAID
    duplicates, failed = statuses.count("duplicate"), statuses.count("failed")
    return {
        "processed": len(answers) - duplicates - failed,
        "duplicates": duplicates,
        "failed": failed,
        "points_awarded": sum(answer.get("points_awarded", 0) for answer in answers),
        **({"errors_left_out": len(unsaid)} if unsaid else {}),
        "results": answers,
    }


@router.post(
    "/v1/events/validate",
    openapi_extra=openapi.EVENT,
    responses=openapi.INTAKE_ERRORS,
    tags=["events"],
    response_model=event_answers.Validity,
)
async def validate_event(request: Request) -> Json:
    """Say what is wrong with an event; nothing is stored."""
    services = services_of(request)
    principal = await services.authenticator.principal(request)
    principal.needs("events:write")
    body = decode_event(await request.body())
    event = rocket.parse_event(
        body,
        timezone=ZoneInfo("UTC"),
        received_at=datetime.now(UTC),
        max_ahead_s=services.settings.max_clock_skew_s,
    )
    errors = event if isinstance(event, list) else []
    return Json({"valid": not errors, "errors": [error.as_dict() for error in errors]})


@router.post(
    "/api/public/hook/{source}/event",
    openapi_extra=openapi.HOOK,
    responses=openapi.INTAKE_ERRORS,
    tags=["hooks"],
    response_model=event_answers.Hooked | event_answers.HookedList,
)
async def post_hook(request: Request, source: str) -> Json:
    """Take an event in a platform's own form. 200 once it is stored, also where it counts for nothing.

    A source of kind `custom` may send a list of up to 100 events, and is answered for each of them.
    """
    services = services_of(request)
    sender = await services.authenticator.sender(request, source, remembered=True)
    content_type = request.headers.get("content-type")
    body = await request.body()
    context = context_of(request)
    received_at = datetime.now(UTC)
    if sender.source.kind in sources.LISTING and body.lstrip(_BEFORE_JSON)[:1] == b"[":
        return await _post_list(request, sender, context, content_type, body, received_at)

    def read(configuration: Configuration) -> Sequence[Event]:
        current = _current_source(configuration, sender)
        check_address(current, context.address)
        return [
            sources.read(
                body,
                content_type,
                current,
                timezone=configuration.organisation.timezone,
                received_at=received_at,
                max_ahead_s=services.settings.max_clock_skew_s,
                activities=configuration.activities,
            )
        ]

    (result,) = await _commit(
        request,
        Submission(
            sender.source.organisation_id,
            sender.credential,
            1,
            read,
            request_log.Request(
                sender.source.source_id,
                context.request_id,
                context.client,
                content_type,
                body,
            ),
        ),
    )
    return Json(
        {
            "status": _HOOK_WORDS.get(result.status, result.status),
            "event_id": result.event_id,
            "processed_at": rfc3339(datetime.now(UTC)),
            "points_awarded": result.points_awarded,
            **({"reason": result.reason} if result.reason else {}),
        }
    )


async def _post_list(
    request: Request,
    sender: AcceptedSource,
    context: RequestContext,
    content_type: str | None,
    body: bytes,
    received_at: datetime,
) -> Json:
    """Take a custom platform's list: all of its good events in one transaction, and what is wrong with the
    others by index."""
    services = services_of(request)
    items: list[Event | InvalidPayload] = []
    said: list[str] = []

    def read(configuration: Configuration) -> Sequence[Event]:
        current = _current_source(configuration, sender)
        check_address(current, context.address)
        items[:] = sources.read_list(
            body,
            current,
            timezone=configuration.organisation.timezone,
            received_at=received_at,
            max_ahead_s=services.settings.max_clock_skew_s,
        )
        said[:] = [f"[{n}] {one.message}" for n, one in enumerate(items) if isinstance(one, InvalidPayload)]
        return [one for one in items if not isinstance(one, InvalidPayload)]

    logged = request_log.Request(
        sender.source.source_id, context.request_id, context.client, content_type, body
    )
    submission = Submission(
        sender.source.organisation_id, sender.credential, sources.MAX_LIST, read, logged, said
    )
    results = await _commit(request, submission)
    found = iter(results)
    answers: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        if isinstance(item, InvalidPayload):
            EVENTS.labels("refused").inc()
            answers.append(_failed(index, item.message))
            continue
        result = next(found)
        status = _HOOK_WORDS.get(result.status, result.status)
        answer: dict[str, Any] = {"index": index, "status": status, "event_id": result.event_id}
        answers.append(answer | ({"reason": result.reason} if result.reason else {}))
    points = sum(result.points_awarded for result in results)
    return Json({"points_awarded": points, "results": answers})


class HotRoute(NamedTuple):
    """A path that is worth going to directly, as the metrics name it, and its handler."""

    path: str
    handler: Callable[[Request], Awaitable[Json]]


_HOOK_BEFORE, _HOOK_AFTER = "/api/public/hook/", "/event"
HOT_ROUTES = {
    path: HotRoute(path, handler)
    for path, handler in (
        ("/v1/events", post_event),
        ("/v1/events/batch", post_batch),
        ("/api/events/batch", post_batch),
    )
}


def hot_route(path: str) -> HotRoute | None:
    """Where a POST to `path` goes without the framework's routing, which takes longer than storing an event
    takes in a group. Every hot route is an ordinary one as well, for the document and for other methods."""
    if path.startswith(_HOOK_BEFORE) and path.endswith(_HOOK_AFTER):
        source = path[len(_HOOK_BEFORE) : -len(_HOOK_AFTER)]
        if source and "/" not in source:
            return HotRoute("/api/public/hook/{source}/event", partial(post_hook, source=source))
    return HOT_ROUTES.get(path)


def _current_source(configuration: Configuration, sender: AcceptedSource) -> Source:
    source = configuration.source(sender.source.source_id)
    if source is None:
        raise Forbidden("This source was removed.")
    return source


def _parse(
    data: Any, configuration: Configuration, received_at: datetime, services: Services
) -> Event | list[FieldError]:
    return rocket.parse_event(
        data,
        timezone=configuration.organisation.timezone,
        received_at=received_at,
        max_ahead_s=services.settings.max_clock_skew_s,
    )


async def _submit(request: Request, principal: Principal, weight: int, read: Any) -> list[Result]:
    return await _commit(request, Submission(principal.organisation_id, principal.credential, weight, read))


async def _commit(request: Request, submission: Submission) -> list[Result]:
    services = services_of(request)
    try:
        results = await services.group_commit.submit(submission)
    except AuthenticationFailed:
        raise services.authenticator.revoked(request, submission.credential) from None
    _measure(results)
    return results


def _measure(results: Sequence[Result]) -> None:
    for status, times in Counter(result.status for result in results).items():
        _events(status).inc(times)
    POINTS.inc(sum(result.points_awarded for result in results if result.points_awarded > 0))
