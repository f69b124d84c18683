"""People as administrators keep them: made, found, changed, given identities, merged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.http import openapi, queries
from rocket_server.http.actors import acting
from rocket_server.http.api.answers import people as people_answers
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, encode_cursor, id_after, page
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.times import moment
from rocket_server.ids import first_uuid7
from rocket_server.learners import people
from rocket_server.learners.people import Filter, Person
from rocket_server.learners.store import known_learner
from rocket_server.numbers import Whole
from rocket_server.sources import checks
from rocket_server.sources.canonical import external_identities
from rocket_server.times import rfc3339
from rocket_server.usecases import joining
from rocket_server.usecases import people as acts
from rocket_server.usecases.people import Change, Changed, NewPerson

router = APIRouter(prefix="/v1/users", tags=["users"], responses=openapi.ERRORS)

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


@router.post("", status_code=201, response_model=people_answers.ChangedUser)
async def create_user(request: Request, principal: AdminKey, body: NewUser) -> Json:
    """Make a learner; events that were held for one of their identities are run."""
    faults: list[FieldError] = []
    external = external_identities(
        body.external_ids, "external_ids", lambda path, message: faults.append(FieldError(path, message))
    )
    new = NewPerson(
        body.user_id, body.email, body.name, body.identities, external, body.weekly_goal, body.metadata
    )
    made = await acts.create(*acting(request, principal), new, faults)
    return _changed(made, 201)


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
        found, more = await people.page(conn, principal.organisation_id, wanted, limit)
    following = encode_cursor(found[-1].learner_id) if more else None
    return Json({"users": [_shown(one) for one in found], "next_cursor": following})


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
        raise InvalidPayload.field("email" if email is None else "q", "must be one of email and q, not both")
    async with services_of(request).database.connection() as conn:
        if email is not None:
            found = await people.by_email(conn, principal.organisation_id, queries.address(email))
        else:
            found = await people.search(conn, principal.organisation_id, queries.address(q or ""), limit)
    return Json({"users": [_shown(one) for one in found], "next_cursor": None})


@router.get("/{user_id}", response_model=people_answers.User)
async def read_user(request: Request, principal: ReadKey, user_id: str) -> Json:
    """A learner by any of their identities."""
    async with services_of(request).database.connection() as conn:
        learner = await known_learner(conn, principal.organisation_id, user_id)
        (person,) = await people.read(conn, principal.organisation_id, [learner.learner_id])
    return Json(_shown(person))


@router.patch("/{user_id}", response_model=people_answers.ChangedUser)
async def change_user(request: Request, principal: AdminKey, user_id: str, body: UserChange) -> Json:
    """Change what is known of a learner. A suspended one's events are kept, and give nothing."""
    fields = body.model_fields_set & {"email", "name", "status", "weekly_goal", "metadata"}
    faults: list[FieldError] = []
    if "leaderboard" in body.model_fields_set and body.leaderboard is None:
        faults.append(FieldError("leaderboard", "must be one of shown, anonymous, hidden"))
    change = Change(
        {name: getattr(body, name) for name in fields},
        body.leaderboard,
        body.add_identities,
        body.remove_identities,
    )
    return _changed(await acts.change(*acting(request, principal), user_id, change, faults))


@router.post("/{user_id}/identities", status_code=201, response_model=people_answers.ChangedUser)
async def add_identities(request: Request, principal: AdminKey, user_id: str, body: NewIdentities) -> Json:
    """Say that identities are this learner's; events that were held for them are run."""
    linked = await acts.link(*acting(request, principal), user_id, body.identities)
    return _changed(linked, 201)


@router.post("/{user_id}/merge", response_model=people_answers.Merged)
async def merge_users(request: Request, principal: AdminKey, user_id: str, body: MergeRequest) -> Json:
    """Make another learner one with this one, for good; with `dry_run`, only show what would follow."""
    merged = await joining.merge(*acting(request, principal), user_id, body.from_id, dry_run=body.dry_run)
    made, is_preview = merged.merge, merged.status == "preview"
    return Json(
        {
            "status": merged.status,
            "merge_id": None if is_preview else made.merge_id,
            "user_id": made.user_id,
            "merged_at": None if is_preview else rfc3339(made.merged_at),
            "followed": made.followed,
        }
    )


@router.delete("/{user_id}", response_model=people_answers.Anonymised)
async def anonymise_user(request: Request, principal: AdminKey, user_id: str) -> Json:
    """Forget who a learner was, for good; what they earned stays as sums under an id without meaning."""
    forgotten = await acts.anonymise(*acting(request, principal), user_id)
    erased_at = forgotten.erased_at
    return Json(
        {
            "user_id": forgotten.anonymised.user_id,
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


def _changed(changed: Changed, status_code: int = 200) -> Json:
    released = changed.released
    return Json(
        {
            **_shown(changed.person),
            "released": {
                "events": released.events,
                "points_awarded": released.points,
                "more": released.more,
            },
        },
        status_code,
    )


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


def _first_id(path: str, text: str | None, zone: Any) -> str | None:
    found = moment(path, text, zone)
    return None if found is None else first_uuid7(found)
