"""The requests of docs/how-to/learners.md, sent in their order, and the lists of docs/reference/users.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from rocket_server.app import api_routes
from rocket_server.http.api.people import NewUser, UserChange
from rocket_server.people.anonymise import KEPT_PROPERTIES
from support.organisation import Organisation

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to" / "learners.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference" / "users.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(http|json \d+)\n(.*?)^```$", HOW_TO, re.M | re.S)


def assert_shows(shown: Any, answered: Any, where: str) -> None:
    """What the page shows is in the answer; `…` stands for whatever ends a text."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert_shows(value, answered[name], f"{where}.{name}")
    elif isinstance(shown, list):
        assert len(shown) == len(answered), where
        for index, value in enumerate(shown):
            assert_shows(value, answered[index], f"{where}[{index}]")
    elif isinstance(shown, str) and shown.endswith("…"):
        assert answered.startswith(shown[:-1]), where
    else:
        assert shown == answered, where


def test_each_request_answers_as_shown(organisation: Organisation, adds_up: Any) -> None:
    """All requests of the page, one after another, on a fresh organisation."""
    assert HOW_TO.count("```") == 2 * len(BLOCKS)
    answer = None
    asked = 0
    for kind, text in BLOCKS:
        if kind == "http":
            line, _, body = text.partition("\n")
            method, path = line.split(" ")
            sent = json.loads(body) if body.strip() else None
            answer = organisation.api.request(method, path, json=sent)
            assert answer.is_success, (line, answer.text)
            asked += 1
        else:
            assert answer is not None
            assert answer.status_code == int(kind.split(" ")[1])
            assert_shows(json.loads(text), answer.json(), "answer")
    assert asked == 11
    adds_up(organisation)


def test_every_endpoint_and_scope_is_listed() -> None:
    """The table has each route of users, and no other."""
    listed = set(re.findall(r"^\| `(GET|POST|PATCH|DELETE) (/v1/users\S*)` \|", REFERENCE, re.M))
    routes = {
        (method, route.path.replace("{user_id}", "{id}"))
        for route in api_routes()
        for method in route.methods
        if route.path.startswith("/v1/users")
    }
    assert listed == routes


def test_every_field_is_listed() -> None:
    """The table of fields has what is taken when a user is made or changed."""
    section = REFERENCE.partition("## Fields")[2].partition("A user is shown")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| ([^|]+) \|", section, re.M))))
    assert named == NewUser.model_fields.keys() | UserChange.model_fields.keys()


def test_what_stays_of_properties_is_listed() -> None:
    """The page names each property that an anonymised learner's events keep."""
    row = next(line for line in REFERENCE.splitlines() if line.startswith("| events |"))
    assert re.findall(r"`(\w+)`", row.partition("of properties")[2]) == list(KEPT_PROPERTIES)
