"""Sections of tests."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from rocket_server.assessments.authoring import store
from rocket_server.errors import NotFound
from rocket_server.http.assessments import bodies, models, shown
from rocket_server.http.assessments.access import AuthorKey, Named, StaffKey, author_of, known
from rocket_server.http.assessments.bodies import AnyObject
from rocket_server.http.assessments.envelope import PREFIX, Envelope, answer
from rocket_server.http.auth import Principal
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.usecases.examination import authoring

router = APIRouter(prefix=f"{PREFIX}/sections", tags=["assessments"], responses=models.ERRORS)


@router.post("", status_code=201, response_model=Envelope[models.SectionId], openapi_extra=bodies.SECTION)
async def create_section(request: Request, principal: AuthorKey, named: Named, body: AnyObject) -> Json:
    """Add a section to a test that isn't published."""
    author = author_of(request, principal, named)
    if isinstance(body.get("testId"), str):
        body = {**body, "testId": known(body["testId"], "testId", "test")}
    section_id = await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: authoring.add_section(conn, principal.organisation_id, body, author),
    )
    return answer(request, {"sectionId": section_id}, 201)


@router.get("/test/{test_id}", response_model=Envelope[list[models.SectionWithPlaces]])
async def list_sections(request: Request, principal: StaffKey, _named: Named, test_id: str) -> Json:
    """The sections of a test, in their order, with the places of their questions."""
    test_id = known(test_id, "testId", "test")
    async with services_of(request).database.connection() as conn:
        if await store.find_test(conn, principal.organisation_id, test_id) is None:
            raise NotFound("There is no such test.", {"field": "testId"})
        found = await _with_places(
            conn, principal, test_id, await store.sections(conn, principal.organisation_id, test_id)
        )
    return answer(request, found)


@router.get("/{section_id}", response_model=Envelope[models.SectionWithPlaces])
async def show_section(request: Request, principal: StaffKey, _named: Named, section_id: str) -> Json:
    """A section, with the places of its questions."""
    section_id = known(section_id, "sectionId", "section")
    async with services_of(request).database.connection() as conn:
        kept = await authoring.section_of(conn, principal.organisation_id, section_id)
        (found,) = await _with_places(conn, principal, kept.test_id, [kept])
    return answer(request, found)


@router.patch("/{section_id}", response_model=Envelope[models.SectionId], openapi_extra=bodies.SECTION_CHANGE)
async def change_section(
    request: Request, principal: AuthorKey, named: Named, section_id: str, body: AnyObject
) -> Json:
    """Change a section of a test that isn't published."""
    section_id = known(section_id, "sectionId", "section")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: authoring.update_section(
            conn, principal.organisation_id, section_id, body, author
        ),
    )
    return answer(request, {"sectionId": section_id})


@router.delete("/{section_id}", response_model=models.Said)
async def delete_section(request: Request, principal: AuthorKey, named: Named, section_id: str) -> Json:
    """Remove a section of a test that isn't published and that nobody has taken."""
    section_id = known(section_id, "sectionId", "section")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: authoring.delete_section(
            conn, principal.organisation_id, section_id, author
        ),
    )
    return answer(request, {"message": "Section deleted successfully"})


async def _with_places(
    conn: Any, principal: Principal, test_id: str, sections: list[store.KeptSection]
) -> list[dict[str, Any]]:
    places = shown.by_section(await store.links(conn, principal.organisation_id, test_id))
    return [
        {
            **shown.section(principal, one),
            "questions": [shown.link(link) for link in places.get(one.section_id, [])],
        }
        for one in sections
    ]
