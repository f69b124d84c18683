"""A batch of events, taken in parts that share transactions; what is wrong with one of them is its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from msgspec import Raw

from rocket_server.configuration.snapshot import Configuration
from rocket_server.db.halves import by_halves
from rocket_server.errors import Contended, FieldError, InvalidPayload, RocketError
from rocket_server.events.model import Event
from rocket_server.http.edge.body import decode_event
from rocket_server.http.services import services_of
from rocket_server.http.submitting import failed, submit
from rocket_server.metrics import EVENTS
from rocket_server.organisations.admission import Credential
from rocket_server.organisations.request_log import Request as LoggedRequest
from rocket_server.pace import Pace, TakesTooLong
from rocket_server.pipeline import Result
from rocket_server.usecases.intake import LISTED_FAULTS, Submission

MAX_EVENT_BYTES: Final = 1024 * 1024  # of one event, and of those that are read at once
MAX_ERRORS: Final = 1_000  # bad events whose errors an answer says; the rest is counted
_DECODING_S: Final = 10.0  # of one part, the time that others have in between included
# What the events of one request may be awarded together: some ten seconds' work on two cores.
MAX_AWARDS: Final = 200_000
_WEIGHING_S: Final = 30.0
_MAX_EVENT_ERRORS: Final = 8  # of these that are said of one of them
_NOT_SAID: Final = "not said, as 1000 events before it are bad too; ask POST /v1/events/validate about it"


@dataclass(frozen=True, slots=True)
class Batch:
    """Whose a batch is, by what it was let in, and how one of its decoded events is read: an Event, or all
    that is wrong with it. With `logged`, the source's log gets one row, for the batch's first part."""

    organisation_id: str
    credential: Credential
    read: Callable[[Any, Configuration], Event | list[FieldError]]
    logged: LoggedRequest | None = None


async def process(request: Request, batch: Batch, events: Sequence[Raw]) -> list[dict[str, Any]]:
    """What became of each event of a batch, in their order. Raises the first error that says nothing about
    one event alone, after what could be stored is stored."""
    intake = services_of(request).intake
    answers: list[dict[str, Any]] = []
    while len(answers) < len(events):
        start = len(answers)
        size = _within(events, start, intake.group_size(batch.organisation_id))
        # Decoded as late as can be: what is at hand meanwhile is gone over by each collection of garbage.
        part = await _decoded(events[start : start + size])
        answers += await _process_part(request, batch, part, start)
    return answers


async def refuse_too_heavy(request: Request, batch: Batch, events: Sequence[Raw]) -> None:
    """Raise InvalidPayload, before anything is stored, where rules would award a batch's events more often
    than can be done while its sender waits. Those of the batch that are known already count too.

    Few organisations have rules for which this has to be looked at.
    """
    services = services_of(request)
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, batch.organisation_id)
    if configuration.rules.most_awards * len(events) <= MAX_AWARDS:
        return
    pace = Pace(_WEIGHING_S)
    awards = 0
    for index, raw in enumerate(events):
        awards += _awards(batch, configuration, raw)
        if awards > MAX_AWARDS:
            raise InvalidPayload.field(
                "events",
                f"rules would award these {len(events)} events more than {MAX_AWARDS} times together; nothing"
                f" of them was stored. Send fewer at once: the first {max(index, 1)} are few enough",
            )
        if pace.is_due():
            await pace.rest()


def _awards(batch: Batch, configuration: Configuration, raw: Raw) -> int:
    if memoryview(raw).nbytes > MAX_EVENT_BYTES:
        return 0
    try:
        event = batch.read(decode_event(raw), configuration)
    except RocketError:
        return 0  # what is wrong with it is said when it is read
    return configuration.rules.awards(event) if isinstance(event, Event) else 0


def answer(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole batch's answer: counts and what became of each."""
    statuses = [answer["status"] for answer in answers]
    unsaid = [answer for answer in answers if answer["status"] == "failed"][MAX_ERRORS:]
    for one in unsaid:
        one["error"] = _NOT_SAID
    duplicates, failures = statuses.count("duplicate"), statuses.count("failed")
    return {
        "processed": len(answers) - duplicates - failures,
        "duplicates": duplicates,
        "failed": failures,
        "points_awarded": sum(answer.get("points_awarded", 0) for answer in answers),
        **({"errors_left_out": len(unsaid)} if unsaid else {}),
        "results": answers,
    }


async def _decoded(events: Sequence[Raw]) -> list[Any]:
    """Each event of a part decoded, or InvalidPayload in its place; others have their turn in between."""
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


async def _process_part(request: Request, batch: Batch, part: list[Any], start: int) -> list[dict[str, Any]]:
    """Results of a part of a batch: those of its good events, and the errors of its bad ones, by index."""
    answers: list[dict[str, Any]] = []
    unfinished: list[Exception] = []

    async def work(items: Sequence[Any]) -> None:
        errors: dict[int, list[FieldError]] = {}
        said: list[str] = []

        def read(configuration: Configuration) -> Iterator[Event | None]:
            errors.clear()
            said.clear()
            for index, data in enumerate(items):
                if isinstance(data, InvalidPayload):
                    errors[index] = [FieldError("event", data.message)]
                else:
                    event = batch.read(data, configuration)
                    if not isinstance(event, list):
                        yield event
                        continue
                    errors[index] = event
                if len(said) < LISTED_FAULTS:
                    said.append(f"[{start + len(answers) + index}] {_in_words(errors[index])}")
                yield None

        logged = batch.logged if start + len(answers) == 0 else None
        submission = Submission(batch.organisation_id, batch.credential, len(items), read, logged, said)
        results = iter(await submit(request, submission))
        answers.extend(_answers(items, start + len(answers), results, errors))

    def fail(items: Sequence[Any], error: Exception) -> None:
        if _is_the_requests(error):
            raise error
        if len(items) > 1 or isinstance(error, RocketError):
            # The rest is stored first, so that the next try has little to do.
            unfinished.append(error if isinstance(error, RocketError) else TakesTooLong())
        index = start + len(answers)
        answers.extend(failed(index + n, "the database can't store this event") for n in range(len(items)))

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
            answers.append(failed(start + index, _in_words(errors[index])))
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
    said = [
        f"{error.path}: {error.message}" if error.path else error.message
        for error in errors[:_MAX_EVENT_ERRORS]
    ]
    more = len(errors) - len(said)
    return "; ".join([*said, f"and {more} more"] if more else said)
