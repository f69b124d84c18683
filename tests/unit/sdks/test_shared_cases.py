"""The cases that SDKs share, held against the server's own code."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rocket_server.delivery import signing
from rocket_server.sources.rocket import parse_event

CASES = Path(__file__).parents[3] / "sdks" / "cases"
VERDICTS = {
    None: "fits",
    "mismatch": "doesn't fit",
    "too_old": "too old",
    "too_new": "in the future",
    "malformed": "malformed",
}


def read(name: str) -> dict[str, Any]:
    """A file of cases."""
    data: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return data


def cases(name: str, kind: str) -> Any:
    """Parametrizes a test by a list of cases."""
    return pytest.mark.parametrize("case", read(name)[kind], ids=lambda case: case["name"])


def server_errors(event: dict[str, Any]) -> list[str]:
    """The paths that the server names for an event."""
    now = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
    parsed = parse_event(event, timezone=ZoneInfo("UTC"), received_at=now)
    return [error.path for error in parsed] if isinstance(parsed, list) else []


@cases("events", "normalise")
def test_the_server_takes_what_sdks_send(case: dict[str, Any]) -> None:
    """Every normalised event of the cases is one that the server stores."""
    assert server_errors(case["wire"]) == []


@cases("events", "validate")
def test_sdks_are_as_strict_as_the_server(case: dict[str, Any]) -> None:
    """What SDKs refuse the server refuses too, under the same paths, and what they send it takes."""
    event = {"timestamp": "2026-01-31T10:15:00Z"} | {
        {"userId": "user_id"}.get(name, name): value for name, value in case["event"].items()
    }
    expected = [] if case["errors"] == ["userId"] else case["errors"]
    assert sorted(server_errors(event)) == sorted(expected)


@cases("signatures", "x_signature")
def test_x_signatures_of_the_cases_are_the_servers(case: dict[str, Any]) -> None:
    """What SDKs take is what the server signs, and nothing else."""
    body, header = case["body"].encode(), case["headers"].get("X-Signature", "")
    fits = any(signing.verify(secret, body, header.lower()) for secret in case["secrets"])
    # An SDK also wants the signed body to be a JSON object.
    assert fits == (case["refusal"] is None or case["name"] in ("empty body", "signed, but no JSON"))


@cases("signatures", "standard")
def test_standard_signatures_of_the_cases_are_the_servers(case: dict[str, Any]) -> None:
    """The server's own verification comes to the same verdict."""
    headers = {name.lower(): value for name, value in case["headers"].items()}
    if case["refusal"] == "missing" or "tolerance_s" in case or case["name"] == "signed, but no JSON":
        return
    verdicts = {
        signing.verify_standard(
            secret,
            headers["webhook-id"],
            headers["webhook-timestamp"],
            headers["webhook-signature"],
            case["body"].encode(),
            now_s=case["now_s"],
        )
        for secret in case["secrets"]
    }
    expected = VERDICTS[case["refusal"]]
    if case["name"] == "signature without a version":
        expected = "doesn't fit"  # SDKs say more precisely what is wrong with it
    assert expected in verdicts
