"""Writes docs/reference/performance.md from what the benchmarks kept, so that no figure is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import RESULTS

PAGE = RESULTS.parent / "docs/reference/performance.md"

_HEAD = """\
# Performance

This page is written by `python -m benchmarks report` from the last run of each benchmark; `make bench`
measures again. A yardstick is measured in the same run as the figure beside it, so their ratio says more than
either: on a shared machine the absolute values move. Durability is on in all of them (`fsync`,
`synchronous_commit`), and an answer is sent after commit. "Others" is how many of the cores other programs
kept busy during the measurement.
"""


def write() -> Path:
    """Writes the page; its path. Raises RuntimeError where no benchmark was run."""
    results = sorted((json.loads(path.read_text()) for path in RESULTS.glob("[pr]*.json")), key=_number)
    if not results:
        raise RuntimeError(f"there are no results in {RESULTS}: run `python -m benchmarks all` first")
    PAGE.write_text("\n".join(_lines(results)) + "\n")
    return PAGE


def _number(result: dict[str, Any]) -> tuple[str, int]:
    return result["benchmark"][0], int(result["benchmark"][1:])


def _lines(results: list[dict[str, Any]]) -> Iterator[str]:
    yield _HEAD
    machine = results[-1]["machine"]
    yield (
        f"Machine: {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB,"
        f" {machine['system']}, Python {machine['python']}.\n"
    )
    yield "| | what | figure | target | yardstick | ratio | target | reached | others |"
    yield "|---|---|---:|---:|---:|---:|---:|---|---:|"
    for result in results:
        for check in result["checks"]:
            yield _row(result, check)
    yield "\n## How each was measured\n"
    for result in results:
        where = f"`{result['command']}`, {result['measured_at'][:10]}"
        yield f"- **{result['benchmark']}** ({where}): {result['what']}."
    yield "\n## Details\n"
    yield "Medians of the rounds."
    for result in results:
        rows = list(_details(result["details"]))
        if rows:
            yield f"\n**{result['benchmark']}**\n\n| figure | value |\n|---|---:|"
            yield from rows


def _row(result: dict[str, Any], check: dict[str, Any]) -> str:
    cells = (
        result["benchmark"],
        check["name"],
        f"{_figure(check['figure'])} {check['unit']}".strip(),
        _target(check["target"], check["at_least"]),
        _figure(check["yardstick"]),
        _figure(check["ratio"]),
        _target(check["ratio_target"], check["ratio_at_least"]),
        "reached" if check["reached"] else "not reached",
        _figure(_others(result["details"])),
    )
    return f"| {' | '.join(cells)} |"


def _others(details: dict[str, Any]) -> float | None:
    """The most that others took, over the parts of a benchmark."""
    found = [_median(value) for name, value in details.items() if name.startswith("cores_taken_by_others")]
    return max(found) if found else None


def _details(details: dict[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        median = _median(value)
        if isinstance(median, int | float):
            yield f"| {name.replace('_', ' ')} | {_figure(median)} |"


def _median(value: Any) -> Any:
    return value["median"] if isinstance(value, dict) and "median" in value else value


def _figure(value: float | None) -> str:
    """Three or more significant digits, without an exponent."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _target(value: float | None, at_least: bool) -> str:
    return "" if value is None else f"{'≥' if at_least else '≤'} {value:,g}"
