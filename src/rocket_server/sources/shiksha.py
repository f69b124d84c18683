"""The webhooks of an assessment service: `{name, context, data, timestamp, id}`, an attempt's facts once
each.

The service sends one submission up to four times, under the same id or another, and out of order: what is
once is the attempt, not the id. A review is told with each of its steps; only what it came to in the end
counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rocket_server.events.model import Event
from rocket_server.sources import adapter, checks, parts
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.checks import is_absent
from rocket_server.sources.parts import STAFF, Parts

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


def read(fields: dict[str, Any], context: ReadingContext) -> Event:
    """The event in a body. Raises InvalidPayload, which names every field that can't be read."""
    source = context.source
    body = Parts(fields, context)
    name = body.text("name", reader=checks.event_name, required=True)
    user_id = body.learner("context.userId", form=checks.user_id)
    event_id = body.text("id", reader=checks.event_id)
    data = body.object("data")
    occurred_at = body.time("timestamp")
    attempt_id = None
    if name in _ATTEMPTS:
        attempt_id = body.text("data.attemptId", reader=checks.event_id, required=True)
    properties = _properties(data, body)
    if body.errors or name is None or user_id is None:
        body.refuse()

    key = [event_id] if event_id is not None else ["", name, user_id, occurred_at.isoformat()]
    if attempt_id is not None:
        key = ["attempt", attempt_id, name]
    ignored = None
    if name not in _ATTEMPTS and name not in _OTHERS:
        ignored = _UNKNOWN.format(name)
    elif user_id in source.staff_ids:
        ignored = STAFF
    elif name == "attempt.reviewed" and "result" not in properties:
        ignored = _REVIEWING
    return parts.event(
        _ATTEMPTS.get(name, name),
        source,
        user_id,
        occurred_at,
        properties,
        tuple(key),
        fields,
        event_id=event_id,
        ignored=ignored,
    )


reread = read
check_mappings = adapter.no_mappings


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


def _properties(data: Mapping[str, Any], body: Parts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for theirs, ours in _NAMES.items():
        value = data.get(theirs)
        if not is_absent(value):
            found[ours] = str(value) if ours.endswith("_id") and type(value) is int else value
    for name in ("score", "max_score"):
        if name in found and (isinstance(found[name], bool) or not isinstance(found[name], int | float)):
            body.fault(f"data.{name}", "must be a number or null")
    spent = data.get("timeSpent")
    if not is_absent(spent):
        found["time_on_task_sec"] = body.read("data.timeSpent", reader=checks.duration_s)
    result = data.get("result")
    if not is_absent(result):
        word = _RESULTS.get(result.lower()) if isinstance(result, str) else None
        if word is None:
            body.fault("data.result", 'must be "P", "F", "pass", "fail" or null')
        else:
            found["result"], found["passed"] = word, word == "pass"
    score, most = found.get("score"), found.get("max_score")
    if isinstance(score, int | float) and isinstance(most, int | float) and most > 0:
        found["score_pct"] = round(100 * min(max(score / most, 0), 1), 2)
    return found


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
