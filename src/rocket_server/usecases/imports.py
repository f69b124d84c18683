"""Files taken in, and imports of them started; `importing` does them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor
from rocket_server.errors import InvalidPayload, NotFound, RocketError
from rocket_server.ids import uuid7
from rocket_server.imports import files, form, people, rows
from rocket_server.imports.form import Form, Line
from rocket_server.imports.reading import WINDOW_BYTES
from rocket_server.imports.unpack import PIECE_BYTES, Unpacked
from rocket_server.jobs import table
from rocket_server.jobs.table import StoredJob
from rocket_server.sources.checks import Fault, source_name
from rocket_server.usecases.acting import Services
from rocket_server.usecases.jobs import state, subject

Kind = Literal["events", "users"]

KINDS: Final[dict[Kind, str]] = {"events": "import_events", "users": "import_users"}  # and their jobs'
MAX_COURSES: Final = 10_000

_PIECES_AT_ONCE: Final = 8  # of a file in one transaction; 2 MiB
_NO_PLATFORM: Final = "lms"  # before the ids of an organisation without one
_REJECTED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Options:
    """How a file of events is to be imported. `dry_run` reports what would be, and changes nothing;
    `no_awards` stores events and gives nothing for them; with `notify`, webhooks hear of them."""

    order: rows.Order
    dry_run: bool = False
    no_awards: bool = False
    notify: bool = False


@dataclass(frozen=True, slots=True)
class PeopleOptions:
    """How a file of people is to be imported: `source` is the platform whose ids `LMS_ID` has."""

    source: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is all there."""

    file_id: str
    size: int  # bytes, unpacked
    encoding: str
    head: bytes


def order(source: str | None, courses: list[str], platform_ids: bool) -> rows.Order:
    """What options say of how to read rows: `courses` are `THEIRS=OURS`. Raises InvalidPayload."""
    named = source or rows.DEFAULT_SOURCE
    try:
        source_name(named)
    except Fault as fault:
        raise InvalidPayload.field("source", str(fault)) from fault
    if platform_ids and not source:
        raise InvalidPayload.field("source", "is required with platform_ids: whose ids are they?")
    if len(courses) > MAX_COURSES:
        raise InvalidPayload.field(
            "courses", f"may be given {MAX_COURSES} times, is given {len(courses)} times"
        )
    pairs = [one.partition("=") for one in courses]
    faulty = next((one for one, pair in zip(courses, pairs, strict=True) if not (pair[0] and pair[2])), None)
    if faulty is not None:
        raise InvalidPayload.field("courses", f"must be THEIRS=OURS, is {faulty[:50]!r}")
    return rows.Order(named, {theirs: ours for theirs, _, ours in pairs}, platform_ids)


async def people_options(
    services: Services, organisation_id: str, source: str | None, dry_run: bool
) -> PeopleOptions:
    """What options say of a file of people. Where no source is named, the organisation's Moodle is meant;
    else its platform is called lms. Raises InvalidPayload."""
    if source is None:
        async with services.database.connection() as conn:
            configuration = await services.configurations.current(conn, organisation_id)
        moodle = configuration.source_of_kind("moodle")
        source = _NO_PLATFORM if moodle is None else moodle.name
    try:
        return PeopleOptions(source_name(source), dry_run)
    except Fault as fault:
        raise InvalidPayload.field("source", str(fault)) from fault


async def store_file(
    services: Services, organisation_id: str, content: AsyncIterator[bytes], max_bytes: int
) -> StoredFile:
    """Keep a file as it comes in. Raises PayloadTooLarge beyond `max_bytes`, unpacked; InvalidPayload where
    it is damaged or empty; Conflict where too many are there. What is left of one that failed goes later."""
    file_id = uuid7()
    database = services.database
    await database.run(lambda conn: files.begin(conn, organisation_id, file_id))
    unpacked, writing = Unpacked(max_bytes), _Writing(services, organisation_id, file_id)
    try:
        async for data in content:
            await writing.take(unpacked.feed(data))
        await writing.take(unpacked.end())
        await writing.flush()
        if not writing.head.strip():
            raise InvalidPayload.field("file", "is empty")
        await database.run(
            lambda conn: files.end(conn, organisation_id, file_id, writing.size, unpacked.encoding)
        )
    except Exception:
        await drop_file(services, organisation_id, file_id)
        raise
    return StoredFile(file_id, writing.size, unpacked.encoding, bytes(writing.head))


async def drop_file(services: Services, organisation_id: str, file_id: str) -> None:
    """Remove a file that no job will work on, as far as the database lets; the rest goes later."""
    with suppress(RocketError):
        while await services.database.run(lambda conn: files.tidy(conn, organisation_id, file_id)):
            pass
        await services.database.run(lambda conn: files.tidy(conn, organisation_id, file_id))


class _Writing:
    """Cuts what comes into pieces and keeps some of them in each transaction."""

    def __init__(self, services: Services, organisation_id: str, file_id: str) -> None:
        self._services = services
        self._of = (organisation_id, file_id)
        self._waiting = bytearray()
        self._kept = 0
        self.head = bytearray()

    @property
    def size(self) -> int:
        return self._kept + len(self._waiting)

    async def take(self, parts: Iterator[bytes]) -> None:
        """Unpacking is done beside the loop: a small file may unpack to much."""
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            self._waiting += part
            if len(self.head) < WINDOW_BYTES:
                self.head += part[: WINDOW_BYTES - len(self.head)]
            if len(self._waiting) >= PIECE_BYTES * _PIECES_AT_ONCE:
                await self._keep(len(self._waiting) // PIECE_BYTES * PIECE_BYTES)

    async def flush(self) -> None:
        await self._keep(len(self._waiting))

    async def _keep(self, size: int) -> None:
        pieces = [
            bytes(self._waiting[start : min(start + PIECE_BYTES, size)])
            for start in range(0, size, PIECE_BYTES)
        ]
        begins_at = self._kept
        await self._services.database.run(lambda conn: files.add(conn, *self._of, begins_at, pieces))
        self._kept += size
        del self._waiting[:size]


async def start_events(
    services: Services, organisation_id: str, actor: Actor, file: StoredFile, options: Options
) -> StoredJob:
    """Start importing a file of events. Raises as `_start` does."""
    arguments = {
        "order": asdict(options.order),
        "dry_run": options.dry_run,
        "no_awards": options.no_awards,
        "notify": options.notify,
    }

    def detect(is_whole: bool) -> Form:
        return form.detect(file.head, is_whole, file.encoding, rows.ALIASES, rows.REQUIRED)

    return await _start(services, organisation_id, actor, file, "events", detect, arguments)


async def start_people(
    services: Services, organisation_id: str, actor: Actor, file: StoredFile, options: PeopleOptions
) -> StoredJob:
    """Start importing a file of people. Raises as `_start` does."""

    def detect(is_whole: bool) -> Form:
        found = form.detect(file.head, is_whole, file.encoding, people.ALIASES, ())
        people.check_columns(found)
        return found

    arguments = {"source": options.source, "dry_run": options.dry_run}
    return await _start(services, organisation_id, actor, file, "users", detect, arguments)


async def _start(
    services: Services,
    organisation_id: str,
    actor: Actor,
    file: StoredFile,
    kind: Kind,
    detect: Callable[[bool], Form],
    arguments: dict[str, Any],
) -> StoredJob:
    """Start an import. Raises InvalidPayload where the file's columns won't do, and Conflict where the
    organisation has too many jobs; the file is removed then."""
    try:
        arguments["form"] = detect(len(file.head) == file.size).as_json()

        async def work(conn: Any) -> StoredJob:
            job = await table.add(
                conn,
                organisation_id,
                KINDS[kind],
                f"file:{file.file_id}",
                actor.short,
                arguments=arguments,
                total=file.size,
                job_id=file.file_id,
            )
            shown = {**state(job), "dry_run": arguments["dry_run"]}
            await audit.add(conn, organisation_id, actor, [Act("job.started", subject(job), None, shown)])
            return job

        return await services.database.run(work)
    except RocketError:
        await drop_file(services, organisation_id, file.file_id)
        raise


def options_of(job: StoredJob) -> Options:
    """How an import of events was asked for."""
    given = job.arguments
    return Options(rows.Order(**given["order"]), given["dry_run"], given["no_awards"], given["notify"])


def form_of(job: StoredJob) -> Form:
    """How an import's file is written."""
    return Form.of_json(job.arguments["form"])


async def read(conn: Any, organisation_id: str, import_id: str) -> StoredJob:
    """One import. Raises NotFound."""
    with suppress(NotFound):
        job = await table.read(conn, organisation_id, import_id)
        if job.kind in KINDS.values():
            return job
    raise NotFound("There is no such import.")


async def page(
    conn: Any, organisation_id: str, before: str | None, status: table.Status | None, limit: int
) -> list[StoredJob]:
    """The organisation's imports, the newest first, below an id."""
    return await table.page(conn, organisation_id, before, status, list(KINDS.values()), limit)


async def rejected(services: Services, job: StoredJob) -> AsyncIterator[str]:
    """The rejected rows of an import in the form of its file, with its first line and the reasons."""
    found = form_of(job)
    line = Line(found.delimiter)
    yield line.of([*found.header, form.REASON])
    width = len(found.header)
    after = -1
    while True:
        async with services.database.connection() as conn:
            kept = await files.rejected(conn, job.organisation_id, job.job_id, after, _REJECTED_AT_ONCE)
        if kept:
            after = kept[-1].ends_at
            yield "".join(line.of([*_padded(row.fields, width), row.reason]) for row in kept)
        if len(kept) < _REJECTED_AT_ONCE:
            return


def _padded(fields: list[str], width: int) -> list[str]:
    return fields + [""] * (width - len(fields))
