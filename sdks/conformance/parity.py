"""What each SDK passes, as the table of `sdks/README.md`; 1 where one lacks a case, a scenario or a field.

`parity.py` checks, `parity.py --write` writes the table. It reads the reports of the SDKs' own tests and of
the live run in `build/sdks`, and names the SDKs that weren't run here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SDKS = HERE.parent
REPORTS = SDKS.parent / "build" / "sdks"
README = SDKS / "README.md"
BEGIN, END = "<!-- parity: written by conformance/parity.py -->\n", "<!-- end of parity -->\n"

sys.path.insert(0, str(HERE))

import httpx  # noqa: E402
import structlog  # noqa: E402

from fields import Fields, document_fields, missing  # noqa: E402
from rocket_server.app import create_app  # noqa: E402
from rocket_server.config.settings import Settings  # noqa: E402

LANGUAGES = {"python": "Python", "node": "Node.js", "php": "PHP", "java": "Java"}
LIVE = ("exit", "kill -9", "examples")


def main(arguments: Sequence[str]) -> int:
    known = document_fields(asyncio.run(_document()), _read(SDKS / "cases" / "urls.json")["requests"])
    present = [language for language in LANGUAGES if (SDKS / language / "check").exists()]
    faults: list[str] = []
    for language in present:
        if (REPORTS / f"{language}.cases.json").exists():
            faults += [f"{language}: {fault}" for fault in _faults(language, known)]
        else:
            print(f"{language}: wasn't run here")
    written = README.read_text(encoding="utf-8")
    head, _, rest = written.partition(BEGIN)
    _, _, tail = rest.partition(END)
    table = f"{head}{BEGIN}{_table(present)}{END}{tail}"
    if "--write" in arguments:
        README.write_text(table, encoding="utf-8")
    elif table != written:
        faults.append("the table of sdks/README.md isn't up to date: run sdks/conformance/parity.py --write")
    for fault in faults:
        print(fault)
    calls = sum(len(fields.request) + len(fields.answer) for fields in known.values())
    print(f"{len(list(_cases()))} cases, {len(list(_scenarios()))} scenarios, {calls} fields")
    return 1 if faults else 0


def _faults(language: str, known: Mapping[str, Fields]) -> Iterator[str]:
    """What an SDK that was run lacks."""
    for kind, wanted in (("cases", _cases()), ("live", _scenarios())):
        report = _report(language, kind)
        passed = set(report.get("passed", ()))
        for name in wanted:
            if name not in passed:
                yield f"{'failed' if name in report.get('failed', ()) else 'lacks'} {name}"
    yield from missing(known, _report(language, "types"))


def _table(present: Sequence[str]) -> str:
    """Every list of cases with its number, and every scenario. All numbers are full, or the check fails."""
    lists: dict[str, int] = {}
    for case in _cases():
        file, kind, _ = case.split("/", 2)
        name = file if kind == "cases" else f"{file}: {kind}"
        lists[name] = lists.get(name, 0) + 1
    marks = [language in present for language in LANGUAGES]
    lines = [f"| {' | '.join(['cases', *LANGUAGES.values()])} |", "|---|" + "---:|" * len(LANGUAGES)]
    for name, count in lists.items():
        lines.append(f"| {' | '.join([name, *(str(count) if mark else '–' for mark in marks)])} |")
    lines += ["", f"| {' | '.join(['against a real server', *LANGUAGES.values()])} |"]
    lines.append("|---|" + ":---:|" * len(LANGUAGES))
    for name in _scenarios():
        shown = name.replace("_", " ")
        lines.append(f"| {' | '.join([shown, *('✓' if mark else '–' for mark in marks)])} |")
    return "\n".join(lines) + "\n"


def _cases() -> Iterator[str]:
    """The id of every case."""
    for path in sorted((SDKS / "cases").glob("*.json")):
        for kind, cases in _read(path).items():
            if isinstance(cases, list) and cases and isinstance(cases[0], dict):
                yield from (f"{path.stem}/{kind}/{case['name']}" for case in cases)


def _scenarios() -> Iterator[str]:
    yield from (each["scenario"] for each in _read(HERE / "expected.json")["scenarios"])
    yield from LIVE


async def _document() -> Any:
    """The OpenAPI document as the server answers it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    app = create_app(Settings.from_environ({}), "postgresql://nobody@127.0.0.1/none")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rocket.test") as client:
        return (await client.get("/openapi.json")).raise_for_status().json()


def _report(language: str, kind: str) -> dict[str, Any]:
    path = REPORTS / f"{language}.{kind}.json"
    return _read(path) if path.exists() else {}


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
