"""Rules that choose questions for tests."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from rocket_server.assessments.authoring import store
from rocket_server.assessments.selection import preview
from rocket_server.errors import NotFound
from rocket_server.http.assessments import bodies, models, shown
from rocket_server.http.assessments.access import AuthorKey, Named, StaffKey, author_of, known
from rocket_server.http.assessments.bodies import AnyObject
from rocket_server.http.assessments.envelope import PREFIX, Envelope, answer
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.usecases.examination import banking

router = APIRouter(prefix=f"{PREFIX}/rules", tags=["assessments"], responses=models.ERRORS)

Limit = Annotated[int, Query(ge=1, le=500, description="Rows at most.")]


@router.post("", status_code=201, response_model=Envelope[models.RuleId], openapi_extra=bodies.RULE)
async def create_assessment_rule(
    request: Request, principal: AuthorKey, named: Named, body: AnyObject
) -> Json:
    """Add a rule to a rule-based test that isn't published."""
    author = author_of(request, principal, named)
    body = _canonical(body)
    rule_id = await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: banking.add_rule(conn, principal.organisation_id, body, author),
    )
    return answer(request, {"ruleId": rule_id}, 201)


@router.get("", response_model=Envelope[list[models.Rule]])
async def list_assessment_rules(
    request: Request, principal: StaffKey, _named: Named, limit: Limit = 500
) -> Json:
    """Rules of all tests."""
    async with services_of(request).database.connection() as conn:
        found = await store.rules(conn, principal.organisation_id, None, limit)
    return answer(request, [shown.rule(principal, one) for one in found])


@router.get("/test/{test_id}", response_model=Envelope[list[models.Rule]])
async def list_rules_of_test(request: Request, principal: StaffKey, _named: Named, test_id: str) -> Json:
    """A test's rules, the most important first."""
    test_id = known(test_id, "testId", "test")
    async with services_of(request).database.connection() as conn:
        if await store.find_test(conn, principal.organisation_id, test_id) is None:
            raise NotFound("There is no such test.", {"field": "testId"})
        found = await store.rules(conn, principal.organisation_id, test_id)
    return answer(request, [shown.rule(principal, one) for one in found])


@router.get("/{rule_id}", response_model=Envelope[models.Rule])
async def show_assessment_rule(request: Request, principal: StaffKey, _named: Named, rule_id: str) -> Json:
    """One rule."""
    rule_id = known(rule_id, "ruleId", "rule")
    async with services_of(request).database.connection() as conn:
        found = await store.find_rule(conn, principal.organisation_id, rule_id)
    if found is None:
        raise NotFound("There is no such rule.", {"field": "ruleId"})
    return answer(request, shown.rule(principal, found))


@router.patch("/{rule_id}", response_model=Envelope[models.RuleId], openapi_extra=bodies.RULE_CHANGE)
async def change_assessment_rule(
    request: Request, principal: AuthorKey, named: Named, rule_id: str, body: AnyObject
) -> Json:
    """Change a rule of a test that isn't published; what isn't sent stays."""
    rule_id = known(rule_id, "ruleId", "rule")
    author = author_of(request, principal, named)
    body = _canonical(body)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: banking.update_rule(
            conn, principal.organisation_id, rule_id, body, author
        ),
    )
    return answer(request, {"ruleId": rule_id})


@router.delete("/{rule_id}", response_model=models.Said)
async def delete_assessment_rule(request: Request, principal: AuthorKey, named: Named, rule_id: str) -> Json:
    """Remove a rule of a test that isn't published, with the questions put aside for it."""
    rule_id = known(rule_id, "ruleId", "rule")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: banking.delete_rule(conn, principal.organisation_id, rule_id, author),
    )
    return answer(request, {"message": "Rule deleted successfully"})


@router.get("/{rule_id}/preview", response_model=Envelope[models.RulePreview])
async def preview_assessment_rule(request: Request, principal: StaffKey, _named: Named, rule_id: str) -> Json:
    """Whether the bank suffices for a rule, what it would choose now, and what keeps it from finding more."""
    rule_id = known(rule_id, "ruleId", "rule")
    async with services_of(request).database.connection() as conn:
        rule = await banking.rule_of(conn, principal.organisation_id, rule_id)
        chosen, found = await banking.preview(conn, principal.organisation_id, rule)
    return answer(request, preview([chosen], found))


@router.post("/{rule_id}/questions", status_code=201, response_model=Envelope[models.Added])
async def preselect_questions(request: Request, principal: AuthorKey, named: Named, rule_id: str) -> Json:
    """Put the pool of a preselected rule aside in its test."""
    rule_id = known(rule_id, "ruleId", "rule")
    author = author_of(request, principal, named)
    added, skipped = await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: banking.preselect(conn, principal.organisation_id, rule_id, author),
    )
    result = {"added": added, "skipped": skipped, "errors": []}
    return answer(request, {"message": "Questions added to rule successfully", "result": result}, 201)


def _canonical(body: dict[str, Any]) -> dict[str, Any]:
    """A rule's body with its ids as they are kept. Raises NotFound for what can be no id."""
    for name, what in (("testId", "test"), ("sectionId", "section")):
        if isinstance(body.get(name), str):
            body = {**body, name: known(body[name], name, what)}
    return body
