"""Replays recorded requests of another assessment service against ours, ids mapped as they are made, and says
where the answers differ.

An id of the peer's is replaced by the one that ours made in its place, wherever it turns up later. Values
that each server makes by itself (ids, times) only have to be there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from support.examination import Hall
from support.organisation import Organisation

SAMPLES = Path(__file__).parents[1] / "fixtures" / "shiksha" / "api_samples.jsonl"
TENANT = "11111111-1111-4111-8111-111111111111"
UNRECORDED = ("hook.", "kill.")  # samples about tests whose making wasn't recorded
WRITTEN = "a1572d15-a705-498f-beea-39231e2b63f7"
ORGANISATION = "22222222-2222-4222-8222-222222222222"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# What each server makes by itself.
_OWN = re.compile(r"(?:At|Date|Time|timestamp|uptime|alias)$")
# A window that closes while the samples run is closed by hand, so that no machine is too slow for it.
_PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which an answer differs: the status, or a field of the result by its path."""

    step: str
    where: str
    theirs: Any
    ours: Any


@dataclass(slots=True)
class Replay:
    """The samples on their way through our server."""

    organisation: Organisation
    close_windows: Callable[[], None]  # ends every attempt that has a deadline, and every window that is open
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids[TENANT] = self.organisation.model.tenant_id
        self.ids[ORGANISATION] = self.organisation.organisation_id

    def differences(self) -> Iterator[Difference]:
        """Every difference, sample by sample."""
        for number, line in enumerate(SAMPLES.read_text().splitlines(), 1):
            sample = json.loads(line)
            if sample["step"].startswith(UNRECORDED) and sample["step"].endswith(".start"):
                self._make_missing(sample)
            if sample["step"] == "window-closed.answers":
                self.close_windows()
            yield from self._one(f"{number} {sample['step']}", sample)

    def _one(self, step: str, sample: dict[str, Any]) -> Iterator[Difference]:
        response = self._send(sample)
        theirs = sample["response_body"]
        ours = (
            response.json()
            if response.headers.get("content-type", "").startswith("application/json")
            else None
        )
        if response.status_code != sample["status"]:
            yield Difference(step, "status", sample["status"], response.status_code)
        result = _result(theirs)
        own = _result(ours)
        if response.is_success and sample["status"] < 400:
            self._learn(result, own)
            yield from self._compare(step, "result", result, own)

    def _make_missing(self, sample: dict[str, Any]) -> None:
        """Make the test that an attempt is begun of, where the recording doesn't have its making: one with
        the written question that these samples answer."""
        test_id = sample["path"].rpartition("/")[2]
        if test_id in self.ids:
            return
        hall = Hall(self.organisation)
        settings = {"title": "unrecorded", "type": "plain", "gradingType": "quiz", "attempts": 3}
        made = hall.post("/tests", settings | {"totalMarks": 20, "passingMarks": 5})["testId"]
        section = hall.post("/sections", {"title": "S", "testId": made})["sectionId"]
        place = {"sectionId": section, "questionId": self.ids[WRITTEN]}
        hall.post(f"/tests/{made}/questions", place)
        hall.post(f"/tests/{made}/publish")
        self.ids[test_id] = made

    def _send(self, sample: dict[str, Any]) -> httpx.Response:
        headers = {
            name: self._mapped(value)
            for name, value in sample["request_headers"].items()
            if name.lower() != "authorization"
        }
        body = self._today(sample["request_body"], sample["response_body"])
        content = body if isinstance(body, str) else None if body is None else json.dumps(self._mapped(body))
        return self.organisation.api.request(
            sample["method"], self._mapped(sample["path"]), headers=headers, content=content
        )

    def _today(self, body: Any, answered: Any) -> Any:
        """A body whose window lies as far from now as it lay from the time of the recording."""
        if not isinstance(body, dict) or not {"startDate", "endDate"} & body.keys():
            return body
        passed = datetime.now(UTC) - datetime.fromisoformat(answered["ts"])
        return {
            name: (datetime.fromisoformat(value) + passed + _PATIENCE).isoformat()
            if name in ("startDate", "endDate")
            else value
            for name, value in body.items()
        }

    def _mapped(self, value: Any) -> Any:
        """The same with our ids for the peer's."""
        text = value if isinstance(value, str) else json.dumps(value)
        mapped = _UUID.sub(lambda found: self.ids.get(found.group(), found.group()), text)
        return mapped if isinstance(value, str) else json.loads(mapped)

    def _aligned(self, theirs: list[Any], ours: list[Any]) -> tuple[list[Any], list[Any]]:
        """Two lists of the same things in one order: each server has its own."""
        both = (*theirs, *ours)
        for name in ("questionOptionId", "questionId", "matchWith"):
            if all(isinstance(one, dict) and name in one for one in both):
                place = {one[name]: one for one in ours}
                wanted = [self._mapped(str(one[name])) for one in theirs]
                if len(place) == len(ours) == len(theirs) and set(wanted) == place.keys():
                    return theirs, [place[value] for value in wanted]
        return theirs, ours

    def _learn(self, theirs: Any, ours: Any) -> None:
        """Take ids that both made in the same place for the same thing."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                self._learn(theirs[name], ours[name])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for pair in zip(*self._aligned(theirs, ours), strict=False):
                self._learn(*pair)
        elif isinstance(theirs, str) and isinstance(ours, str) and _UUID.fullmatch(theirs):
            self.ids.setdefault(theirs, ours)

    def _compare(self, step: str, where: str, theirs: Any, ours: Any) -> Iterator[Difference]:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name, value in theirs.items():
                inner = f"{where}.{_generic(name)}"
                if self.ids.get(name, name) not in ours:
                    yield Difference(step, inner, value, "(absent)")
                elif not _OWN.search(name):
                    yield from self._compare(step, inner, value, ours[self.ids.get(name, name)])
        elif isinstance(theirs, list) and isinstance(ours, list):
            if len(theirs) != len(ours):
                yield Difference(step, f"{where}[]", len(theirs), len(ours))
                return
            for pair in zip(*self._aligned(theirs, ours), strict=True):
                yield from self._compare(step, f"{where}[]", *pair)
        elif self._mapped(theirs) != ours and theirs is not None:
            yield Difference(step, where, theirs, ours)
        elif theirs is None and ours is not None:
            yield Difference(step, where, None, ours)


def _generic(name: str) -> str:
    return "{id}" if _UUID.fullmatch(name) else name


def _result(body: Any) -> Any:
    return body.get("result") if isinstance(body, dict) and "params" in body else body
