"""What Moodle's reset of a course means: whether the course begins anew; pure.

`course_reset_ended` has what was ticked in the form as `other.reset_options` (lib/moodlelib.php,
reset_course_userdata). The Event Trigger plugin can't send it, since it is no single value; our plugin does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rocket_server.organisations.model import Source
from rocket_server.sources.moodle_fields import Fields

COURSE_RESET: Final = r"\core\event\course_reset_ended"

# With these a course is emptied for its next run: who completed what, or who takes part. All others change
# dates, groups, roles or notes, or empty some activities, whose new attempts and posts are new things anyway.
_BEGINS_ANEW: Final = ("reset_completion", "unenrol_users")
_NOTHING: Final[tuple[Any, ...]] = (None, False, 0, "", "0", [], {})


def resets_course(fields: Fields, properties: Mapping[str, Any], source: Source) -> str | None:
    """The course that begins anew by an event; None where none does."""
    if fields["eventname"] != COURSE_RESET or not source.filters.course_resets or not _is_emptied(fields):
        return None
    course_id: str | None = properties.get("course_id")
    return course_id


def reason(fields: Fields, properties: Mapping[str, Any], source: Source) -> str:
    """What a reset of a course does: it is nobody's, and gives nothing."""
    if not source.filters.course_resets:
        return (
            "course_reset: the source's filters say that a reset lets no course begin anew (course_resets)."
        )
    course_id = properties.get("course_id")
    if course_id is None:
        return (
            "course_reset: no course begins anew, since courseid wasn't sent:"
            ' add "courseid": "{courseid}" to the workflow\'s template.'
        )
    if not _is_emptied(fields):
        return (
            f"course_reset: course {course_id} goes on, since neither completions nor enrolments were reset."
            f" If it should begin anew, say so: POST /v1/courses/{course_id}/reset."
        )
    return f"course_reset: course {course_id} begins anew; what rules count by it counts from this time on."


def _is_emptied(fields: Fields) -> bool:
    """Whether a reset lets the course begin anew; taken for granted where it wasn't sent what was reset."""
    try:
        options = msgspec.json.decode(fields.get("other_reset_options", ""))
    except (msgspec.MsgspecError, RecursionError):
        return True
    if not isinstance(options, dict):
        return True
    return any(options.get(name) not in _NOTHING for name in _BEGINS_ANEW)
