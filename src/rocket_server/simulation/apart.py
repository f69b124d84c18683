"""A simulation in a process of its own, which can be killed: judging the past would hold up the server.

As `python -m rocket_server.simulation.apart` it is that process. An order comes as one JSON document on
standard input, and the answer goes as one to standard output: the `outcome`, what was `refused`, or why the
database is `unavailable`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import structlog

from rocket_server import catalogue
from rocket_server.db.pool import UNAVAILABLE_ERRORS, connect, unavailable
from rocket_server.errors import Conflict, Unavailable
from rocket_server.organisations import store as organisations
from rocket_server.rules.model import Rule
from rocket_server.rules.parse import parse_rule
from rocket_server.simulation.model import Period
from rocket_server.simulation.run import OutOfTime, Settings, simulate

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 2 << 30  # of the process's addresses, those of Python and its libraries included
_GRACE_S: Final = 10.0  # beyond the budget: for starting, and for the last page
_NICENESS: Final = 10  # the servers come first
# What Python and the connection to the database look at. All else in the environment stays with the server.
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_ENVIRONMENT_BEGINNINGS: Final = ("PYTHON", "PG", "SSL_", "LC_")


async def simulate_apart(
    database_url: str,
    organisation_id: str,
    rules: Sequence[Rule],
    period: Period,
    top: int,
    budget_s: float,
    activities_file: Path | None = None,
) -> dict[str, Any]:
    """What `simulate` finds, as it is answered. Cancelling it kills the process.

    `activities_file` is an administrator's own catalogue.

    Raises Conflict where another simulation of the organisation runs, or where the time isn't enough.
    """
    order = {
        "database_url": database_url,
        "organisation_id": organisation_id,
        "rules": [rule.as_dict() for rule in rules],
        "since": period.since.isoformat(),
        "until": None if period.until is None else period.until.isoformat(),
        "top": top,
        "budget_s": budget_s,
        "activities_file": None if activities_file is None else str(activities_file),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "rocket_server.simulation.apart",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=_environment(os.environ),
        start_new_session=True,  # Ctrl-C is the server's
    )
    try:
        async with asyncio.timeout(budget_s + _GRACE_S):
            output, _ = await process.communicate(json.dumps(order).encode())
    except TimeoutError:
        raise _out_of_time(budget_s, None) from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
    try:
        answer = json.loads(output)
    except ValueError:
        log.error("simulation_without_answer", organisation_id=organisation_id, code=process.returncode)
        raise Unavailable(
            "The simulation ended without an answer. Shorten the time from since to until, or use"
            " `rocket rules simulate FILE`."
        ) from None
    if "unavailable" in answer:
        raise Unavailable(answer["unavailable"])
    if "refused" in answer:
        raise Conflict(answer["refused"]["message"], answer["refused"]["details"])
    outcome: dict[str, Any] = answer["outcome"]
    return outcome


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environ.items()
        if name in _ENVIRONMENT or name.startswith(_ENVIRONMENT_BEGINNINGS)
    }


def _out_of_time(budget_s: float, error: OutOfTime | None) -> Conflict:
    judged = "not all" if error is None else f"{error.done} of {error.events}"
    counts = {} if error is None else {"events": error.events, "events_judged": error.done}
    return Conflict(
        f"In {budget_s:g} seconds {judged} events could be judged. Shorten the time from since to until, or"
        " use `rocket rules simulate FILE`, which has no limit.",
        {"field": "since", **counts},
    )


async def _answer(order: dict[str, Any]) -> dict[str, Any]:
    rules = [parse_rule(rule, stored=True) for rule in order["rules"]]
    until = order["until"]
    period = Period(
        datetime.fromisoformat(order["since"]), None if until is None else datetime.fromisoformat(until)
    )
    file = order["activities_file"]
    activities = catalogue.load(None if file is None else Path(file))
    settings = Settings(top=order["top"], budget_s=order["budget_s"], activities=activities)
    try:
        conn = await connect(order["database_url"])
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            organisation = await organisations.read(conn, order["organisation_id"])
            outcome = await simulate(conn, organisation, rules, period, settings)
    except OutOfTime as error:
        refused = _out_of_time(order["budget_s"], error)
    except Conflict as error:
        refused = error
    except (*UNAVAILABLE_ERRORS, asyncpg.PostgresError) as error:
        return {"unavailable": unavailable(error).message}
    else:
        return {"outcome": outcome.as_dict()}
    return {"refused": {"message": refused.message, "details": refused.details}}


def main() -> None:
    """The process: see the module."""
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    order = json.load(sys.stdin)
    # Where the server is killed, nobody else would end this process.
    signal.alarm(int(order["budget_s"] + _GRACE_S) + 1)
    json.dump(asyncio.run(_answer(order)), sys.stdout)


if __name__ == "__main__":
    main()
