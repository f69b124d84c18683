"""A wrong link is taken apart: identities of a learner become one of their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api.answers import people as people_answers
from rocket_server.http.auth import AdminKey
from rocket_server.http.responses import Json
from rocket_server.learners.people import MAX_IDENTITIES
from rocket_server.times import rfc3339
from rocket_server.usecases import joining

router = APIRouter(prefix="/v1/users", tags=["users"], responses=openapi.ERRORS)

Identity = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[^\x00]*$")]


class SplitRequest(BaseModel):
    """Which identities are somebody else's."""

    model_config = ConfigDict(extra="forbid")

    identities: Annotated[list[Identity], Field(min_length=1, max_length=MAX_IDENTITIES)]
    dry_run: bool = False


@router.post("/{user_id}/split", response_model=people_answers.Split)
async def split_user(request: Request, principal: AdminKey, user_id: str, body: SplitRequest) -> Json:
    """Make identities of a learner a learner of their own, with their events and what these are worth; with
    `dry_run`, only show what would follow. Sent again, it goes on where it was interrupted."""
    taken = await joining.split(*acting(request, principal), user_id, body.identities, dry_run=body.dry_run)
    split, is_preview = taken.split, taken.status == "preview"
    return Json(
        {
            "status": taken.status,
            "split_id": None if is_preview else split.split_id,
            "user_id": split.learner.user_id,
            "new_user_id": split.new.user_id,
            "split_at": None if is_preview else rfc3339(split.split_at),
            "followed": {
                "identities": split.identities,
                "events": split.events,
                "events_judged_again": split.judged_again,
            },
            "points": {"before": taken.before, "left": taken.left, "new": taken.new},
            "more": not split.finished,
        }
    )
