"""Banks of questions as files: Moodle XML and GIFT, in and out."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.assessments.bank.store import Wanted
from rocket_server.assessments.formats.bank import MAX_BYTES, MAX_QUESTIONS, Entry, Note, name_of
from rocket_server.assessments.model import Kind, Level, Status
from rocket_server.http.aside import aside
from rocket_server.http.assessments import models
from rocket_server.http.assessments.access import AuthorKey, Named, author_of
from rocket_server.http.assessments.envelope import PREFIX, Envelope, answer
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.usecases.examination import exchanging
from rocket_server.usecases.examination.exchanging import Format, Wish

IMPORT: Final = f"{PREFIX}/questions/import"
MAX_FILE_BYTES: Final = MAX_BYTES

# Its paths come before those of single questions.
router = APIRouter(prefix=f"{PREFIX}/questions", tags=["assessments"], responses=models.ERRORS)

_NAMES: Final[dict[Format, str]] = {"moodle_xml": "questions.xml", "gift": "questions.txt"}
_FILE: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/xml": {"schema": {"type": "string"}},
            "text/plain": {"schema": {"type": "string"}},
        },
    }
}
_FormatOf = Annotated[Format, Query(alias="format", description="The form of the file.")]
_Category = Annotated[str | None, Query(alias="categoryId", max_length=255)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ImportedQuestion(_Model):
    """A question that was read; `questionId` is null where nothing is kept."""

    questionId: str | None
    name: str
    type: str
    status: str
    categoryId: str | None
    line: int | None


class FileNote(_Model):
    """Something about a question of the file, by its name and line."""

    name: str
    line: int | None
    message: str
    refused: bool = Field(description="Whether the question was left out.")


class ImportResult(_Model):
    """What came of a file."""

    imported: int
    refused: int
    questions: list[ImportedQuestion]
    notes: list[FileNote]
    moreNotes: int = Field(description="Notes beyond those shown.")


class ExportResult(_Model):
    """A file, and what of the bank isn't in it."""

    format: str
    fileName: str
    questions: int = Field(description="Questions that were asked for.")
    text: str
    notes: list[FileNote]


@router.post("/import", status_code=201, response_model=Envelope[ImportResult], openapi_extra=_FILE)
async def import_questions(
    request: Request,
    principal: AuthorKey,
    named: Named,
    form: _FormatOf,
    publish: Annotated[bool, Query(description="Publish what is complete.")] = False,
    dry_run: Annotated[bool, Query(alias="dryRun", description="Read it and keep nothing.")] = False,
    category_id: _Category = None,
) -> Json:
    """Take the questions of a file, its body. What doesn't fit is named with its line."""
    wish = Wish(form, publish, category_id)
    data = await request.body()
    done = await aside(lambda: exchanging.read(data, wish))
    if not dry_run:
        found, author = done, author_of(request, principal, named)
        done = await services_of(request).desk.act(
            principal.organisation_id,
            lambda conn, configuration: exchanging.keep(conn, configuration, found, author),
        )
    result = {
        "imported": 0 if dry_run else len(done.entries),
        "refused": sum(1 for note in done.notes if note.refused),
        "questions": [_imported(entry) for entry in done.entries],
        "notes": [_note(note) for note in done.notes],
        "moreNotes": done.more_notes,
    }
    return answer(request, result, 200 if dry_run else 201)


@router.get("/export", response_model=Envelope[ExportResult])
async def export_questions(
    request: Request,
    principal: AuthorKey,
    _named: Named,
    form: _FormatOf,
    limit: Annotated[int, Query(ge=1, le=MAX_QUESTIONS)] = MAX_QUESTIONS,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    type: Kind | None = None,
    level: Level | None = None,
    status: Status | None = None,
    category_id: _Category = None,
) -> Json:
    """Questions of the bank as a file, in the order in which they were made. What a file can't say exactly is
    left out, and named."""
    wanted = Wanted(
        status,
        None if type is None else [type],
        None if level is None else [level],
        None if category_id is None else [category_id],
        None,
    )
    async with services_of(request).database.connection() as conn:
        entries = await exchanging.asked_for(conn, principal.organisation_id, wanted, limit, offset)
    written = await aside(lambda: exchanging.written(form, entries))
    result = {
        "format": form,
        "fileName": _NAMES[form],
        "questions": len(entries),
        "text": written.text,
        "notes": [_note(note) for note in written.notes],
    }
    return answer(request, result)


def _imported(entry: Entry) -> dict[str, Any]:
    question = entry.question
    return {
        "questionId": question.id,
        "name": name_of(entry),
        "type": question.kind,
        "status": question.status,
        "categoryId": question.category_id,
        "line": entry.line,
    }


def _note(note: Note) -> dict[str, Any]:
    return note.as_json()
