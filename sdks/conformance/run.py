"""Runs SDKs against a real server: the scenarios, the kill, the exit and the document's examples.

`run.py LANGUAGE…` from the server's virtual environment; README.md says what a driver does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests")]

from checks import faults_of  # noqa: E402
from faults import FaultProxy  # noqa: E402
from rocket_server.configuration.new_organisation import create_organisation  # noqa: E402
from support.installation import Installation, wait_until  # noqa: E402

LANGUAGES = ("python", "node", "php", "java")
BUFFERED = 10_000
KILL_AFTER = BUFFERED // 4  # stored events; the driver is then in the middle
DRIVER_TIMEOUT_S = 180
EXITED = 7


@dataclass(frozen=True, slots=True)
class Subject:
    """An SDK under test, and the organisation that it has for itself."""

    language: str
    organisation_id: str
    api_key: str

    @property
    def folder(self) -> Path:
        return ROOT / "sdks" / self.language

    @property
    def drivers(self) -> list[str]:
        """`driver`, and where an SDK has clients of several kinds, a `driver-<kind>` for each other one."""
        return sorted(path.name for path in (self.folder / "conformance").glob("driver*") if not path.suffix)

    async def start(self, program: str, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
        """Starts one of the SDK's programs, whose words go to our standard error."""
        return await asyncio.create_subprocess_exec(
            str(self.folder / "conformance" / program),
            *arguments,
            cwd=self.folder,
            env={**os.environ, "ROCKET_API_KEY": self.api_key, **variables},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )


async def main(languages: list[str]) -> int:
    """0 where all is well, 1 where something isn't, 2 where a language has no driver."""
    for language in languages:
        if language not in LANGUAGES or not (ROOT / "sdks" / language / "conformance" / "driver").exists():
            print(f"there is no driver for {language!r}; languages: {', '.join(LANGUAGES)}")
            return 2
    with tempfile.TemporaryDirectory(prefix="rocket-conformance-") as folder:
        installation = Installation(Path(folder) / "data", Path(folder) / "server.log", {})
        try:
            results = [await _conform(installation, language) for language in languages]
        finally:
            installation.close()
    return 0 if all(results) else 1


async def _conform(installation: Installation, language: str) -> bool:
    async def make(conn: Any) -> Subject:
        async with conn.transaction():
            made = await create_organisation(conn, name=f"{language} {time.time_ns()}")
            return Subject(language, made.organisation.organisation_id, made.api_key)

    subject = installation.query(make)
    sticker = {"badge_id": "sticker", "name": "Sticker", "repeatable": True}
    async with httpx.AsyncClient(base_url=_url(installation), trust_env=False) as client:
        headers = {"Authorization": f"Bearer {subject.api_key}"}
        (await client.post("/v1/badges", json=sticker, headers=headers)).raise_for_status()
    found: dict[str, list[str]] = {}
    for driver in subject.drivers:
        kind = driver.removeprefix("driver").replace("-", "", 1)
        checks = await _scenarios(installation, subject, driver)
        checks["exit"] = await _exit(installation, subject, driver)
        checks["kill -9"] = await _kill(installation, subject, driver)
        found |= {f"{kind}/{name}" if kind else name: faults for name, faults in checks.items()}
    if (subject.folder / "conformance" / "examples").exists():
        found["examples"] = await _examples(installation, subject)
    found["ledger verify"] = [str(difference) for difference in installation.verify()]
    for name, faults in found.items():
        for fault in faults:
            print(f"{language}: {name}: {fault}")
    failed = [name for name, faults in found.items() if faults]
    _report(language, [name for name in found if name not in failed], failed)
    print(f"{language}: {len(found) - len(failed)} of {len(found)} as expected")
    return not failed


async def _scenarios(installation: Installation, subject: Subject, program: str) -> dict[str, list[str]]:
    """What is wrong with each scenario."""
    scenarios = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))["scenarios"]
    run = f"run{time.time_ns()}"
    upstream = _url(installation)
    async with FaultProxy(upstream, {each["scenario"]: each["faults"] for each in scenarios}) as proxy:
        driver = await subject.start(
            program,
            "run",
            ROCKET_BASE_URL=proxy.base_url,
            ROCKET_FAULTS_URL=proxy.faults_url,
            ROCKET_REFUSED_URL="http://127.0.0.1:9",  # the discard port, where nobody listens
            ROCKET_RUN=run,
        )
        lines = await _lines(driver)
        seen = proxy.seen
    said = {line["scenario"]: line for line in lines}
    agent = f"rocket-learning-sdk-{subject.language}/"
    found = {
        each["scenario"]: faults_of(each, said.get(each["scenario"]), seen.get(each["scenario"]), agent)
        for each in scenarios
    }
    for each in scenarios:
        if "stored" in each:
            found[each["scenario"]] += _wrongly_stored(installation, subject, run, each["stored"])
    if driver.returncode != 0:
        found["driver run"] = [f"ended with {driver.returncode}"]
    return found


def _wrongly_stored(
    installation: Installation, subject: Subject, run: str, expected: Mapping[str, Any]
) -> list[str]:
    """What the server has otherwise: more would be counted twice, less would be lost."""
    learner = f"{run}-{expected['learner']}"
    (row,) = installation.fetch(
        "SELECT (SELECT count(*) FROM events"
        "  WHERE organisation_id = $1 AND source <> 'rocket'"
        "  AND (user_id = $2 OR starts_with(user_id, $2 || '-'))) AS events,"
        " (SELECT coalesce(sum(a.points), 0)::bigint FROM accounts a JOIN learners l"
        "  ON l.organisation_id = a.organisation_id AND l.learner_id = a.account_id"
        "  WHERE a.organisation_id = $1 AND (l.user_id = $2 OR starts_with(l.user_id, $2 || '-'))) AS points",
        subject.organisation_id,
        learner,
    )
    return [
        f"the server has {row[name]} {name}, expected {expected[name]}"
        for name in ("events", "points")
        if name in expected and row[name] != expected[name]
    ]


async def _exit(installation: Installation, subject: Subject, program: str) -> list[str]:
    """A program that ends without a word leaves nothing behind in its buffer."""
    run = f"run{time.time_ns()}"
    driver = await subject.start(program, "exit", ROCKET_BASE_URL=_url(installation), ROCKET_RUN=run)
    await _lines(driver)
    found = [] if driver.returncode == 0 else [f"ended with {driver.returncode}"]
    return found + _wrongly_stored(installation, subject, run, {"learner": "exit", "events": EXITED})


async def _examples(installation: Installation, subject: Subject) -> list[str]:
    """The document's own examples, which check themselves."""
    examples = await subject.start(
        "examples", ROCKET_BASE_URL=_url(installation), ROCKET_RUN=f"run{time.time_ns()}"
    )
    output, _ = await asyncio.wait_for(examples.communicate(), DRIVER_TIMEOUT_S)
    sys.stderr.write(output.decode())
    return [] if examples.returncode == 0 else [f"ended with {examples.returncode}"]


async def _kill(installation: Installation, subject: Subject, program: str) -> list[str]:
    """The server is killed while a buffer empties itself: every event is there once, with its points."""
    run = f"run{time.time_ns()}"
    driver = await subject.start(
        program, "buffer", str(BUFFERED), ROCKET_BASE_URL=_url(installation), ROCKET_RUN=run
    )
    reading = asyncio.ensure_future(_lines(driver))

    def stored() -> tuple[int, int]:
        (row,) = installation.fetch(
            "SELECT count(*) AS events, count(DISTINCT properties->>'lesson_id') AS lessons FROM events"
            " WHERE organisation_id = $1 AND starts_with(user_id, $2 || '-')",
            subject.organisation_id,
            run,
        )
        return row["events"], row["lessons"]

    await asyncio.to_thread(
        wait_until, lambda: stored()[0] >= KILL_AFTER or reading.done(), DRIVER_TIMEOUT_S, "events"
    )
    installation.kill_server()
    at_kill = stored()[0]
    found = []
    if not KILL_AFTER <= at_kill < BUFFERED:
        found.append(f"the kill met {at_kill} stored events, not the middle")
    await asyncio.sleep(1)
    installation.start_server()
    lines = await reading
    expected = {"scenario": "buffer", "outcome": "ok", "added": BUFFERED, "dead": 0}
    if lines != [expected] or driver.returncode != 0:
        found.append(f"said {lines} and ended with {driver.returncode}, expected {expected}")
    if stored() != (BUFFERED, BUFFERED):
        found.append("{} events stored, of {} lessons".format(*stored()))
    print(f"{subject.language}: killed at {at_kill} of {BUFFERED} events, {stored()[0]} stored at the end")
    return found


async def _lines(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    try:
        output, _ = await asyncio.wait_for(process.communicate(), DRIVER_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return []
    return [json.loads(line) for line in output.splitlines() if line.strip()]


def _report(language: str, passed: list[str], failed: list[str]) -> None:
    """For the parity table."""
    report = ROOT / "build" / "sdks" / f"{language}.live.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps({"sdk": language, "passed": passed, "failed": failed}, indent=2) + "\n")


def _url(installation: Installation) -> str:
    return f"http://127.0.0.1:{installation.port}"


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
