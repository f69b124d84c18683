"""The analytics export: what it sends, to a receiver on a real socket."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rocket_server.plugins import analytics
from rocket_server.plugins.analytics import AnalyticsExport, ImportRefused
from rocket_server.plugins.interface import PluginEvent
from support.analytics import Analytics
from support.analytics import analytics as listening_service

EVENT = PluginEvent(
    "quiz.submitted",
    {"tenantId": "t", "organisationId": "o", "userId": "anna"},
    {"score": 85, "points_awarded": 20},
    "2026-03-02T10:00:00.250Z",
    "0199f3a2-7c41-7d2e-9b1f-3f6a0c5d8e71",
)


@pytest.fixture
def service() -> Iterator[Analytics]:
    """A service that takes everything, unless a test says otherwise."""
    with listening_service() as service:
        yield service


def test_an_event_has_the_form_of_the_import() -> None:
    """The learner is `distinct_id`, time is in whole Unix seconds, and the event's id makes it count once."""
    assert analytics.imported(EVENT) == {
        "event": "quiz.submitted",
        "properties": {
            "score": 85,
            "points_awarded": 20,
            "distinct_id": "anna",
            "time": 1772445600,
            "$insert_id": EVENT.id,
            "event_id": EVENT.id,
            "source": "rocket",
            "tenant_id": "t",
            "organisation_id": "o",
        },
    }


def test_a_platform_cannot_pose_as_someone_else() -> None:
    """What a platform sent never replaces whose event it is, when it was, or what the service reserves."""
    sent = {
        "distinct_id": "eve",
        "time": 1,
        "$insert_id": "x",
        "$user_id": "eve",
        "mp_lib": "x",
        "token": "x",
    }
    imported = analytics.imported(replace(EVENT, data=sent))["properties"]
    assert (imported["distinct_id"], imported["time"], imported["$insert_id"]) == (
        "anna",
        1772445600,
        EVENT.id,
    )
    assert not {"$user_id", "mp_lib", "token"} & imported.keys()


def test_an_event_of_nobody_is_nobodys() -> None:
    """An event without a learner has the empty id that the service takes for none."""
    nobody = replace(EVENT, context={**EVENT.context, "userId": None})
    assert analytics.imported(nobody)["properties"]["distinct_id"] == ""


def test_it_posts_with_the_token_and_keeps_its_connection(service: Analytics) -> None:
    """Each event is a POST of a list with the token as user, to the path and query of the setting, over one
    connection; where the service closes it, over another."""
    service.closes_after = 3
    export = AnalyticsExport(service.url("/import?strict=1&project_id=7"), "project-token")
    for _ in range(5):
        export(EVENT)
    peers = [sent.peer for sent in service.imports]
    assert peers[0] == peers[1] == peers[2] != peers[3] == peers[4]
    basic = f"Basic {base64.b64encode(b'project-token:').decode()}"
    for sent in service.imports:
        assert (sent.target, sent.authorization) == ("/import?strict=1&project_id=7", basic)
        assert json.loads(sent.body) == [analytics.imported(EVENT)]


def test_a_refusal_is_an_error_with_what_was_said(service: Analytics) -> None:
    """Anything but 2xx fails, so that the event is sent again; a redirect isn't followed."""
    export = AnalyticsExport(service.url("/import"), "t")
    for service.status in (302, 401, 413, 429, 500):
        with pytest.raises(ImportRefused, match=f"answered {service.status}: {{}}"):
            export(EVENT)
    assert [sent.target for sent in service.imports] == ["/import"] * 5


def test_a_service_that_is_away_is_an_error() -> None:
    """Where nobody listens the hook raises, so that the event is sent again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        AnalyticsExport(f"http://127.0.0.1:{port}/import", "t")(EVENT)


@pytest.mark.parametrize(
    ("variables", "active"),
    [
        ({}, False),
        ({"ROCKET_ANALYTICS_URL": "https://api.example/import"}, False),
        ({"ROCKET_ANALYTICS_TOKEN": "t"}, False),
        ({"ROCKET_ANALYTICS_URL": "https://api.example/import", "ROCKET_ANALYTICS_TOKEN": "t"}, True),
    ],
)
def test_it_is_off_unless_configured(
    variables: dict[str, str], active: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without URL and token the plugin is there, but hears nothing."""
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    made = analytics.plugin()
    assert (made.is_active, bool(made.hooks)) == (active, active)
