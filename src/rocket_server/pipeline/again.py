"""Events that are run again and are worth what they were worth: they stand as they are.

Without this each run would reverse what there is and give it anew, and decisions, ledger and completions
would grow with every run that changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from rocket_server.badges import awards
from rocket_server.pipeline.books import Books
from rocket_server.pipeline.model import DECIDED_ANEW, Item

# Of reversals that only made room for a new decision, an event tells the latest; the ledger has all of them.
MAX_TOLD: Final = 20

# What a decision says of its badge.
_AWARDED, _HELD = "awarded", "already_held"


class SameAgain(Exception):
    """Some of the events stand as they are; the others have to be decided without them."""

    def __init__(self, event_ids: frozenset[str]) -> None:
        super().__init__(f"{len(event_ids)} events are worth what they were worth before")
        self.event_ids = event_ids


def still_told(decisions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The decisions of a stored event without the oldest of those that made room for new ones."""
    anew = [one for one in decisions if _made_room(one)]
    dropped = {id(one) for one in anew[: max(0, len(anew) - MAX_TOLD)]}
    return [one for one in decisions if id(one) not in dropped]


async def same(conn: Any, organisation_id: str, items: Iterable[Item], books: Books) -> frozenset[str]:
    """The stored events among decided `items`, of which nothing is written yet, that get what they have."""
    found = [item for item in items if _reads_the_same(item) and _gets_the_same(item, books)]
    giving = [item for item in found if item.gifts]
    if giving:
        event_ids = [item.event_id for item in giving]
        standing = {
            (award.event_id, award.badge_id)
            for award in await awards.by_events(conn, organisation_id, event_ids)
        }
        learner_ids = {item.learner.learner_id for item in giving if item.learner}
        badge_ids = {gift.badge_id for item in giving for gift in item.gifts}
        held, _ = await awards.given(conn, organisation_id, learner_ids, badge_ids)
        found = [item for item in found if _has_its_badges(item, standing, held)]
    return frozenset(item.event_id for item in found)


def _has_its_badges(
    item: Item, standing: Collection[tuple[str | None, str]], held: Collection[tuple[str, str]]
) -> bool:
    """Whether the badges that it gave stand, and those that its learner had already are held."""
    assert item.stored is not None
    assert item.learner is not None
    statuses = {
        (one["rule_id"], one["detail"]["badge"]): one["detail"].get("badge_status")
        for one in item.stored.decisions
        if one["outcome"] == "awarded" and "badge" in one["detail"]
    }
    return all(
        (item.event_id, gift.badge_id) in standing
        if statuses.get((gift.rule_id, gift.badge_id)) == _AWARDED
        else (item.learner.learner_id, gift.badge_id) in held
        for gift in item.gifts
    )


def _reads_the_same(item: Item) -> bool:
    event, stored = item.event, item.stored
    if stored is None or item.afresh or item.learner is None:
        return False
    metadata = {**event.metadata, "notes": list(event.notes)} if event.notes else event.metadata
    return (item.status, item.reason, item.learner.learner_id) == (
        stored.status,
        stored.reason,
        stored.learner_id,
    ) and (event.event, event.user_id, event.occurred_at, event.properties, metadata) == (
        stored.event,
        stored.user_id,
        stored.occurred_at,
        stored.properties,
        stored.metadata,
    )


def _gets_the_same(item: Item, books: Books) -> bool:
    """Whether it was given points, all of which stood until now, and gets the same by the same rules."""
    assert item.stored is not None
    before = [one for one in item.stored.decisions if one["outcome"] != "reversed"]
    now = [one for one in item.decisions if one["outcome"] != "reversed"]
    entry_ids = [one["detail"]["entry_id"] for one in before if "entry_id" in one["detail"]]
    stood = {one["detail"].get("reverses") for one in item.decisions if _made_room(one)}
    return (
        bool(entry_ids)
        and stood.issuperset(entry_ids)
        and len(before) == len(now)
        and all(_is_same(*pair, books) for pair in zip(before, now, strict=True))
    )


def _is_same(before: dict[str, Any], now: dict[str, Any], books: Books) -> bool:
    words = ("rule_id", "rule_version", "outcome", "points")
    if any(before[word] != now[word] for word in words):
        return False
    was, is_ = before["detail"], now["detail"]
    if "batch" in was or was.get("badge") != is_.get("badge"):
        return False
    if was.get("badge_status", _AWARDED) not in (_AWARDED, _HELD):
        return False
    return _counted(was, books) == _counted(is_, books)


def _counted(detail: dict[str, Any], books: Books) -> set[tuple[Any, ...]] | None:
    award_id = detail.get("entry_id") or detail.get("award_id")
    if award_id is None:
        return None
    return {(mark.learner_id, mark.mark, mark.occurred_at, mark.points) for mark in books.marks(award_id)}


def _made_room(decision: dict[str, Any]) -> bool:
    return bool(decision["outcome"] == "reversed" and decision["detail"].get("reason") == DECIDED_ANEW)
