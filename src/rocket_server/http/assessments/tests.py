"""Tests: made, changed, ordered, published, and how learners stand with them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from rocket_server.assessments.authoring import store
from rocket_server.assessments.bank import store as bank
from rocket_server.assessments.definition import TEST_STATUSES, TEST_TYPES, TestStatus, TestType
from rocket_server.assessments.refusals import QuestionInTest
from rocket_server.errors import NotFound
from rocket_server.http.assessments import access, attempt_models, bodies, models, shown
from rocket_server.http.assessments.access import AnyKey, AuthorKey, Named, StaffKey, author_of, known
from rocket_server.http.assessments.bodies import AnyObject
from rocket_server.http.assessments.envelope import PREFIX, Envelope, answer
from rocket_server.http.assessments.reading import MAX_ORDER, Body, place
from rocket_server.http.auth import Principal
from rocket_server.http.responses import Json
from rocket_server.http.services import Services, services_of
from rocket_server.usecases.examination import authoring, looking

router = APIRouter(prefix=f"{PREFIX}/tests", tags=["assessments"], responses=models.ERRORS)
# The guide's two routes.
at_root = APIRouter(prefix="/tests", tags=["assessments"], responses=models.ERRORS)

Limit = Annotated[int, Query(ge=1, le=500, description="Rows of one page.")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Rows before this page.")]
Search = Annotated[str | None, Query(max_length=255, description="Text that the rows have.")]
DEFAULT_LIMIT = 50


@router.post("", status_code=201, response_model=Envelope[models.TestId], openapi_extra=bodies.TEST)
async def create_test(request: Request, principal: AuthorKey, named: Named, body: AnyObject) -> Json:
    """Make a test."""
    author = author_of(request, principal, named)
    test_id = await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: authoring.create(conn, configuration, body, author),
    )
    return answer(request, {"testId": test_id}, 201)


@router.get("", response_model=Envelope[models.Tests])
async def list_tests(
    request: Request,
    principal: StaffKey,
    _named: Named,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    status: TestStatus | None = None,
    type: TestType | None = None,
    search: Search = None,
) -> Json:
    """Tests, the latest first."""
    return await _list(request, principal, (status, type, search), limit, offset)


@router.post(
    "/listsearch", status_code=201, response_model=Envelope[models.Tests], openapi_extra=bodies.TEST_SEARCH
)
async def search_tests(request: Request, principal: StaffKey, _named: Named, body: AnyObject) -> Json:
    """Tests, as the list, by a body."""
    read = Body(body, ("limit", "offset", "status", "type", "search"))
    fields = read.fields
    limit = fields.whole("limit", 1, 500) or DEFAULT_LIMIT
    offset = fields.whole("offset", 0, 10_000_000) or 0
    status = fields.one_of("status", TEST_STATUSES) if body.get("status") is not None else None
    kind = fields.one_of("type", TEST_TYPES) if body.get("type") is not None else None
    search = fields.text("search", 255)
    read.done()
    return await _list(request, principal, (status, kind, search), limit, offset, 201)


async def _list(
    request: Request,
    principal: Principal,
    wanted: tuple[str | None, str | None, str | None],
    limit: int,
    offset: int,
    code: int = 200,
) -> Json:
    async with services_of(request).database.connection() as conn:
        found, total = await store.page_tests(conn, principal.organisation_id, wanted, limit, offset)
    rows = [shown.test(principal, one) for one in found]
    return answer(request, shown.page("content", rows, total, limit, offset), code)


@router.get("/{test_id}", response_model=Envelope[models.TestWithPlaces])
async def show_test(request: Request, principal: StaffKey, _named: Named, test_id: str) -> Json:
    """A test, its sections, and the places of its questions."""
    test_id = known(test_id, "testId", "test")
    async with services_of(request).database.connection() as conn:
        test = await _find(conn, principal, test_id)
        sections = await store.sections(conn, principal.organisation_id, test_id)
        links = await store.links(conn, principal.organisation_id, test_id)
    result = shown.test(principal, test)
    result["sections"] = [shown.section(principal, one) for one in sections]
    result["questions"] = [shown.link(one) for one in links]
    return answer(request, result)


@router.patch("/{test_id}", response_model=Envelope[models.TestId], openapi_extra=bodies.TEST_CHANGE)
async def change_test(
    request: Request, principal: AuthorKey, named: Named, test_id: str, body: AnyObject
) -> Json:
    """Change what is set of a test; what isn't sent stays. With `status` it is published or withdrawn,
    too."""
    test_id = known(test_id, "testId", "test")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: authoring.update(conn, configuration, test_id, body, author),
    )
    return answer(request, {"testId": test_id})


@router.delete("/{test_id}", response_model=models.Said)
async def delete_test(
    request: Request,
    principal: AuthorKey,
    named: Named,
    test_id: str,
    hard: Annotated[bool, Query(description="Remove it wholly, instead of archiving it.")] = False,
) -> Json:
    """Archive a test that nobody has taken, or remove it."""
    test_id = known(test_id, "testId", "test")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: authoring.delete(conn, configuration, test_id, author, wholly=hard),
    )
    return answer(request, {"message": "Test deleted successfully"})


@router.post("/{test_id}/publish", response_model=Envelope[models.Published])
@at_root.post("/{test_id}/publish", response_model=Envelope[models.Published], name="publish_test_at_root")
async def publish_test(request: Request, principal: AuthorKey, named: Named, test_id: str) -> Json:
    """Let learners take a test as it stands now; refused with all that is missing."""
    test_id = known(test_id, "testId", "test")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: authoring.publish(conn, configuration, test_id, author),
    )
    return answer(request, {"testId": test_id, "status": "published"})


@router.post("/{test_id}/unpublish", response_model=Envelope[models.Published])
@at_root.post(
    "/{test_id}/unpublish", response_model=Envelope[models.Published], name="unpublish_test_at_root"
)
async def unpublish_test(request: Request, principal: AuthorKey, named: Named, test_id: str) -> Json:
    """Let nobody begin a test any more; who takes it now goes on to the end."""
    test_id = known(test_id, "testId", "test")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: authoring.unpublish(conn, configuration, test_id, author),
    )
    return answer(request, {"testId": test_id, "status": "unpublished"})


@router.post("/{test_id}/clone", status_code=201, response_model=Envelope[models.Cloned])
async def clone_test(request: Request, principal: AuthorKey, named: Named, test_id: str) -> Json:
    """Make a draft with the same settings, sections, questions and rules."""
    test_id = known(test_id, "testId", "test")
    author = author_of(request, principal, named)
    cloned = await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, configuration: authoring.clone(conn, configuration, test_id, author),
    )
    return answer(request, {"message": "Test cloned successfully", "clonedTestId": cloned}, 201)


@router.get("/{test_id}/hierarchy", response_model=Envelope[models.TestWithQuestions])
async def outline_test(request: Request, principal: AnyKey, named: Named, test_id: str) -> Json:
    """A test, section by section, without what tells what is right. A learner's key sees published ones, and
    of their questions those that attempts of the learner whom the request names ask."""
    return await _outline(request, principal, test_id, named, with_key=False)


@router.get("/{test_id}/test-hierarchy", response_model=Envelope[models.TestWithQuestions])
async def outline_test_with_keys(request: Request, principal: StaffKey, _named: Named, test_id: str) -> Json:
    """A test, section by section, with the keys of its questions."""
    return await _outline(request, principal, test_id, None, with_key=True)


async def _outline(
    request: Request, principal: Principal, test_id: str, named: str | None, *, with_key: bool
) -> Json:
    organisation_id = principal.organisation_id
    test_id = known(test_id, "testId", "test")
    async with services_of(request).database.connection() as conn:
        test = await _find(conn, principal, test_id)
        if test.status != "published" and not access.is_staff(principal):
            raise NotFound("There is no such test.", {"field": "testId"})
        sections = await store.sections(conn, organisation_id, test_id)
        links = await store.links(conn, organisation_id, test_id)
        if not access.is_staff(principal):
            asked = await looking.asked(conn, organisation_id, test_id, named)
            links = [one for one in links if one.question_id in asked]
        kept = await bank.find(conn, organisation_id, [one.question_id for one in links])
    places = shown.by_section(links)
    # Where takers see options in an order of their own, the author's would give hints here.
    seed = test_id if test.definition.answers_shuffle else None
    result = shown.test(principal, test)
    result["sections"] = [
        {
            **shown.section(principal, one),
            "questions": [
                shown.outline(principal, link, kept[link.question_id], with_key=with_key, seed=seed)
                for link in places.get(one.section_id, [])
            ],
        }
        for one in sections
    ]
    return answer(request, result)


@router.post("/{test_id}/questions", status_code=201, response_model=models.Said, openapi_extra=bodies.PLACE)
async def add_question(
    request: Request, principal: AuthorKey, named: Named, test_id: str, body: AnyObject
) -> Json:
    """Put a question of the bank into a section."""
    test_id = known(test_id, "testId", "test")
    read = Body(body, ("sectionId", "questionId", "ordering", "isCompulsory", "ruleId"))
    section_id, rule_id, one = (
        read.required("sectionId"),
        read.fields.identifier("ruleId"),
        place(read.fields),
    )
    read.done()
    section_id = known(section_id, "sectionId", "section")
    question_id = known(one["questionId"], "questionId", "question")
    if rule_id is not None:
        rule_id = known(rule_id, "ruleId", "rule")

    async def work(conn: Any, _configuration: Any) -> tuple[set[str], list[str], list[str]]:
        return await authoring.add_questions(
            conn,
            principal.organisation_id,
            test_id,
            section_id,
            [{**one, "questionId": question_id}],
            author_of(request, principal, named),
            rule_id,
        )

    _, skipped, unknown = await services_of(request).desk.act(principal.organisation_id, work)
    if unknown:
        raise NotFound("There is no such question.", {"field": "questionId"})
    if skipped:
        raise QuestionInTest("This question stands in the test already.", {"field": "questionId"})
    return answer(request, {"message": "Question added to test successfully"}, 201)


@router.post(
    "/{test_id}/questions/bulk",
    status_code=201,
    response_model=Envelope[models.Added],
    openapi_extra=bodies.PLACES,
)
async def add_questions(
    request: Request, principal: AuthorKey, named: Named, test_id: str, body: AnyObject
) -> Json:
    """Put many questions of the bank into a section; those that can't be are named, the rest are added."""
    test_id = known(test_id, "testId", "test")
    read = Body(body, ("sectionId", "questions", "ruleId"))
    section_id, rule_id = read.required("sectionId"), read.fields.identifier("ruleId")
    places = [place(fields) for fields in read.items("questions")]
    read.done()
    section_id = known(section_id, "sectionId", "section")
    if rule_id is not None:
        rule_id = known(rule_id, "ruleId", "rule")
    author = author_of(request, principal, named)
    good, bad = [], []
    for one in places:
        try:
            good.append({**one, "questionId": known(one["questionId"], "questionId", "question")})
        except NotFound:
            bad.append(one["questionId"])
    added, skipped, unknown = await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: authoring.add_questions(
            conn, principal.organisation_id, test_id, section_id, good, author, rule_id
        ),
    )
    errors = [f"Questions not found: {', '.join([*unknown, *bad])}"] if unknown or bad else []
    result = {"added": len(added), "skipped": len(skipped), "errors": errors}
    said = {"message": "Questions added to test successfully", "result": result}
    return answer(request, said, 201)


@router.delete("/{test_id}/question/{question_id}", response_model=models.Said)
async def remove_question(
    request: Request, principal: AuthorKey, named: Named, test_id: str, question_id: str
) -> Json:
    """Take a question out of a test; it stays in the bank."""
    test_id, question_id = known(test_id, "testId", "test"), known(question_id, "questionId", "question")
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: authoring.remove_question(
            conn, principal.organisation_id, test_id, question_id, author
        ),
    )
    return answer(request, {"message": "Question removed from test successfully"})


@router.put("/{test_id}/structure", response_model=models.Said, openapi_extra=bodies.STRUCTURE)
async def arrange_test(
    request: Request, principal: AuthorKey, named: Named, test_id: str, body: AnyObject
) -> Json:
    """Order the sections of a test and the questions in them; what isn't named stays where it is."""
    test_id = known(test_id, "testId", "test")
    read = Body(body, ("sections",))
    sections: dict[str, int] = {}
    questions: list[tuple[str, str, int]] = []
    for section in read.items("sections"):
        section.refuse_unknown(("sectionId", "order", "questions"))
        section_id = known(section.data.get("sectionId"), section.at("sectionId"), "section")
        sections[section_id] = section.whole("order", 0, MAX_ORDER) or 0
        for one in section.objects("questions", store.MAX_QUESTIONS):
            one.refuse_unknown(("questionId", "order"))
            question_id = known(one.data.get("questionId"), one.at("questionId"), "question")
            questions.append((question_id, section_id, one.whole("order", 0, MAX_ORDER) or 0))
    read.done()
    author = author_of(request, principal, named)
    await services_of(request).desk.act(
        principal.organisation_id,
        lambda conn, _configuration: authoring.arrange(
            conn, principal.organisation_id, test_id, sections, questions, author
        ),
    )
    return answer(request, {"message": "Test structure updated successfully"})


@router.get("/{test_id}/users/{user_id}/status", response_model=Envelope[attempt_models.Standing])
async def show_standing(
    request: Request, principal: AnyKey, _named: Named, test_id: str, user_id: str
) -> Json:
    """How a learner stands with a test: what was begun, what counts, what can be resumed or begun."""
    test_id = known(test_id, "testId", "test")
    learner = access.identity(user_id, "userId")
    services: Services = services_of(request)
    async with services.database.connection() as conn:
        found = await looking.standing(conn, principal.organisation_id, test_id, learner)
    return answer(request, shown.standing(found))


async def _find(conn: Any, principal: Principal, test_id: str) -> store.Test:
    test = await store.find_test(conn, principal.organisation_id, test_id)
    if test is None:
        raise NotFound("There is no such test.", {"field": "testId"})
    return test
