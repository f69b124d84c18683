"""A wrong link is taken apart: identities of a learner become one of their own."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.errors import InvalidPayload
from rocket_server.http import openapi
from rocket_server.http.api.answers import people as people_answers
from rocket_server.http.api.users import known_learner
from rocket_server.http.auth import AdminKey
from rocket_server.http.responses import Json, rfc3339
from rocket_server.http.services import services_of
from rocket_server.learners import people
from rocket_server.ledger import store as ledger
from rocket_server.people.split import Split, begin_split, continue_split

router = APIRouter(prefix="/v1/users", tags=["users"], responses=openapi.ERRORS)

# What a request may take; more goes on with the next one.
_PIECES_AT_ONCE = 20

Identity = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[^\x00]*$")]


class SplitRequest(BaseModel):
    """Which identities are somebody else's."""

    model_config = ConfigDict(extra="forbid")

    identities: Annotated[list[Identity], Field(min_length=1, max_length=people.MAX_IDENTITIES)]
    dry_run: bool = False


class _RolledBack(Exception):
    """Leaves a transaction without its effects."""


@router.post("/{user_id}/split", response_model=people_answers.Split)
async def split_user(request: Request, principal: AdminKey, user_id: str, body: SplitRequest) -> Json:
    """Make identities of a learner a learner of their own, with their events and what these are worth; with
    `dry_run`, only show what would follow. Sent again, it goes on where it was interrupted."""
    services, organisation_id = services_of(request), principal.organisation_id
    identities = list(dict.fromkeys(body.identities))
    if len(identities) != len(body.identities):
        raise InvalidPayload.field("identities", "must name each identity once")
    now = datetime.now(UTC)
    answer: dict[str, Any] = {}

    async def piece(conn: Any, split: Split | None) -> Split:
        configuration = await services.configurations.current(conn, organisation_id)
        if split is None:
            learner = await known_learner(conn, organisation_id, user_id)
            before = await ledger.read_account(conn, organisation_id, learner.learner_id)
            answer["before"] = before.points
            split = await begin_split(conn, configuration, user_id, identities, principal.actor, now)
        split = await continue_split(conn, configuration, split, now)
        answer["left"] = (await ledger.read_account(conn, organisation_id, split.learner.learner_id)).points
        answer["new"] = (await ledger.read_account(conn, organisation_id, split.new.learner_id)).points
        return split

    async def first(conn: Any) -> Split:
        split = await piece(conn, None)
        if body.dry_run:
            for _ in range(_PIECES_AT_ONCE - 1):
                if not split.finished:
                    split = await piece(conn, split)
            found.append(split)
            raise _RolledBack
        return split

    found: list[Split] = []
    with suppress(_RolledBack):
        found.append(await services.database.run(first, ingest=True))
    split = found[-1]
    pieces = 1
    while not split.finished and not body.dry_run and pieces < _PIECES_AT_ONCE:
        split = await services.database.run(partial(piece, split=split), ingest=True)
        pieces += 1
    is_preview = body.dry_run and not split.replayed
    return Json(
        {
            "status": "already_split" if split.replayed else "preview" if is_preview else "split",
            "split_id": None if is_preview else split.split_id,
            "user_id": split.learner.user_id,
            "new_user_id": split.new.user_id,
            "split_at": None if is_preview else rfc3339(split.split_at),
            "followed": {
                "identities": split.identities,
                "events": split.events,
                "events_judged_again": split.judged_again,
            },
            "points": answer,
            "more": not split.finished,
        }
    )
