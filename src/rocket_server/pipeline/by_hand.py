"""Badges given and taken back by hand, and those that points given by hand earn; with all that follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rocket_server.badges import awards
from rocket_server.badges.awards import Award
from rocket_server.badges.model import Badge
from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import Conflict, NotFound
from rocket_server.learners.store import Learner
from rocket_server.ledger import store as ledger_store
from rocket_server.pipeline import badges, criteria
from rocket_server.pipeline.write import write


async def give_badge(
    conn: Any,
    configuration: Configuration,
    learner: Learner,
    badge: Badge,
    actor: str,
    metadata: dict[str, Any] | None,
    now: datetime,
) -> tuple[str, bool]:
    """Give a badge; the award's id, and whether it is new. Who holds it keeps the award there is."""
    organisation_id = configuration.organisation_id
    account = (await ledger_store.lock(conn, organisation_id, [learner.learner_id]))[learner.learner_id]
    if not badge.repeatable:
        held = await awards.standing_award(conn, organisation_id, learner.learner_id, badge.badge_id)
        if held is not None:
            return held.award_id, False
    candidate = badges.candidate_by_hand(
        learner, badge.badge_id, badge.repeatable, actor, metadata, account.earned, now
    )
    followed = await badges.follow_by_hand(conn, configuration, [candidate], now)
    await write(conn, configuration, [], now, [], followed)
    return candidate.award.award_id, True


async def revoke_badge(
    conn: Any, configuration: Configuration, award: Award, actor: str, reason: str, now: datetime
) -> None:
    """Take a badge back, and what rules gave for it. Raises NotFound, or Conflict where that was done."""
    organisation_id = configuration.organisation_id
    await ledger_store.lock(conn, organisation_id, [award.learner_id])
    # Read again under the lock: who raced us has committed by now.
    award_held = await awards.find(conn, organisation_id, award.award_id)
    if award_held is None:
        raise NotFound("There is no such award.", {"field": "award_id"})
    if award_held.status == "revoked":
        raise Conflict("This award was revoked already.", {"field": "award_id"})
    if award_held.status == "expired":
        raise Conflict("This award has expired, and the badge was given again since.", {"field": "award_id"})
    followed = await badges.take_back_by_hand(conn, configuration, award_held, now, actor, reason)
    await write(conn, configuration, [], now, [], followed)


async def points_given(
    conn: Any, configuration: Configuration, learner: Learner, actor: str, now: datetime
) -> None:
    """Give the badges whose criteria points given by hand have met. The learner's account is locked."""
    if configuration.thresholds.least_points is None or learner.status != "active":
        return
    account = await ledger_store.read_account(conn, configuration.organisation_id, learner.learner_id)
    found = await criteria.met_by_points(conn, configuration, learner.learner_id, account.earned)
    if found:
        candidates = [
            badges.candidate_by_points(learner, badge_id, actor, account.earned, now) for badge_id in found
        ]
        followed = await badges.follow_by_hand(conn, configuration, candidates, now)
        await write(conn, configuration, [], now, [], followed)


async def give_for_past(
    conn: Any,
    configuration: Configuration,
    badge_id: str,
    learners: Sequence[Learner],
    actor: str,
    now: datetime,
) -> int:
    """Give a badge to those of active learners who have met its criteria, with all that follows; how many
    these are. Raises TakesTooLong where they have too much of a past together."""
    organisation_id = configuration.organisation_id
    accounts = await ledger_store.lock(conn, organisation_id, [one.learner_id for one in learners])
    earned = {learner_id: account.earned for learner_id, account in accounts.items()}
    met = set(await criteria.met_by_past(conn, configuration, badge_id, earned))
    candidates = [
        badges.candidate_by_points(one, badge_id, actor, earned[one.learner_id], now)
        for one in learners
        if one.learner_id in met
    ]
    if candidates:
        followed = await badges.follow_by_hand(conn, configuration, candidates, now)
        await write(conn, configuration, [], now, [], followed)
    return len(candidates)
