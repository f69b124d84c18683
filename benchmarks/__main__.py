"""`python -m benchmarks [NAME…|all|report]`: runs benchmarks, prints and keeps their figures."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any

from benchmarks import figures, report

# What each name runs: a module with `run() -> dict`, or module:function.
BENCHMARKS = {
    "p1": "batch:run",
    "p2": "single:run",
    "p3": "latency:run",
    "p4": "moodle:run",
    "p5": "delivery:run",
    "p6": "rules:run",
    "p7": "simulation:run",
    "p9": "growth:run",
    "p10": "examination:run",
    "p11": "startup:run",
    "p12": "two_servers:run",
    "r13": "one_sender:run",
}


def main(arguments: Sequence[str]) -> int:
    """Runs what is named; 1 where one failed to run. A target that wasn't reached is no failure."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}, all (default) or report"
    )
    parser.add_argument("--events", type=int, help="how many events P7 and P9 store beforehand")
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="attacks of R13 whose names have this in them"
    )
    given = parser.parse_args(arguments)
    names = list(BENCHMARKS) if given.names in ([], ["all"]) else [name.lower() for name in given.names]
    if names == ["report"]:
        print(f"wrote {report.write()}")
        return 0
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    failed = False
    for name in names:
        module, function = BENCHMARKS[name].split(":")
        options: dict[str, Any] = {}
        if name in ("p7", "p9") and given.events:
            options["events"] = given.events
        if name == "r13" and given.only:
            options["only"] = given.only
        started = time.monotonic()
        try:
            result = getattr(importlib.import_module(f"benchmarks.{module}"), function)(**options)
        except Exception:
            traceback.print_exc()
            print(f"{name.upper()} could not be measured", flush=True)
            failed = True
            continue
        path = figures.keep(name, result, time.monotonic() - started)
        figures.show(result)
        print(f"      kept in {path.relative_to(path.parent.parent)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
