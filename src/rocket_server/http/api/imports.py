"""Imports: files of what happened before, taken in, worked on, reported about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from rocket_server.errors import FieldError, InvalidPayload, NotFound
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, page
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.uploads import uploaded
from rocket_server.ids import parse_uuid
from rocket_server.imports import shown as showing
from rocket_server.jobs.table import Status
from rocket_server.usecases import imports as acts
from rocket_server.usecases import jobs

router = APIRouter(prefix="/v1", tags=["imports"], responses=openapi.CHANGE_ERRORS)

PATH: Final = "/v1/imports"
_FILE: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": _FILE},
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _FILE}}
            },
        },
    }
}


class ImportRows(BaseModel):
    """How many rows were read, and what became of them: `read` is the sum of the next three."""

    read: int
    accepted: int
    duplicates: int
    rejected: int
    warnings: int = Field(description="Rows that were taken, and may not be what was meant.")


class ImportShown(BaseModel):
    """An import and how far it is. Of a trial, `points_awarded` is what would be given, at most."""

    import_id: str
    kind: acts.Kind
    status: Status
    dry_run: bool
    rows: ImportRows
    points_awarded: int
    progress_pct: int = Field(description="0 to 100; 100 only when all is done.")
    created_by: str
    created_at: str
    finished_at: str | None
    error: str | None = Field(description="Why it failed, or why its last try did.")


class ImportPage(BaseModel):
    """Imports, the newest first."""

    imports: list[ImportShown]
    next_cursor: str | None


class ImportedFile(BaseModel):
    """How the file is written. `columns` are those that are used, by the names under which they are."""

    bytes: int
    encoding: Literal["utf-8", "utf-8 with a mark", "utf-16", "windows-1252"]
    delimiter: str
    columns: list[str]


class TroubledRow(BaseModel):
    """A row, by the number of the line that it begins in."""

    line: int
    message: str


class TroubleShown(BaseModel):
    """How many rows have one trouble, and the first of them."""

    trouble: str
    severity: Literal["rejected", "duplicate", "warning"]
    rows: int
    first: list[TroubledRow]


class ImportReport(ImportShown):
    """An import with what was wrong with its rows."""

    file: ImportedFile
    troubles: list[TroubleShown]


@router.post("/imports", status_code=202, response_model=ImportShown, openapi_extra=_BODY)
async def start_import(
    request: Request,
    principal: AdminKey,
    kind: Annotated[acts.Kind, Query(description="What the rows are.")],
    dry_run: Annotated[bool, Query(description="Report what would be, and change nothing.")] = False,
    no_awards: Annotated[bool, Query(description="Store the events, and give nothing for them.")] = False,
    notify: Annotated[bool, Query(description="Tell webhooks of what happened then, too.")] = False,
    source: Annotated[str | None, Query(max_length=100, description="Of rows that name none.")] = None,
    courses: Annotated[
        str | None,
        Query(description="THEIRS=OURS, with commas between; with any, courses without one are unknown."),
    ] = None,
    platform_ids: Annotated[
        bool, Query(description="Users are the platform's own: `<source>:<user_id>`.")
    ] = False,
) -> Json:
    """Take a CSV file in and import it: a job. The file may be packed by gzip. Of people, only `dry_run` and
    `source` are options: `LMS_ID` has ids of that source, where none is named of the first Moodle."""
    services, organisation_id, actor = acting(request, principal)
    content, most = uploaded(request), services.settings.max_import_bytes
    if kind == "users":
        given = {"no_awards": no_awards, "notify": notify, "courses": courses, "platform_ids": platform_ids}
        if faults := [FieldError(name, "is no option for users") for name, value in given.items() if value]:
            raise InvalidPayload.from_fields(faults)
        of_people = await acts.people_options(services, organisation_id, source, dry_run)
        file = await acts.store_file(services, organisation_id, content, most)
        job = await acts.start_people(services, organisation_id, actor, file, of_people)
    else:
        order = acts.order(source, courses.split(",") if courses else [], platform_ids)
        options = acts.Options(order, dry_run, no_awards, notify)
        file = await acts.store_file(services, organisation_id, content, most)
        job = await acts.start_events(services, organisation_id, actor, file, options)
    return Json(showing.shown(job), status_code=202)


@router.get("/imports", response_model=ImportPage)
async def list_imports(
    request: Request,
    principal: ReadKey,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """The organisation's imports, the newest first. They are kept for 90 days."""
    async with services_of(request).database.connection() as conn:
        found = await acts.page(conn, principal.organisation_id, id_after(cursor), status, limit)
    return Json(page("imports", [showing.shown(job) for job in found], limit, "import_id"))


@router.get("/imports/{import_id}", response_model=ImportShown)
async def read_import(request: Request, principal: ReadKey, import_id: str) -> Json:
    """One import and how far it is."""
    async with services_of(request).database.connection() as conn:
        return Json(showing.shown(await acts.read(conn, principal.organisation_id, _known_id(import_id))))


@router.get("/imports/{import_id}/report", response_model=ImportReport)
async def read_import_report(request: Request, principal: ReadKey, import_id: str) -> Json:
    """How often each trouble was, and the first rows that have it; also while the import runs."""
    async with services_of(request).database.connection() as conn:
        return Json(showing.report(await acts.read(conn, principal.organisation_id, _known_id(import_id))))


@router.get(
    "/imports/{import_id}/rejected.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": _FILE}}, "description": "CSV in UTF-8."}},
)
async def read_rejected(request: Request, principal: ReadKey, import_id: str) -> StreamingResponse:
    """The rejected rows as they are in the file, with `reason` as the last column. Mended, the file can be
    imported again: a last column of this name is ignored. Kept for 60 days."""
    services = services_of(request)
    async with services.database.connection() as conn:
        job = await acts.read(conn, principal.organisation_id, _known_id(import_id))

    async def content() -> AsyncIterator[bytes]:
        async for text in acts.rejected(services, job):
            yield text.encode()

    name = f'attachment; filename="rejected-{job.job_id}.csv"'
    return StreamingResponse(
        content(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


@router.delete("/imports/{import_id}", response_model=ImportShown)
async def cancel_import(request: Request, principal: AdminKey, import_id: str) -> Json:
    """Cancel an import that waits or runs. What was taken stays; the same again answers the same."""
    services, organisation_id, actor = acting(request, principal)
    wanted = _known_id(import_id)
    async with services.database.connection() as conn:
        await acts.read(conn, organisation_id, wanted)
    return Json(showing.shown(await jobs.cancel(services, organisation_id, actor, wanted)))


def _known_id(text: str) -> str:
    found = parse_uuid(text)
    if found is None:
        raise NotFound("There is no such import.")
    return found
