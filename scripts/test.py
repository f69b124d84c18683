"""Runs the test suites that this machine can run, or those named, and ends with a plain summary."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Suite:
    """One kind of test. `needs` are programs that it can't do without, and `variable` one of the environment;
    `workers` run a folder's tests at once, 0 is one after the other.

    With `commands` it is these, in the repository's root, and without them a folder of tests for pytest.
    """

    name: str
    about: str
    needs: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    variable: str | None = None
    workers: int = 2

    @property
    def folder(self) -> Path:
        return ROOT / "tests" / self.name

    @property
    def has_tests(self) -> bool:
        if self.commands:
            return (ROOT / self.commands[0][0]).exists()
        return any(self.folder.rglob("test_*.py"))


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a suite. `seconds` is how long it took."""

    suite: Suite
    outcome: Literal["passed", "FAILED", "skipped"]
    detail: str
    seconds: float = 0.0


def sdk(language: str, needs: tuple[str, ...]) -> Suite:
    """The suite of an SDK: its own tests and checks, and then the run against a real server."""
    check = f"sdks/{language}/check"
    live = (sys.executable, "sdks/conformance/run.py", language)
    return Suite(
        f"sdk-{language}", "alone, and against a real server that is killed", needs, ((check,), live)
    )


SUITES = (
    Suite("lint", "style, types, imports"),
    Suite("unit", "pure code"),
    Suite("db", "against PostgreSQL"),
    Suite("http", "the contract, over sockets"),
    Suite("system", "the server in its own processes"),
    Suite("receivers", "hostile URLs, bad habits, and other people's frameworks that take our webhooks"),
    Suite("reliability", "killed, stopped, full and exhausted; the short form"),
    Suite("credentials", "badges, verified by an independent implementation", needs=("node", "npm")),
    Suite("browser", "the console in a real browser", needs=("chromium",)),
    Suite("docs", "the examples in the documentation", needs=("bash", "curl")),
    sdk("python", ("bash",)),
    sdk("node", ("bash", "node", "npm")),
    sdk("php", ("bash", "php", "composer", "phpunit", "phpcs")),
    sdk("java", ("bash", "javac", "mvn")),
    Suite(
        "moodle-plugins",
        "the logic of our plugins for Moodle that needs none",
        needs=("bash", "php", "phpunit"),
        commands=(("integrations/moodle/check",),),
    ),
    Suite(
        "moodle",
        "a real Moodle, played through",
        needs=("php",),
        variable="ROCKET_TEST_MOODLE",
        workers=0,  # there is one Moodle
    ),
    Suite(
        "sdk-parity",
        "no SDK lacks a case, or a field of the API",
        commands=((sys.executable, "sdks/conformance/parity.py"),),
    ),
)

LINT = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports", "--no-logo"),
)


def main(names: Sequence[str]) -> int:
    """Runs the suites of these names, or all; 1 if one failed, 2 if one doesn't exist."""
    unknown = set(names) - {suite.name for suite in SUITES}
    if unknown:
        print(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SUITES)}")
        return 2
    reports = [run(suite) for suite in SUITES if not names or suite.name in names]
    print("\nSummary")
    for report in reports:
        print(f"  {report.suite.name:15}{report.outcome:9}{report.seconds:6.1f} s  {report.detail}")
    failed = [report.suite.name for report in reports if report.outcome == "FAILED"]
    skipped = [report.suite.name for report in reports if report.outcome == "skipped"]
    print(f"\n{len(reports) - len(failed) - len(skipped)} passed", end="")
    print(f", skipped: {', '.join(skipped)}" if skipped else "", end="")
    print(f", FAILED: {', '.join(failed)}" if failed else "")
    return 1 if failed else 0


def run(suite: Suite) -> Report:
    """Runs one suite, or says why it can't be run here."""
    missing = [program for program in suite.needs if not shutil.which(program)]
    if missing:
        return Report(suite, "skipped", f"{', '.join(missing)} isn't installed")
    if suite.variable and not os.environ.get(suite.variable):
        return Report(suite, "skipped", f"{suite.variable} isn't set")
    if suite.name != "lint" and not suite.has_tests:
        return Report(suite, "skipped", "it has no tests yet")
    print(f"\n== {suite.name}: {suite.about}", flush=True)
    started = time.monotonic()
    if suite.name == "lint":
        outcome, detail = lint()
    else:
        outcome, detail = call(suite.commands) if suite.commands else test(suite)
    return Report(suite, outcome, detail, time.monotonic() - started)


def lint() -> tuple[Literal["passed", "FAILED"], str]:
    """Runs all checks, also when one of them finds something."""
    found = [
        " ".join(command)
        for command in LINT
        if subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=False).returncode
    ]
    return ("FAILED", f"found something: {'; '.join(found)}") if found else ("passed", "")


def call(commands: Sequence[Sequence[str]]) -> tuple[Literal["passed", "FAILED"], str]:
    """Runs commands one after the other, up to the first that fails; what they print last is the detail."""
    detail = ""
    for command in commands:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace")
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            detail = line.strip() or detail
        if process.wait():
            return "FAILED", f"{Path(command[0]).name} ended with {process.returncode}: {detail}"
    return "passed", detail


def test(suite: Suite) -> tuple[Literal["passed", "FAILED"], str]:
    """Runs a folder of tests."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.xml"
        workers = str(suite.workers)
        command = [sys.executable, "-m", "pytest", "-n", workers, f"--junitxml={result}", str(suite.folder)]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if not result.exists():
            return "FAILED", f"pytest ended with {status}"
        totals = ElementTree.parse(result).getroot()
        cases = list(totals.iter("testcase"))
        faults = len({case for kind in ("failure", "error") for case in cases if case.find(kind) is not None})
        reasons = {skip.get("message", "") for case in cases for skip in case.iter("skipped")}
    detail = f"{len(cases)} tests"
    if faults:
        detail += f", {faults} failed"
    if reasons:
        detail += f", some skipped: {'; '.join(sorted(reasons))}"
    return ("passed" if status == 0 else "FAILED"), detail


if __name__ == "__main__":
    # A shell that starts this in the background has Ctrl-C ignored, also in what is started from here; but
    # some tests press it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
