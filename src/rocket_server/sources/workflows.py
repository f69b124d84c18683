"""Workflow files that Moodle's Event Trigger plugin imports, one for each activity of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec

from rocket_server import catalogue
from rocket_server.catalogue import Activity

# The versions with which files of this form were tried (tool_trigger's import doesn't compare them).
MOODLE_VERSION: Final = "2022112800"
PLUGIN_VERSION: Final = "2024031401"
TOKEN_PLACEHOLDER: Final = "PASTE-THE-TOKEN-OF-YOUR-SOURCE-HERE"  # noqa: S105

EVENT_FIELDS: Final = (
    *("id", "eventname", "component", "action", "target", "crud", "edulevel", "objecttable", "objectid"),
    *("contextid", "contextlevel", "contextinstanceid", "userid", "relateduserid", "courseid", "anonymous"),
    *("timecreated", "origin", "ip", "realuserid", "wwwroot"),
)
LEARNER_FIELDS: Final = tuple(
    f"learner_{name}" for name in ("id", "email", "idnumber", "fullname", "suspended")
)
COURSE_FIELDS: Final = tuple(
    f"course_{name}" for name in ("shortname", "idnumber", "fullname", "category", "visible")
)
_SCRIPT: Final = "event_trigger.php"
_HOLE: Final = "__WORKFLOWS__"
# Parts of `other` that Rocket has no use for: what learners wrote, and secrets.
_LEFT_OUT: Final = frozenset({"content", "newcontent", "pathnamehashes", "sessionid", "username"})


# No activity of anybody: a course that begins anew.
COURSE_RESET: Final = Activity(
    eventname="\\core\\event\\course_reset_ended",
    event="course.reset",
    title="A course was reset",
    learner="userid",
    once_per="event",
    points=0,
    in_course=True,
)


def workflows(
    url: str,
    token: str | None = None,
    activities: Mapping[str, Activity] | None = None,
    *,
    resets: bool = True,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """File names and contents. `url` is the hook's; without a `token` the files say where to put it. With
    `resets`, the one for courses that are reset is the last."""
    known = activities if activities is not None else catalogue.load()
    for activity in (*known.values(), *([COURSE_RESET] if resets else [])):
        component, _, name = activity.eventname.strip("\\").split("\\")
        yield f"{component}.{name}.json", workflow(activity, url, token)


def script(url: str, token: str, activities: Mapping[str, Activity], *, resets: bool = True) -> str:
    """A PHP script that, run in Moodle's folder, brings workflows into the plugin and switches them on."""
    made = [one for _, one in workflows(url, token, activities, resets=resets)]
    template = files("rocket_server.sources").joinpath(_SCRIPT).read_text()
    # JSON on one line holds no line of its own that could end PHP's nowdoc.
    return template.replace(_HOLE, msgspec.json.encode(made).decode())


def workflow(activity: Activity, url: str, token: str | None = None) -> dict[str, Any]:
    """One workflow, as `tool_trigger`'s export writes it. Its import leaves it switched off."""
    steps = [] if activity is COURSE_RESET else [_user_lookup(activity)]
    if steps and _looked_up(activity) == "userid":
        # Nobody (0) would make the look-up fail and the plugin try again; such an event is worth nothing.
        steps.insert(0, _somebody())
    if activity.in_course:
        steps.append(_course_lookup())
    steps.append(_send(activity, url, token))
    return {
        "name": f"Rocket: {activity.title}",
        "description": _json({"text": f"<p>Sends {activity.event} to Rocket.</p>", "format": "1"}),
        "event": activity.eventname,
        "debug": "0",
        "steps": [
            {"id": str(order + 1), **step, "data": _json(step["data"]), "steporder": str(order)}
            for order, step in enumerate(steps)
        ],
        "moodleversion": MOODLE_VERSION,
        "pluginversion": PLUGIN_VERSION,
    }


def body_template(activity: Activity) -> str:
    """The JSON body with every placeholder in quotes: an empty value without them would be no JSON."""
    fields = [*EVENT_FIELDS, *(f"other_{part}" for part in activity.other if part not in _LEFT_OUT)]
    fields += () if activity is COURSE_RESET else LEARNER_FIELDS
    if activity.in_course:
        fields += COURSE_FIELDS
    return "{\n" + ",\n".join(f'  "{name}": "{{{name}}}"' for name in fields) + "\n}"


def _somebody() -> dict[str, Any]:
    return {
        "name": "Somebody is logged in",
        "description": "Goes on only where a user acted, and not the guest",
        "type": "filters",
        "stepclass": "\\tool_trigger\\steps\\filters\\numcompare_filter_step",
        "data": {
            "field1": "userid",
            "operator": ">",
            "field2": "1",
            "stepdesc": "Number comparison",
            "typedesc": "Filter",
        },
    }


def _user_lookup(activity: Activity) -> dict[str, Any]:
    return {
        "name": "Learner",
        "description": f"Looks up the learner, who is the event's {_looked_up(activity)}",
        "type": "lookups",
        "stepclass": "\\tool_trigger\\steps\\lookups\\user_lookup_step",
        "data": {
            "useridfield": _looked_up(activity),
            "outputprefix": "learner_",
            "nodeleted": "1",
            "stepdesc": "User lookup",
            "typedesc": "Lookup",
        },
    }


def _looked_up(activity: Activity) -> str:
    """Whom to look up: never a field that may be empty, since the plugin then sends nothing at all."""
    return "relateduserid" if activity.learner == "relateduserid" else "userid"


def _course_lookup() -> dict[str, Any]:
    return {
        "name": "Course",
        "description": "Looks up the course",
        "type": "lookups",
        "stepclass": "\\tool_trigger\\steps\\lookups\\course_lookup_step",
        "data": {
            "courseidfield": "courseid",
            "outputprefix": "course_",
            "stepdesc": "Course lookup",
            "typedesc": "Lookup",
        },
    }


def _send(activity: Activity, url: str, token: str | None) -> dict[str, Any]:
    return {
        "name": "Send to Rocket",
        "description": "Posts the event; only the answer 200 counts as received",
        "type": "actions",
        "stepclass": "\\tool_trigger\\steps\\actions\\http_post_action_step",
        "data": {
            "url": url,
            "httpmethod": "POST",
            "httpheaders": (
                f"Content-Type: application/json\nAuthorization: Bearer {token or TOKEN_PLACEHOLDER}"
            ),
            "httpparams": body_template(activity),
            "jsonencode": "0",
            "expectedresponse": "200",
            "stepdesc": "HTTP Post",
            "typedesc": "Action",
        },
    }


def _json(value: dict[str, str]) -> str:
    return msgspec.json.encode(value).decode()
