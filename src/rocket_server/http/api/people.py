"""People as administrators keep them: made, found, changed, given identities, merged."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.http import openapi, queries
from rocket_server.http.api.answers import people as people_answers
from rocket_server.http.api.users import known_learner
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.numbers import Whole
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, page
from rocket_server.http.responses import Json, rfc3339
from rocket_server.http.services import Services, services_of
from rocket_server.http.times import moment
from rocket_server.ids import first_uuid7, uuid7
from rocket_server.leaderboards import refresh
from rocket_server.learners import people
from rocket_server.learners import store as learners
from rocket_server.learners.people import Filter, Person
from rocket_server.learners.store import Learner
from rocket_server.people import anonymise as anonymising
from rocket_server.people import erasure
from rocket_server.people import merge as merging
from rocket_server.people.held import Released, release
from rocket_server.sources import checks
from rocket_server.sources.canonical import external_identities
from rocket_server.sources.checks import Fault

router = APIRouter(prefix="/v1/users", tags=["users"], responses=openapi.ERRORS)

# What is about others is looked through here as far as a request may take, and then in the background.
_PIECES_SWEPT_AT_ONCE = 20

_NO_NUL = r"^[^\x00]*$"
Identity = Annotated[str, Field(min_length=1, max_length=checks.MAX_ID)]
Identities = Annotated[list[Identity], Field(max_length=people.MAX_IDENTITIES)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
WeeklyGoal = Annotated[Whole, Field(ge=1, le=1_000_000)]
StatusFilter = Literal["active", "suspended", "anonymised"]
Time = Annotated[str | None, Query(max_length=40)]


class NewUser(BaseModel):
    """A learner who isn't known yet."""

    model_config = ConfigDict(extra="forbid")

    user_id: Identity
    email: str | None = None
    name: Name | None = None
    identities: Identities = []
    external_ids: dict[str, Any] | list[Any] | None = None
    weekly_goal: WeeklyGoal | None = None
    metadata: dict[str, Any] | None = None


class UserChange(BaseModel):
    """What to change; what isn't sent stays, null takes away."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = None
    name: Name | None = None
    status: Literal["active", "suspended"] | None = None
    weekly_goal: WeeklyGoal | None = None
    leaderboard: Literal["shown", "anonymous", "hidden"] | None = None
    metadata: dict[str, Any] | None = None
    add_identities: Identities = []
    remove_identities: Identities = []


class NewIdentities(BaseModel):
    """Further identities of a learner."""

    model_config = ConfigDict(extra="forbid")

    identities: Annotated[list[Identity], Field(min_length=1, max_length=people.MAX_IDENTITIES)]


class MergeRequest(BaseModel):
    """Who is the same person."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_id: str = Field(alias="from", min_length=1, max_length=400, pattern=_NO_NUL)
    dry_run: bool = False


class _RolledBack(Exception):
    """Leaves a transaction without its effects."""


@router.post("", status_code=201, response_model=people_answers.ChangedUser)
async def create_user(request: Request, principal: AdminKey, body: NewUser) -> Json:
    """Make a learner; events that were held for one of his identities are run."""
    services = services_of(request)
    faults: list[FieldError] = []
    external = external_identities(
        body.external_ids, "external_ids", lambda path, message: faults.append(FieldError(path, message))
    )
    user_id, *_ = _identities([body.user_id], "user_id", faults)
    own = _identities(body.identities, "identities", faults)
    identities = list(dict.fromkeys((user_id, *own, *external)))
    faults += _email_faults(body.email) + checks.metadata_faults(body.metadata)
    if user_id == "search":
        faults.append(FieldError("user_id", "is a word of the API's own; take another"))
    if faults:
        raise InvalidPayload.from_fields(faults)
    now = datetime.now(UTC)
    person = Person(
        uuid7(),
        user_id,
        body.email or None,
        body.name,
        "active",
        body.weekly_goal,
        body.metadata,
        now,
        identities,
    )

    async def work(conn: Any) -> None:
        await people.create(conn, principal.organisation_id, person, principal.actor, now)

    await services.database.run(work)
    released = await release(
        services.database, services.configurations, principal.organisation_id, identities
    )
    return await _answer(services, principal.organisation_id, person.learner_id, released, status_code=201)


@router.get("", response_model=people_answers.UserPage)
async def list_users(
    request: Request,
    principal: ReadKey,
    status: StatusFilter | None = None,
    since: Time = None,
    until: Time = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """Learners, the latest made first; `since` and `until` are about when they were made."""
    services = services_of(request)
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, principal.organisation_id)
        zone = configuration.organisation.timezone
        wanted = Filter(
            id_after(cursor), status, _first_id("since", since, zone), _first_id("until", until, zone)
        )
        found = await people.page(conn, principal.organisation_id, wanted, limit)
    rows = page("users", [{"id": one.learner_id} for one in found], limit, "id")
    return Json({"users": [_shown(one) for one in found], "next_cursor": rows["next_cursor"]})


@router.get("/search", response_model=people_answers.UserPage)
async def search_users(
    request: Request,
    principal: ReadKey,
    email: Annotated[str | None, Query(max_length=checks.MAX_EMAIL, pattern=_NO_NUL)] = None,
    q: Annotated[str | None, Query(min_length=1, max_length=checks.MAX_ID, pattern=_NO_NUL)] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Json:
    """Who has an e-mail address, or whose name, address or identity begins with `q`; case doesn't matter.

    A search has one page: who isn't on it needs a longer beginning.
    """
    if (email is None) == (q is None):
        raise InvalidPayload.field("email" if email is None else "q", "one of email and q, not both")
    async with services_of(request).database.connection() as conn:
        if email is not None:
            found = await people.by_email(conn, principal.organisation_id, queries.address(email))
        else:
            found = await people.search(conn, principal.organisation_id, queries.address(q or ""), limit)
    return Json({"users": [_shown(one) for one in found], "next_cursor": None})


@router.get("/{user_id}", response_model=people_answers.User)
async def read_user(request: Request, principal: ReadKey, user_id: str) -> Json:
    """A learner by any of his identities."""
    services = services_of(request)
    async with services.database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
    return await _answer(services, principal.organisation_id, learner.learner_id)


@router.patch("/{user_id}", response_model=people_answers.ChangedUser)
async def change_user(request: Request, principal: AdminKey, user_id: str, body: UserChange) -> Json:
    """Change what is known of a learner. A suspended one's events are kept, and give nothing."""
    services, organisation_id = services_of(request), principal.organisation_id
    faults = _email_faults(body.email) + checks.metadata_faults(body.metadata)
    added = _identities(body.add_identities, "add_identities", faults)
    if "status" in body.model_fields_set and body.status is None:
        faults.append(FieldError("status", "active or suspended"))
    if "leaderboard" in body.model_fields_set and body.leaderboard is None:
        faults.append(FieldError("leaderboard", "shown, anonymous or hidden"))
    if faults:
        raise InvalidPayload.from_fields(faults)
    fields = body.model_fields_set & {"email", "name", "status", "weekly_goal", "metadata"}
    changes = {name: getattr(body, name) for name in fields}
    if "email" in changes:
        changes["email"] = body.email or None
    now = datetime.now(UTC)

    async def work(conn: Any) -> Learner:
        learner = await known_learner(conn, organisation_id, user_id)
        await people.change(conn, organisation_id, learner, changes, principal.actor, now)
        if body.leaderboard is not None and await refresh.set_display(
            conn, organisation_id, learner.learner_id, body.leaderboard
        ):
            detail = {"fields": ["leaderboard"]}
            await people.note(
                conn, organisation_id, learner.learner_id, "changed", principal.actor, now, detail
            )
        if body.remove_identities:
            gone = list(dict.fromkeys(body.remove_identities))
            await people.remove_identities(conn, organisation_id, learner, gone, principal.actor, now)
        if added:
            await learners.link(conn, organisation_id, added, learner.user_id)
        return learner

    learner = await services.database.run(work)
    released = await release(services.database, services.configurations, organisation_id, added)
    return await _answer(services, organisation_id, learner.learner_id, released)


@router.post("/{user_id}/identities", status_code=201, response_model=people_answers.ChangedUser)
async def add_identities(request: Request, principal: AdminKey, user_id: str, body: NewIdentities) -> Json:
    """Say that identities are this learner's; events that were held for them are run."""
    services, organisation_id = services_of(request), principal.organisation_id
    faults: list[FieldError] = []
    identities = _identities(body.identities, "identities", faults)
    if faults:
        raise InvalidPayload.from_fields(faults)

    async def work(conn: Any) -> Learner:
        learner = await known_learner(conn, organisation_id, user_id)
        return await learners.link(conn, organisation_id, identities, learner.user_id)

    learner = await services.database.run(work)
    released = await release(services.database, services.configurations, organisation_id, identities)
    return await _answer(services, organisation_id, learner.learner_id, released, status_code=201)


@router.post("/{user_id}/merge", response_model=people_answers.Merged)
async def merge_users(request: Request, principal: AdminKey, user_id: str, body: MergeRequest) -> Json:
    """Make another learner one with this one, for good; with `dry_run`, only show what would follow."""
    services, organisation_id = services_of(request), principal.organisation_id
    now = datetime.now(UTC)
    found: list[merging.Merge] = []

    async def work(conn: Any) -> None:
        await known_learner(conn, organisation_id, user_id)
        configuration = await services.configurations.current(conn, organisation_id)
        made = await merging.merge(conn, configuration, user_id, body.from_id, principal.actor, now)
        found[:] = [made]
        if body.dry_run:
            raise _RolledBack

    with suppress(_RolledBack):
        await services.database.run(work)
    (made,) = found
    status = "already_merged" if made.replayed else "preview" if body.dry_run else "merged"
    return Json(
        {
            "status": status,
            "merge_id": None if status == "preview" else made.merge_id,
            "user_id": made.user_id,
            "merged_at": None if status == "preview" else rfc3339(made.merged_at),
            "followed": made.followed,
        }
    )


@router.delete("/{user_id}", response_model=people_answers.Anonymised)
async def anonymise_user(request: Request, principal: AdminKey, user_id: str) -> Json:
    """Forget who a learner was, for good; what he earned stays as sums under an id without meaning."""
    services, organisation_id = services_of(request), principal.organisation_id
    now = datetime.now(UTC)

    async def work(conn: Any) -> anonymising.Anonymised:
        await known_learner(conn, organisation_id, user_id)
        configuration = await services.configurations.current(conn, organisation_id)
        return await anonymising.anonymise(conn, configuration, user_id, principal.actor, now)

    done = await services.database.run(work)
    await erasure.sweep(services.database, organisation_id, _PIECES_SWEPT_AT_ONCE)
    async with services.database.connection() as conn:
        erased_at = await anonymising.erased_at(conn, organisation_id, done.learner_id)
    return Json(
        {
            "user_id": done.user_id,
            "status": "anonymised",
            "erasure": "running" if erased_at is None else "finished",
            "erased_at": None if erased_at is None else rfc3339(erased_at),
        }
    )


@router.get("/{user_id}/changes", response_model=people_answers.UserHistory)
async def read_changes(
    request: Request, principal: AdminKey, user_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """Who did what with a learner, the latest first."""
    async with services_of(request).database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
        rows = await people.changes(
            conn, principal.organisation_id, learner.learner_id, id_after(cursor), limit
        )
    shown = [{**row, "changed_at": rfc3339(row["changed_at"])} for row in rows]
    return Json(page("changes", shown, limit, "change_id"))


async def _answer(
    services: Services,
    organisation_id: str,
    learner_id: str,
    released: Released | None = None,
    status_code: int = 200,
) -> Json:
    async with services.database.connection() as conn:
        (person,) = await people.read(conn, organisation_id, [learner_id])
    shown = _shown(person)
    if released is not None:
        shown["released"] = {
            "events": released.events,
            "points_awarded": released.points,
            "more": released.more,
        }
    return Json(shown, status_code=status_code)


def _shown(person: Person) -> dict[str, Any]:
    return {
        "user_id": person.user_id,
        "email": person.email,
        "name": person.name,
        "status": person.status,
        "weekly_goal": person.weekly_goal,
        "leaderboard": person.leaderboard,
        "metadata": person.metadata,
        "identities": person.identities,
        "created_at": rfc3339(person.created_at),
    }


def _identities(given: list[str], path: str, faults: list[FieldError]) -> list[str]:
    """Identities in the form in which they are kept; what is wrong with one is added to `faults`."""
    checked = []
    for index, identity in enumerate(given):
        try:
            checked.append(checks.user_id(identity))
        except Fault as fault:
            checked.append(identity)
            where = path if path == "user_id" else f"{path}[{index}]"
            faults.append(FieldError(where, str(fault)))
    return checked


def _email_faults(email: str | None) -> list[FieldError]:
    if email:
        try:
            checks.email(email)
        except Fault as fault:
            return [FieldError("email", str(fault))]
    return []


def _first_id(path: str, text: str | None, zone: Any) -> str | None:
    found = moment(path, text, zone)
    return None if found is None else first_uuid7(found)
