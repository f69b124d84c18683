"""The webhooks of an assessment service: `{name, context, data, timestamp, id}`, an attempt's facts once
each.

The service sends one submission up to four times, under the same id or another, and out of order: what is
once is the attempt, not the id. A review is told with each of its steps; only what it came to in the end
counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rocket_server.errors import FieldError, InvalidPayload
from rocket_server.events.model import Event, dedupe_key
from rocket_server.organisations.model import Source
from rocket_server.sources import checks
from rocket_server.sources.checks import Fault, is_absent
from rocket_server.sources.times import parse_time

MAX_AHEAD_S: Final = 86_400

_ATTEMPTS: Final = {
    "attempt.started": "quiz.started",
    "attempt.submitted": "quiz.completed",
    "attempt.reviewed": "quiz.graded",
}
_OTHERS: Final = frozenset({"answer.submitted", "test.published", "test.unpublished"})
_RESULTS: Final = {"p": "pass", "pass": "pass", "f": "fail", "fail": "fail"}
# Spelled as all sources spell them; what isn't here keeps its value under a name in our own spelling.
_NAMES: Final = {
    "attemptId": "attempt_id",
    "testId": "quiz_id",
    "attemptNumber": "attempt_number",
    "score": "score",
    "maxScore": "max_score",
    "reviewStatus": "review_status",
    "isObjective": "is_objective",
    "answersReviewed": "answers_reviewed",
    "questionId": "question_id",
    "testTitle": "title",
    "testType": "test_type",
    "totalMarks": "total_marks",
    "questionCount": "question_count",
}
_UNKNOWN: Final = "unknown_event: nothing here counts {}; the guide of the service doesn't know it either"
_REVIEWING: Final = "review_pending: the review isn't finished; this event is decided when its result is told"
_STAFF: Final = "staff: this is one of the source's staff_ids, and staff earn nothing"


def read(
    fields: Any,
    source: Source,
    *,
    timezone: ZoneInfo,
    received_at: datetime,
    max_ahead_s: int = MAX_AHEAD_S,
) -> Event:
    """The event in a body. Raises InvalidPayload, which names every field that can't be read."""
    errors = checks.faults_in(fields, "", depth=0)
    if errors:
        raise InvalidPayload.from_fields(
            [FieldError(checks.printable_path(error.path), error.message) for error in errors]
        )
    reading = _Reading(fields)
    name = reading.text("name", checks.event_name)
    user_id = reading.text("context.userId", checks.user_id)
    event_id = reading.text("id", checks.event_id, required=False)
    data = reading.object("data")
    try:
        occurred_at = parse_time(
            fields.get("timestamp"), timezone=timezone, received_at=received_at, max_ahead_s=max_ahead_s
        )
    except Fault as fault:
        reading.errors.append(FieldError("timestamp", str(fault)))
    attempt_id = reading.text("data.attemptId", checks.event_id) if name in _ATTEMPTS else None
    properties = _properties(data, reading)
    notes = checks.leave_out_nothing(properties)
    learner = f"{source.name}:{user_id}"
    if user_id is not None and len(learner) > checks.MAX_ID:
        reading.errors.append(FieldError("context.userId", f"must have at most {checks.MAX_ID} characters"))
    if reading.errors or name is None or user_id is None:
        raise InvalidPayload.from_fields(reading.errors[: checks.MAX_ERRORS])

    key = [event_id] if event_id is not None else ["", name, user_id, occurred_at.isoformat()]
    if attempt_id is not None:
        key = ["attempt", attempt_id, name]
    ignored = None
    if name not in _ATTEMPTS and name not in _OTHERS:
        ignored = _UNKNOWN.format(name)
    elif user_id in source.staff_ids:
        ignored = _STAFF
    elif name == "attempt.reviewed" and "result" not in properties:
        ignored = _REVIEWING
    return Event(
        event=_ATTEMPTS.get(name, name),
        source=source.name,
        user_id=learner,
        occurred_at=occurred_at,
        properties=properties,
        metadata={} if event_id is None else {"event_id": event_id},
        dedupe_key=dedupe_key(source.name, *key),
        source_event_id=event_id,
        source_kind=source.kind,
        ignored=ignored,
        notes=notes,
        received=fields,
    )


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two bodies about the same fact of an attempt in one. Of two steps of a review the one that came to a
    result counts, and of two that did the later; else what the first lacks comes from the second."""
    before, after = _data(first), _data(second)
    if first.get("name") == "attempt.reviewed" and not is_absent(after.get("result")):
        later = str(second.get("timestamp") or "") > str(first.get("timestamp") or "")
        if later or is_absent(before.get("result")):
            return {**first, "timestamp": second.get("timestamp"), "data": {**before, **after}}
    kept = {name: value for name, value in before.items() if value is not None}
    merged = {**second, **first, "data": {**after, **kept}}
    # Null and absent are the same, so such fields alone make no difference.
    return dict(first) if _said(merged) == _said(first) else merged


def _properties(data: Mapping[str, Any], reading: _Reading) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for theirs, ours in _NAMES.items():
        value = data.get(theirs)
        if not is_absent(value):
            found[ours] = str(value) if ours.endswith("_id") and type(value) is int else value
    for name in ("score", "max_score"):
        if name in found and (isinstance(found[name], bool) or not isinstance(found[name], int | float)):
            reading.errors.append(FieldError(f"data.{name}", "must be a number or null"))
    spent = data.get("timeSpent")
    if not is_absent(spent):
        try:
            found["time_on_task_sec"] = checks.duration_s(spent)
        except Fault as fault:
            reading.errors.append(FieldError("data.timeSpent", str(fault)))
    result = data.get("result")
    if not is_absent(result):
        word = _RESULTS.get(result.lower()) if isinstance(result, str) else None
        if word is None:
            reading.errors.append(FieldError("data.result", 'must be "P", "F", "pass", "fail" or null'))
        else:
            found["result"], found["passed"] = word, word == "pass"
    score, most = found.get("score"), found.get("max_score")
    if isinstance(score, int | float) and isinstance(most, int | float) and most > 0:
        found["score_pct"] = round(100 * min(max(score / most, 0), 1), 2)
    return found


class _Reading:
    """A body whose faults are gathered."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.errors: list[FieldError] = []
        self._fields = fields

    def text(self, path: str, reader: Any, *, required: bool = True) -> str | None:
        """The text at a dotted path, as a reader of `checks` takes it."""
        *above, name = path.split(".")
        value: Any = self._fields
        for part in above:
            value = value.get(part) if isinstance(value, Mapping) else None
        value = value.get(name) if isinstance(value, Mapping) else None
        if is_absent(value):
            if required:
                self.errors.append(FieldError(path, "is required"))
            return None
        try:
            return str(reader(value))
        except Fault as fault:
            self.errors.append(FieldError(path, str(fault)))
            return None

    def object(self, name: str) -> Mapping[str, Any]:
        """An object that must be there."""
        value = self._fields.get(name)
        if isinstance(value, Mapping):
            return value
        self.errors.append(
            FieldError(name, "is required: an object" if value is None else "must be an object")
        )
        return {}


def _data(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    found = fields.get("data")
    return found if isinstance(found, Mapping) else {}


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a body says, without what has no value."""
    return {
        name: _said(value) if isinstance(value, Mapping) else value
        for name, value in fields.items()
        if value is not None
    }
