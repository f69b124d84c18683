"""Where an attack takes place: a server with few descriptors, an attacker and a bystander."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from benchmarks.attacks.bystander import Bystander, Seen
from benchmarks.attacks.kinds import ATTACKS, Attack
from benchmarks.attacks.turns import Turns
from benchmarks.attacks.wire import Target
from benchmarks.serve import Server, serving
from benchmarks.stand import Stand, stand
from rocket_server.configuration.new_organisation import create_organisation
from rocket_server.organisations import keys

DESCRIPTORS = 1024  # what many systems allow a service by default

_SHORTEST_S, _LONGEST_S = 4.0, 40.0  # that an attack goes on


class Field:
    """A running server, in which the stand's own organisation is the bystander. Each attack is made by an
    organisation of its own."""

    def __init__(self, target: Stand, server: Server, turns: Turns) -> None:
        self._stand = target
        self._server = server
        self._turns = turns

    def suffer(self, attack: Attack) -> Seen:
        """What was seen while this attack went on."""
        admin_key, read_key = self._stand.query(lambda conn: _organisation(conn, attack.name))
        given = {"port": self._server.port, "admin_key": admin_key, "read_key": read_key}
        bystander = Bystander(self._server.port, self._stand.api_key, self._server.pid)
        bystander.start()
        self._turns.begin()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.attacks.field"],
                input=json.dumps([attack.name, given]),
                cwd=Path(__file__).parents[2],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                timeout=_LONGEST_S + 30,
            )
        finally:
            seen = bystander.stop()
        seen.endings = Counter(json.loads(done.stdout))
        seen.longest = self._turns.longest()
        return seen


@contextmanager
def open_field() -> Iterator[Field]:
    """A field with a database and a server of its own."""
    with TemporaryDirectory(prefix="rocket-turns-") as folder, stand() as target:
        target.query(_fill_log)
        turns = Path(folder) / "turns"
        with serving(target.url, descriptors=DESCRIPTORS, turns=turns) as server:
            yield Field(target, server, Turns(turns))


_SEGMENTS = 40  # of the write-ahead log


async def _fill_log(conn: asyncpg.Connection[Any]) -> None:
    """Let PostgreSQL have segments of its log that it uses again, as any database has that was at work for a
    while. In a new one each 16 MiB are first filled with zeros, and all commits wait for it."""
    await conn.execute("CREATE TABLE filled (a int)")
    for number in range(_SEGMENTS):
        await conn.execute("INSERT INTO filled VALUES ($1)", number)
        await conn.execute("SELECT pg_switch_wal()")
    await conn.execute("DROP TABLE filled")
    await conn.execute("CHECKPOINT")


async def _organisation(conn: asyncpg.Connection[Any], name: str) -> tuple[str, str]:
    """A new organisation's keys: an administrator's, and one that may read."""
    async with conn.transaction():
        made = await create_organisation(conn, name=name)
        read_key, _ = await keys.create(conn, made.organisation, name="read", scopes=("read",))
        return made.api_key, read_key


async def _attack(name: str, target: Target) -> None:
    act = next(attack.act for attack in ATTACKS if attack.name == name)
    until = asyncio.get_running_loop().time() + _SHORTEST_S
    with suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_S):
            while asyncio.get_running_loop().time() < until:
                await act(target)


if __name__ == "__main__":
    # What an attacker's own processor does would be another machine's: it gets what all others leave.
    os.nice(10)
    chosen, given = json.loads(sys.stdin.read())
    attacked = Target(**given)
    asyncio.run(_attack(chosen, attacked))
    print(json.dumps(attacked.endings))
