"""P10: learners take a test: start, ten answers one by one or all at once, submit; also with 500,000 answers
stored before."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from array import array
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import uvloop

from benchmarks import figures
from benchmarks.client import LoadFailed, request
from benchmarks.figures import Report, repeated
from benchmarks.serve import Server, serving
from benchmarks.stand import Stand, stand

LEARNERS = 16  # at once
CYCLES = 320  # of one round
QUESTIONS = 10
STORED = 50_000  # attempts, of ten answers each
BASE = "/assessment/v1"
TARGETS = {"one by one": 100, "all at once": 250}
# What the service that platforms know did on the same kind of machine, in cycles a second.
PEER = {"one by one": "8-17", "all at once": "46-74"}


@dataclass(frozen=True, slots=True)
class Taking:
    """What the learners of a round do."""

    port: int
    key: str
    test_id: str
    answers: list[tuple[str, str]]  # question and the right option
    prefix: str
    at_once: bool
    cycles: int


def run() -> dict[str, Any]:
    """The figures of P10."""
    checks = []
    details: dict[str, Any] = {"peer_cycles_per_s": PEER}
    with stand() as target, serving(target.url) as server:
        test_id, answers = _prepare(target, server)
        for stored in (0, STORED):
            if stored:
                target.query(lambda conn: _fill(conn, target.organisation_id, test_id))
            for form, at_least in TARGETS.items():
                at_once = form == "all at once"

                def round_(number: int, stored: int = stored, at_once: bool = at_once) -> dict[str, float]:
                    prefix = f"{stored}-{at_once}-{number}"
                    seconds, latencies = _send(
                        Taking(server.port, target.api_key, test_id, answers, prefix, at_once, CYCLES)
                    )
                    return {
                        "cycles_per_s": CYCLES / seconds,
                        "cycle_p50_ms": figures.percentile_ms(latencies, 50),
                        "cycle_p99_ms": figures.percentile_ms(latencies, 99),
                    }

                values = figures.repeat(round_)
                name = f"answers {form}, {stored * QUESTIONS:,} answers stored"
                wanted = at_least if not stored else 0.8 * at_least
                checks.append(repeated(name, "cycles/s", values["cycles_per_s"], target=wanted))
                details[name] = figures.medians(values)
        _check(target, test_id)
    return Report(
        "P10",
        f"{LEARNERS} concurrent learners, a cycle is start, {QUESTIONS} answers, submit; one server process; "
        f"{figures.REPEATS} rounds of {CYCLES} cycles; scores and points checked. A peer"
        f" service on such a machine did {' and '.join(PEER.values())} cycles/s, {' and '.join(PEER)}",
        checks,
        details,
    ).as_dict()


def _prepare(target: Stand, server: Server) -> tuple[str, list[tuple[str, str]]]:
    """A published test of ten choices."""
    headers = {"Authorization": f"Bearer {target.api_key}"}
    with httpx.Client(
        base_url=f"http://127.0.0.1:{server.port}{BASE}", headers=headers, trust_env=False
    ) as api:

        def post(path: str, body: Any = None) -> Any:
            response = api.post(path, json=body)
            response.raise_for_status()
            return response.json()["result"]

        settings = {"title": "P10", "type": "plain", "gradingType": "quiz", "attempts": 10_000}
        test_id = post("/tests", settings | {"totalMarks": QUESTIONS, "passingMarks": 5})["testId"]
        section_id = post("/sections", {"title": "A", "testId": test_id})["sectionId"]
        answers: list[tuple[str, str]] = []
        for number in range(QUESTIONS):
            options = [{"text": f"{number + choice}", "isCorrect": choice == 0} for choice in range(4)]
            body = {"text": f"{number} + 0?", "type": "mcq", "marks": 1, "options": options}
            made = post("/questions", body | {"status": "published"})
            (right,) = [one["questionOptionId"] for one in made["options"] if one["isCorrect"]]
            answers.append((made["questionId"], right))
        places = [{"questionId": question_id} for question_id, _ in answers]
        post(f"/tests/{test_id}/questions/bulk", {"sectionId": section_id, "questions": places})
        post(f"/tests/{test_id}/publish")
    return str(test_id), answers


async def _fill(conn: asyncpg.Connection, organisation_id: str, test_id: str) -> None:
    """Attempts of others, as they are stored once they were submitted."""
    await conn.execute(
        "INSERT INTO assessment_attempts (organisation_id, attempt_id, test_id, paper_id, learner_id,"
        " user_id, number, status, review, question_ids, max_score, score, result, started_at, submitted_at,"
        " submission)"
        " SELECT $1, gen_random_uuid(), $2, t.paper_id, gen_random_uuid(), 'other-' || g, 1, 'submitted',"
        " 'R', ARRAY (SELECT question_id FROM assessment_test_questions"
        " WHERE organisation_id = $1 AND test_id = $2), 10, 10, 'P', now(), now(), 'self'"
        " FROM generate_series(1, $3) AS g, assessment_tests t"
        " WHERE t.organisation_id = $1 AND t.test_id = $2",
        organisation_id,
        test_id,
        STORED,
        timeout=300,
    )
    await conn.execute(
        "INSERT INTO assessment_answers (organisation_id, attempt_id, question_id, answer, saved_at, score,"
        " is_correct)"
        ' SELECT $1, a.attempt_id, q, \'{"selectedOptionIds": ["x"]}\', now(), 1, true'
        " FROM assessment_attempts a, unnest(a.question_ids) AS q"
        " WHERE a.organisation_id = $1 AND a.user_id LIKE 'other-%'",
        organisation_id,
        timeout=300,
    )
    await conn.execute("ANALYZE", timeout=300)


def _check(target: Stand, test_id: str) -> None:
    """Every attempt of a round was scored in full and earned its points once."""
    wrong = target.fetch_value(
        "SELECT count(*) FROM assessment_attempts WHERE test_id = $1 AND (status, score) IS DISTINCT FROM"
        " ('submitted', 10)",
        test_id,
    )
    awarded = target.fetch_value("SELECT count(*) FROM entries WHERE rule_id = 'quiz_completed'")
    expected = 2 * len(TARGETS) * figures.REPEATS * CYCLES
    if wrong or awarded < expected or target.verify():
        raise LoadFailed(f"{wrong} attempts aren't scored in full, {awarded} of {expected} earned points")


def _send(taking: Taking) -> tuple[float, array[float]]:
    """Seconds of a round, and of each cycle; from a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_main, (taking,))


def _main(taking: Taking) -> tuple[float, array[float]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_take_all(taking))


async def _take_all(taking: Taking) -> tuple[float, array[float]]:
    latencies: array[float] = array("d")
    numbers = iter(range(taking.cycles))
    started = time.perf_counter()
    async with asyncio.timeout(300), asyncio.TaskGroup() as group:
        for _ in range(LEARNERS):
            group.create_task(_learner(taking, numbers, latencies))
    return time.perf_counter() - started, latencies


async def _learner(taking: Taking, numbers: Any, latencies: array[float]) -> None:
    """One connection that takes the next attempt as soon as it has ended one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", taking.port)

    async def ask(path: str, user: str, body: Any = None) -> Any:
        sent = request(
            "POST", f"{BASE}{path}", taking.key, b"" if body is None else json.dumps(body).encode()
        )
        writer.write(sent.replace(b"\r\n", f"\r\nX-User-ID: {user}\r\n".encode(), 1))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = json.loads(await reader.readexactly(length))
        if not head.startswith(b"HTTP/1.1 201"):
            raise LoadFailed(f"{path}: {answer}")
        return answer["result"]

    for number in numbers:
        user = f"taker-{taking.prefix}-{number}"
        begun = time.perf_counter()
        attempt_id = (await ask(f"/attempts/start/{taking.test_id}", user))["attemptId"]
        given = [
            {"questionId": question_id, "answer": {"selectedOptionIds": [right]}}
            for question_id, right in taking.answers
        ]
        for answers in [given] if taking.at_once else [[one] for one in given]:
            await ask(f"/attempts/{attempt_id}/answers", user, {"answers": answers, "timeSpent": 1})
        await ask(f"/attempts/{attempt_id}/submit", user)
        latencies.append(time.perf_counter() - begun)
    writer.close()
