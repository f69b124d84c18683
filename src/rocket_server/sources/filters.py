"""A source's filters, tried on an event in the flat stored form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rocket_server.organisations.model import Filters

# Moodle's context levels have numbers; an administrator may write either.
_CONTEXT_LEVELS: Final = {
    "system": "10",
    "user": "30",
    "coursecat": "40",
    "category": "40",
    "course": "50",
    "module": "70",
    "block": "80",
}


def apply(
    filters: Filters, properties: Mapping[str, Any], context_level: str | None, suspended: str | None
) -> tuple[str | None, list[str]]:
    """Why the event doesn't count ("filtered: …"), or None, and notes about filters that couldn't be tried.

    `suspended` is what the platform says of the learner's account: "1", "0", or None where it wasn't sent.
    """
    if filters == _NO_FILTERS:
        return None, []
    reasons: list[str] = []
    notes: list[str] = []

    def one_of(what: str, field: str, value: str | None, allowed: frozenset[str]) -> None:
        if not allowed:
            return
        if value is None:
            notes.append(f"The filter on {what} let the event pass, because {field} wasn't sent.")
        elif value not in allowed:
            reasons.append(f"{what} {value} is not one of those that the source's filter takes")

    one_of("course", "course_id", properties.get("course_id"), filters.course_ids)
    one_of("category", "category_id", properties.get("category_id"), filters.category_ids)
    roles = properties.get("role_ids")
    if isinstance(roles, list):  # our own plugin says which roles the learner has there
        if filters.role_ids and filters.role_ids.isdisjoint(roles):
            had = f"has the roles {', '.join(roles)}" if roles else "has no role"
            reasons.append(f"the learner {had}, none of those that the source's filter takes")
    else:
        one_of("role", "role_id", properties.get("role_id"), filters.role_ids)
    levels = frozenset(_CONTEXT_LEVELS.get(level.lower(), level) for level in filters.context_levels)
    one_of("context level", "contextlevel", context_level, levels)
    if filters.visible is not None:
        visible = properties.get("course_visible")
        if visible is None:
            notes.append("The filter on visible courses let the event pass: course_visible wasn't sent.")
        elif (visible == "1") != filters.visible:
            reasons.append(f"the course is {'hidden' if filters.visible else 'visible'}")
    if filters.exclude_suspended:
        if suspended is None:
            notes.append("The filter on suspended learners let the event pass: suspended wasn't sent.")
        elif suspended == "1":
            reasons.append("the learner's account is suspended")
    return (f"filtered: {'; '.join(reasons)}." if reasons else None), notes


_NO_FILTERS: Final = Filters()
