"""Workflow files: what the Event Trigger plugin's import expects, and what the adapter reads back."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rocket_server.catalogue import load
from rocket_server.organisations.model import Source
from rocket_server.sources import moodle
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.workflows import TOKEN_PLACEHOLDER, body_template, script, workflows

URL = "https://rocket.example.test/api/public/hook/moodle/event"
FILES = dict(workflows(URL, "t" * 40))


def steps(workflow):
    return {step["stepclass"].rsplit("\\", 1)[-1]: json.loads(step["data"]) for step in workflow["steps"]}


def test_there_is_one_file_for_each_activity():
    """File names are distinct, and their events those of the catalogue; the last is for a course's reset."""
    events = [workflow["event"] for workflow in FILES.values()]
    assert events == [*load(), "\\core\\event\\course_reset_ended"]
    assert [one["event"] for _, one in workflows(URL, resets=False)] == list(load())


def test_a_reset_looks_up_nobody():
    """A reset may be nobody's (cron's); its course is looked up, and its body is one that is understood."""
    looked_up = steps(FILES["core.course_reset_ended.json"])
    assert list(looked_up) == ["course_lookup_step", "http_post_action_step"]
    template = json.loads(looked_up["http_post_action_step"]["httpparams"])
    body = {name: "" for name in template}
    body |= {"id": "7", "eventname": "\\core\\event\\course_reset_ended", "courseid": "12", "userid": "0"}
    body["timecreated"] = "1772445600"
    event = moodle.read(
        body,
        ReadingContext(
            Source("", "", "moodle", "moodle", ""), ZoneInfo("UTC"), datetime(2100, 1, 1, tzinfo=UTC)
        ),
    )
    assert (event.event, event.resets_course, event.user_id) == ("course.reset", "12", None)


@pytest.mark.parametrize("name", [name for name in FILES if "course_reset" not in name])
def test_file_has_the_form_of_an_export(name):
    """Each file has the keys, the order of steps and the strings within strings that the import reads."""
    workflow = json.loads(json.dumps(FILES[name]))
    assert json.loads(workflow["description"])["format"] == "1"
    assert [step["steporder"] for step in workflow["steps"]] == [
        str(order) for order in range(len(workflow["steps"]))
    ]
    assert {"name", "event", "debug", "moodleversion", "pluginversion"} <= workflow.keys()
    for step in workflow["steps"]:
        assert step.keys() == {"id", "name", "description", "type", "stepclass", "data", "steporder"}
        assert step["stepclass"].startswith(f"\\tool_trigger\\steps\\{step['type']}\\")
    send = steps(workflow)["http_post_action_step"]
    assert (send["url"], send["jsonencode"], send["expectedresponse"]) == (URL, "0", "200")
    assert send["httpheaders"].splitlines() == [
        "Content-Type: application/json",
        f"Authorization: Bearer {'t' * 40}",
    ]
    activity = load()[workflow["event"]]
    assert steps(workflow)["user_lookup_step"]["useridfield"] == activity.learner.removeprefix(
        "relateduserid_or_"
    )
    assert ("course_lookup_step" in steps(workflow)) is activity.in_course


@pytest.mark.parametrize(
    "eventname", ["user_loggedin", "message_sent", "badge_awarded", "cohort_member_added"]
)
def test_no_course_is_looked_up_where_there_may_be_none(eventname):
    """Events that can happen outside of a course have no course look-up, which would stop the send."""
    assert "course_lookup_step" not in steps(FILES[f"core.{eventname}.json"])


@pytest.mark.parametrize("activity", load().values(), ids=lambda activity: activity.eventname)
def test_every_placeholder_is_quoted(activity):
    """The template is JSON with or without values: empty values need the quotes."""
    template = body_template(activity)
    fields = json.loads(template)
    assert all(value == f"{{{name}}}" for name, value in fields.items())
    assert set(json.loads(re.sub(r"\{[a-z0-9_]+\}", "", template)).values()) == {""}
    assert {"relateduserid", "realuserid", "contextinstanceid", "learner_id"} <= fields.keys()


def test_completion_sends_its_state():
    """The workflow for completions sends the state, without which nothing can be taken back."""
    activity = load()["\\core\\event\\course_module_completion_updated"]
    assert '"other_completionstate": "{other_completionstate}"' in body_template(activity)


def test_files_without_a_token_say_where_it_goes():
    """Without a token the files hold a text that nobody takes for one."""
    name, workflow = next(workflows(URL))
    assert name.endswith(".json")
    assert f"Bearer {TOKEN_PLACEHOLDER}" in steps(workflow)["http_post_action_step"]["httpheaders"]


def test_filled_template_is_read_back(read_fields):
    """A template filled as the plugin fills it, with unknown fields left, is an event of that activity."""
    values = {
        "id": "75",
        "userid": "3",
        "relateduserid": "3",
        "timecreated": "1795218748",
        "other_quizid": "1",
    }
    eventname = "\\mod_quiz\\event\\attempt_submitted"
    template = body_template(load()[eventname])
    for name, value in {**values, "eventname": eventname.replace("\\", "%5C")}.items():
        template = template.replace(f'"{{{name}}}"', f'"{value}"')
    event = read_fields(json.loads(template))
    assert (event.event, event.user_id) == ("quiz.completed", "moodle:3")
    assert "{" not in str(event.received)[1:-1]


def test_script_holds_every_workflow_and_the_token():
    """One PHP script has the same workflows as the files, on one line of JSON that PHP doesn't interpret."""
    made = script(URL, "t" * 40, load())
    lines = made.splitlines()
    held = lines[lines.index("        return <<<'ROCKET_WORKFLOWS'") + 1]
    assert json.loads(held) == list(FILES.values())
    assert lines[lines.index(held) + 1] == "ROCKET_WORKFLOWS;"
    assert "__WORKFLOWS__" not in made
