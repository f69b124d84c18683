"""GET and PATCH /v1/plugins: what is installed, how it stands for an organisation, and switching it off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rocket_server.plugins import store as plugins_store
from support import plugins
from support.organisation import Organisation
from support.server import Server

SERVICE = {
    "EXTERNAL_SERVICE_WEBHOOK_URL": "https://hooks.example.org:8443/T0/secret-path?token=secret-query",
    "EXTERNAL_SERVICE_API_KEY": "secret-key",
    "ROCKET_ENV": "development",
}


@pytest.fixture(scope="module")
def installation(start_server, tmp_path_factory) -> Server:
    """A server with two plugins, one that can't be loaded, and an external service."""
    folder: Path = tmp_path_factory.mktemp("plugins")
    plugins.install(folder, "good", plugins.GOOD)
    plugins.install(folder, "naughty", plugins.NAUGHTY)
    plugins.install(folder, "broken", "import nothing_of_that_name")
    return start_server("with plugins", **plugins.environment(folder), **SERVICE)


@pytest.fixture
def there(organisation, installation) -> Organisation:
    """A fresh organisation, called through the server that has plugins."""
    return organisation.on(installation)


def listed(organisation: Organisation) -> dict[str, dict[str, Any]]:
    """The plugins by their ids; those that failed by their entry points."""
    answer = organisation.api.get("/v1/plugins")
    assert answer.status_code == 200, answer.text
    return {one["id"] or one["entry_point"]: one for one in answer.json()["plugins"]}


def test_the_list_is_what_the_manager_shows(there):
    """Each plugin is listed with what it says of itself, its hooks and its service; so is one that failed."""
    answer = there.api.get("/v1/plugins").json()
    assert [one["id"] or one["entry_point"] for one in answer["plugins"]] == [
        "analytics-export",
        "good",
        "naughty",
        "external-service-webhook",
        "broken",
    ]
    assert "*" in answer["registered_events"]
    assert "quiz.spins" in answer["registered_events"]
    assert (answer["external_service_count"], answer["next_cursor"]) == (1, None)
    good = listed(there)["good"]
    assert good == {
        "id": "good",
        "name": "Good",
        "version": "1.0",
        "description": "",
        "author": "",
        "type": "internal",
        "is_active": True,
        "entry_point": "good",
        "status": "active",
        "enabled": True,
        "disabled_reason": None,
        "hooks": [{"name": "*", "priority": 100, "failures": 0, "last_error": None}],
        "external_service": None,
        "waiting": 0,
        "exhausted": 0,
        "failures": 0,
        "last_error": None,
    }


def test_a_plugin_that_failed_says_why(there):
    """One that couldn't be imported is shown as failed with the error, and the server runs."""
    assert listed(there)["broken"] == {
        "id": None,
        "entry_point": "broken",
        "status": "failed",
        "error": "ModuleNotFoundError: No module named 'nothing_of_that_name'",
    }


def test_the_analytics_export_is_off_unless_configured(there):
    """The export that comes with the server is not active without its settings, and says which is missing."""
    export = listed(there)["analytics-export"]
    assert (export["is_active"], export["status"]) == (False, "inactive")
    assert "ROCKET_ANALYTICS_URL" in export["description"]


def test_services_are_shown_without_their_secrets(there):
    """Of an external service everyone sees where it is, and nobody its path, its query or its key."""
    answer = there.api.get("/v1/plugins")
    assert "secret" not in answer.text
    assert listed(there)["external-service-webhook"]["external_service"] == {
        "type": "webhook",
        "webhook": {
            "url": "https://hooks.example.org:8443/…",
            "method": "POST",
            "headers": {"Authorization": "***"},
            "timeout": 10_000,
            "retries": 3,
            "events": ["*"],
        },
    }


def test_events_wait_for_the_plugins_that_want_them(there, owner):
    """An event is queued, in its own transaction, for each active plugin and service that wants it."""
    there.api.event("course.completed", properties={"course_id": "1"})
    there.api.event("quiz.spins")
    found = listed(there)
    assert {name: one["waiting"] for name, one in found.items() if "waiting" in one} == {
        "analytics-export": 0,
        "good": 2,
        "naughty": 1,
        "external-service-webhook": 2,
    }
    rows = owner.fetch(
        "SELECT plugin_id, kind, url, headers::text, format FROM endpoints WHERE organisation_id = $1"
        " ORDER BY plugin_id",
        there.organisation_id,
    )
    assert [row["plugin_id"] for row in rows] == ["external-service-webhook#service", "good", "naughty"]
    assert {(row["kind"], row["url"], row["headers"]) for row in rows} == {("plugin", None, "{}")}


def test_a_server_without_the_plugin_queues_nothing_for_it(there, organisation):
    """A process that doesn't have a plugin leaves its rows alone and tells it nothing."""
    listed(there)
    organisation.api.event("course.completed", properties={"course_id": "1"})
    assert listed(there)["good"]["waiting"] == 0


def test_one_is_switched_off_for_one_organisation(there, make_organisation, installation):
    """Switched off, a plugin hears nothing more of the organisation, from the next event on; others go on."""
    other = make_organisation().on(installation)
    changed = there.api.patch("/v1/plugins/good", {"enabled": False})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["status"], changed.json()["disabled_reason"]) == ("disabled", "by_hand")
    for one in (there, other):
        one.api.event("course.completed", properties={"course_id": "1"})
    assert (listed(there)["good"]["waiting"], listed(other)["good"]["waiting"]) == (0, 1)
    assert listed(other)["good"]["status"] == "active"

    changed = there.api.patch("/v1/plugins/good", {"enabled": True})
    assert (changed.json()["status"], changed.json()["enabled"]) == ("active", True)
    there.api.event("course.completed", properties={"course_id": "2"})
    assert listed(there)["good"]["waiting"] == 1


def test_a_service_is_switched_with_its_plugin(there):
    """Switching a plugin off switches off its external service."""
    there.api.patch("/v1/plugins/external-service-webhook", {"enabled": False})
    there.api.event("course.completed", properties={"course_id": "1"})
    assert listed(there)["external-service-webhook"]["waiting"] == 0


def test_what_is_not_active_cannot_be_switched(there):
    """A plugin that isn't active in the installation has nothing to switch: a conflict, not a silent yes."""
    answer = there.api.patch("/v1/plugins/analytics-export", {"enabled": False})
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("nobody", {"enabled": False}, 404, "plugin_id"),
        ("broken", {"enabled": False}, 404, "plugin_id"),
        ("good", {}, 400, "enabled"),
        ("good", {"enabled": "maybe"}, 400, "enabled"),
        ("good", {"enabled": False, "hooks": []}, 400, "hooks"),
    ],
)
def test_bad_changes_are_refused(there, path, body, status, field):
    """A change of a plugin that isn't there, or of something else, is refused and names the field."""
    answer = there.api.patch(f"/v1/plugins/{path}", body)
    assert (answer.status_code, answer.json()["details"]["field"]) == (status, field)
    assert listed(there)["good"]["enabled"]


def test_failures_are_counted_for_each_hook(there, owner):
    """Failed attempts are counted for the plugin and for the hooks that their lines name, with the latest."""
    there.api.event("course.completed", properties={"course_id": "1"})
    endpoint_id = plugins_store.endpoint_id(there.organisation_id, "naughty")
    answers = [
        (False, "quiz.raises: ValueError: 1", "hook_raised", 1),
        (False, "quiz.raises: ValueError: 2\nquiz.spins: it wasn't done", "hook_raised", 3),
        (False, "quiz.spins: killed: it hung", "hook_timeout", 2),
        (True, "", None, 4),
    ]
    for number, (delivered, answer, error, minute) in enumerate(answers, 1):
        owner.execute(
            "INSERT INTO delivery_attempts (organisation_id, endpoint_id, delivery_id, number, started_at,"
            " duration_ms, delivered, error, answer, next_reason) VALUES ($1, $2, gen_random_uuid(), $3,"
            " timestamptz '2026-03-02T10:00:00Z' + make_interval(mins => $4), 5, $5, $6, $7, '')",
            there.organisation_id,
            endpoint_id,
            number,
            minute,
            delivered,
            error,
            answer,
        )
    naughty = listed(there)["naughty"]
    assert naughty["failures"] == 3
    hooks = {hook["name"]: (hook["failures"], hook["last_error"]) for hook in naughty["hooks"]}
    assert hooks["quiz.raises"] == (2, "ValueError: 2")
    assert hooks["quiz.spins"] == (2, "it wasn't done")
    assert hooks["quiz.fine"] == (0, None)
    assert naughty["last_error"]["at"] == "2026-03-02T10:03:00Z"
    assert naughty["last_error"]["code"] == "hook_raised"
