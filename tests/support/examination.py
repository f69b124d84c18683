"""Tests as an author makes them and a learner takes them, by the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from support.organisation import Organisation

BASE = "/assessment/v1"


def code_of(response: httpx.Response) -> str:
    """The stable code of a refusal, in either form."""
    body = response.json()
    return str(body["params"]["err"] if "params" in body else body["error"])


def details_of(response: httpx.Response) -> dict[str, Any]:
    """The details of a refusal, in either form."""
    body = response.json()
    return dict((body["params"].get("details") if "params" in body else body["details"]) or {})


@dataclass(frozen=True, slots=True)
class Hall:
    """Where an organisation's tests are held: requests that must succeed, and their results."""

    organisation: Organisation

    def ask(self, method: str, path: str, body: Any = None, user: str | None = None) -> httpx.Response:
        """One request, on behalf of a person."""
        headers = {} if user is None else {"X-User-ID": user}
        options: dict[str, Any] = {"headers": headers}
        if body is not None:
            options["json"] = body
        return self.organisation.api.request(method, f"{BASE}{path}", **options)

    def get(self, path: str, user: str | None = None) -> Any:
        return self._good(self.ask("GET", path, None, user))

    def post(self, path: str, body: Any = None, user: str | None = None) -> Any:
        return self._good(self.ask("POST", path, body, user))

    def patch(self, path: str, body: Any) -> Any:
        return self._good(self.ask("PATCH", path, body))

    def question(self, **fields: Any) -> dict[str, Any]:
        """A published question: a choice of two where nothing else is said."""
        body: dict[str, Any] = {"type": "mcq", "text": "2 + 2?", "marks": 2, "status": "published", **fields}
        if body["type"] in ("mcq", "dropdown") and "options" not in body:
            body["options"] = [{"text": "4", "isCorrect": True}, {"text": "5"}]
        return dict(self.post("/questions", body))

    def test(self, questions: list[dict[str, Any]], *, publish: bool = True, **settings: Any) -> str:
        """A test with one section of these questions; published."""
        total = sum(one["marks"] for one in questions)
        body = {
            "title": "Unit 1",
            "type": "plain",
            "gradingType": "quiz",
            "totalMarks": total,
            "passingMarks": total / 2,
            **settings,
        }
        test_id = str(self.post("/tests", body)["testId"])
        section_id = self.post("/sections", {"title": "A", "testId": test_id})["sectionId"]
        compulsory = settings.get("isCompulsory", False)
        links = [{"questionId": one["questionId"], "isCompulsory": compulsory} for one in questions]
        if links:
            self.post(f"/tests/{test_id}/questions/bulk", {"sectionId": section_id, "questions": links})
        if publish:
            self.post(f"/tests/{test_id}/publish")
        return test_id

    def start(self, test_id: str, user: str) -> str:
        return str(self.post(f"/attempts/start/{test_id}", None, user)["attemptId"])

    def save(self, attempt_id: str, user: str, answers: dict[str, Any], **fields: Any) -> None:
        listed = [{"questionId": question, "answer": answer} for question, answer in answers.items()]
        self.post(f"/attempts/{attempt_id}/answers", {"answers": listed, **fields}, user)

    def submit(self, attempt_id: str, user: str) -> dict[str, Any]:
        return dict(self.post(f"/attempts/{attempt_id}/submit", None, user))

    def take(self, test_id: str, user: str, answers: dict[str, Any]) -> dict[str, Any]:
        """A whole attempt; its result."""
        attempt_id = self.start(test_id, user)
        if answers:
            self.save(attempt_id, user, answers)
        return self.submit(attempt_id, user)

    def _good(self, response: httpx.Response) -> Any:
        assert response.is_success, response.text
        return response.json()["result"]


def right(question: dict[str, Any]) -> dict[str, Any]:
    """The right answer to a choice."""
    picked = [one["questionOptionId"] for one in question["options"] if one["isCorrect"]]
    return {"selectedOptionIds": picked}


def wrong(question: dict[str, Any]) -> dict[str, Any]:
    """A wrong answer to a choice."""
    return {"selectedOptionIds": [question["options"][-1]["questionOptionId"]]}
