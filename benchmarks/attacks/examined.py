"""With a key of a small organisation: what tests, lists of events and the audit log let one do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

from benchmarks.attacks.attack import attack
from benchmarks.attacks.wire import Target, many

BASE = "/assessment/v1"
_TOKEN = "a-token-for-lists-of-the-attackers-choice-0123456789"
_numbers = count()


@attack("files of questions: entities, depth, size", "200", "400", "413", "429", "503", memory_mib=512)
async def files_of_questions(target: Target) -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(10))
    bomb = f'<!DOCTYPE quiz [<!ENTITY e0 "x">{entities}]><quiz>&e10;</quiz>'.encode()
    deep = b"<quiz>" + b"<a>" * 400_000
    wide = b"<quiz>" + b"<question/>" * 400_000 + b"</quiz>"
    attributes = b"<quiz " + b" ".join(b'a%d="b"' % number for number in range(300_000)) + b"/>"
    question = (
        '<question type="multichoice"><name><text>q</text></name><questiontext><text>Q?</text></questiontext>'
        + '<answer fraction="100"><text>a</text></answer><answer fraction="0"><text>b</text></answer>' * 5
        + "</question>"
    )
    whole = ("<quiz>" + question * 2_000 + "</quiz>").encode()
    gift = b"::q:: Q? {=a ~b ~c}\n\n" * 100_000
    bodies = [(body, "moodle_xml") for body in (bomb, deep, wide, attributes, whole)] + [(gift, "gift")]
    await many(
        24,
        lambda number: target.call(
            "POST",
            f"{BASE}/questions/import?dryRun=true&format={bodies[number % 6][1]}",
            bodies[number % 6][0],
        ),
        at_once=8,
    )


@attack("a test of 200 questions begun, answered and read in a loop", "200", "201", "400", "429", "503")
async def a_large_test(target: Target) -> None:
    key = target.admin_key

    async def made(path: str, body: Any) -> Any:
        return (await target.ask("POST", BASE + path, body, key=key))["result"]

    settings = {"title": "Large", "type": "plain", "gradingType": "quiz", "attempts": 10_000}
    test_id = (await made("/tests", settings | {"totalMarks": 200, "passingMarks": 5}))["testId"]
    section_id = (await made("/sections", {"title": "A", "testId": test_id}))["sectionId"]
    options = [{"text": f"{choice}", "isCorrect": choice == 0} for choice in range(4)]
    question = {"text": "0?", "type": "mcq", "marks": 1, "options": options, "status": "published"}
    ids = [(await made("/questions", question))["questionId"] for _ in range(200)]
    places = [{"questionId": question_id} for question_id in ids]
    await target.call(
        "POST",
        f"{BASE}/tests/{test_id}/questions/bulk",
        {"sectionId": section_id, "questions": places},
    )
    await target.call("POST", f"{BASE}/tests/{test_id}/publish")

    async def one(number: int) -> None:
        kind = number % 4
        if kind == 0:
            await target.call("POST", f"{BASE}/attempts/start/{test_id}", X_User_ID=f"u{next(_numbers)}")
        elif kind == 1:
            await target.call("GET", f"{BASE}/tests/{test_id}/hierarchy")
        elif kind == 2:
            await target.call("GET", f"{BASE}/questions?limit=200")
        else:
            await target.call("GET", f"{BASE}/tests/{test_id}/question-statistics")

    await many(400, one, at_once=64)


@attack("5,000 answers in a body", "400", "404", "413", "429", "503")
async def many_answers(target: Target) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"
    given = [
        {"questionId": f"00000000-0000-7000-8000-{number:012d}", "answer": {"selectedOptionIds": ["x"] * 5}}
        for number in range(5_000)
    ]
    body = json.dumps({"answers": given, "timeSpent": 1}).encode()
    await many(
        32,
        lambda _: target.call("POST", f"{BASE}/attempts/{nobody}/answers", body, X_User_ID="u1"),
        at_once=8,
    )


@attack("lists of 2,000 events of a platform", "200", "201", "400", "409", "429", "503", memory_mib=512)
async def lists_of_events(target: Target) -> None:
    mapping = {"event": "$.type", "user_id": "$.user", "timestamp": "$.at", "properties": {"text": "$.text"}}
    source = {"kind": "custom", "name": "lists", "token": _TOKEN, "mappings": mapping}
    await target.call("POST", "/v1/sources", source)
    now = int(datetime.now(UTC).timestamp())

    def listed() -> list[dict[str, Any]]:
        return [
            {"type": "course.completed", "user": f"u{n % 300}", "at": now, "text": f"{next(_numbers)}"}
            for n in range(2_000)
        ]

    bad = [{"type": 1, "user": [], "at": {}}] * 2_000
    await many(
        8,
        lambda number: target.call(
            "POST", "/api/public/hook/custom/events", bad if number % 4 == 3 else listed(), key=_TOKEN
        ),
        at_once=4,
    )


@attack("pages of the audit log by 64 at once", "200", "429", "503")
async def audit_pages(target: Target) -> None:
    for _ in range(60):
        await target.call("PATCH", "/v1/organisation", {"name": f"Name {next(_numbers)}"})
    paths = ("/v1/audit?limit=500", "/v1/audit?limit=500&since=2020-01-01", "/v1/jobs?limit=500")
    await many(
        300,
        lambda number: target.read("GET", paths[number % 3], key=target.admin_key),
        at_once=64,
    )
