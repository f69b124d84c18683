"""How figures are collected, judged, printed and kept: one JSON file for each benchmark."""

from __future__ import annotations

import json
import platform
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).parent.parent / "bench-results"
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Check:
    """A figure beside its target, its yardstick of the same run, and the ratio of the two."""

    name: str
    figure: float
    unit: str
    target: float | None = None
    at_least: bool = True  # False: the figure must not be above its target
    yardstick: float | None = None
    ratio: float | None = None
    ratio_target: float | None = None
    ratio_at_least: bool = True
    values: Sequence[float] = ()  # of all repeats
    ratios: Sequence[float] = ()

    @property
    def reached(self) -> bool:
        return _holds(self.figure, self.target, self.at_least) and _holds(
            self.ratio, self.ratio_target, self.ratio_at_least
        )


def _holds(figure: float | None, target: float | None, at_least: bool) -> bool:
    if figure is None or target is None:
        return True
    return figure >= target if at_least else figure <= target


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark found. `details` are figures that have no target."""

    name: str
    what: str
    checks: Sequence[Check]
    details: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {
            "benchmark": self.name,
            "what": self.what,
            "reached": all(check.reached for check in self.checks),
            "checks": [{**asdict(check), "reached": check.reached} for check in self.checks],
            "details": self.details,
        }


def repeated(
    name: str,
    unit: str,
    values: Sequence[float],
    yardsticks: Sequence[float] | None = None,
    *,
    target: float | None = None,
    at_least: bool = True,
    ratio_target: float | None = None,
    ratio_at_least: bool = True,
) -> Check:
    """The check of a median, with the median of the ratios of each repeat; all values are kept."""
    ratios = [value / beside for value, beside in zip(values, yardsticks or (), strict=bool(yardsticks))]
    return Check(
        name,
        statistics.median(values),
        unit,
        target,
        at_least,
        statistics.median(yardsticks) if yardsticks else None,
        statistics.median(ratios) if ratios else None,
        ratio_target,
        ratio_at_least,
        [round(value, 4) for value in values],
        [round(ratio, 4) for ratio in ratios],
    )


def repeat(round_: Callable[[int], dict[str, float]]) -> dict[str, list[float]]:
    """Runs a round several times; the values of each of its figures."""
    values: dict[str, list[float]] = {}
    for number in range(REPEATS):
        for name, value in round_(number).items():
            values.setdefault(name, []).append(value)
    return values


def medians(values: dict[str, list[float]]) -> dict[str, Any]:
    """Median and all values of each figure, for a report's details."""
    return {
        name: {"median": round(statistics.median(found), 4), "values": [round(each, 4) for each in found]}
        for name, found in values.items()
    }


def percentile_ms(latencies_s: Iterable[float], percent: float) -> float:
    """The latency in milliseconds that `percent` of the requests didn't exceed."""
    ordered = sorted(latencies_s)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


def keep(name: str, result: dict[str, Any], seconds: float) -> Path:
    """Writes a result with where and when it was measured."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    kept = {**result, "command": f"python -m benchmarks {name}", "took_s": round(seconds, 1), **_machine()}
    path.write_text(json.dumps(kept, indent=2) + "\n")
    return path


def show(result: dict[str, Any]) -> None:
    """Prints a result: each figure beside its yardstick and target."""
    print(f"\n{result['benchmark']}: {result['what']}")
    for check in result["checks"]:
        line = f"  {check['name']:26}{check['figure']:>11,.6g} {check['unit']}"
        line += _target(check["target"], check["at_least"])
        if check["yardstick"] is not None:
            line += f"; yardstick {check['yardstick']:,.6g}, ratio {check['ratio']:.3f}"
            line += _target(check["ratio_target"], check["ratio_at_least"])
        print(f"{line}: {'reached' if check['reached'] else 'NOT REACHED'}")
    for name, value in result["details"].items():
        if isinstance(value, dict) and "median" in value:
            value = f"{value['median']:,.6g}  {value['values']}"
        print(f"      {name}: {value}")


def _target(target: float | None, at_least: bool) -> str:
    return "" if target is None else f" (target {'≥' if at_least else '≤'} {target:,.6g})"


def _machine() -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": _processor(),
            "cores": psutil.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "system": f"{platform.system()} {platform.machine()}",
            "python": sys.version.split()[0],
            "load_average": [round(value, 1) for value in psutil.getloadavg()],
        },
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
