"""The judges of the SDKs: what they find wrong with a run, and with types."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "sdks" / "conformance"))

from checks import faults_of
from faults import Seen
from fields import document_fields, missing

HEADERS = {
    "Authorization": "Bearer rk_live_x",
    "User-Agent": "rocket-learning-sdk-x/1",
    "Content-Type": "application/json",
    "Idempotency-Key": "k",
}
SCENARIO = {
    "scenario": "award",
    "expect": {"outcome": "ok", "balance": 5},
    "requests": {"tries": 2, "same": "idempotency_key", "keyed": True, "waited_s": 1},
}
SAID = {"scenario": "award", "outcome": "ok", "balance": 5}


def seen(at_s: float = 0.0, **headers: str) -> Seen:
    """A request of an award."""
    return Seen("POST", "/v1/points/award", HEADERS | headers, {"points": 5}, at_s)


def faults(said: dict[str, Any] | None = SAID, requests: list[Seen] | None = None) -> list[str]:
    """What the judge says."""
    given = [seen(), seen(1.0)] if requests is None else requests
    return faults_of(SCENARIO, said, given, "rocket-learning-sdk-x/")


def test_a_good_run_has_no_faults() -> None:
    """What is as expected is not complained of."""
    assert faults() == []


@pytest.mark.parametrize(
    ("said", "requests", "word"),
    [
        (None, None, "no line"),
        (SAID | {"balance": 10}, None, "balance is 10"),
        (SAID | {"more": 1}, None, "more is 1"),
        ({"scenario": "award", "outcome": "ok"}, None, "balance is None"),
        (SAID, [seen()], "1 requests"),
        (SAID, [seen(), seen(0.5)], "waited"),
        (SAID, [seen(), seen(1, **{"Idempotency-Key": "other"})], "isn't the same"),
        (SAID, [seen(**{"Idempotency-Key": ""}), seen(1, **{"Idempotency-Key": ""})], "without an Idem"),
        (SAID, [seen(), seen(1, **{"User-Agent": "curl"})], "User-Agent"),
        (SAID, [seen(), seen(1, **{"Content-Type": "text/plain"})], "Content-Type"),
        (SAID, [seen(), seen(1, Authorization="")], "Authorization"),
    ],
)
def test_each_fault_of_a_run_is_found(
    said: dict[str, Any] | None, requests: list[Seen] | None, word: str
) -> None:
    """A wrong fact, a try too few, another key, a missing header: each is said."""
    assert any(word in fault for fault in faults(said, requests)), faults(said, requests)


def test_a_field_that_an_sdk_lacks_is_found() -> None:
    """A field of the document, however deep, that the types don't have is named with its call."""
    document = {
        "paths": {
            "/v1/users/{user_id}/x": {
                "get": {
                    "parameters": [{"name": "user_id", "in": "path"}, {"name": "limit", "in": "query"}],
                    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/x"}}}}},
                }
            }
        },
        "x": {"properties": {"items": {"type": "array", "items": {"anyOf": [{"$ref": "#/y"}]}}}},
        "y": {"properties": {"a": {}, "b": {"type": "object"}}},
    }
    case = {
        "call": "users.x",
        "method": "GET",
        "base_url": "http://h/prefix",
        "url": "http://h/prefix/v1/users/u/x",
    }
    known = document_fields(document, [case])
    assert known["users.x"].answer == {"items", "items[].a", "items[].b"}
    told = {"users.x": {"request": ["user_id"], "answer": ["items", "items[].a", "items[].more"]}}
    assert missing(known, told) == [
        "users.x: the request has no limit",
        "users.x: the answer has no items[].b",
    ]
    assert missing(known, {}) == ["users.x: the SDK tells no types of it"]
