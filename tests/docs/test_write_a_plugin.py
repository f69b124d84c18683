"""docs/how-to/write-a-plugin.md: its files are those of the example, which is installed and run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal

from rocket_server.db.pool import open_database
from rocket_server.plugins import check
from support import organisation as organisations
from support import server as servers
from support.command import eventually, rocket
from support.organisation import Organisation
from support.working import worker

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "plugin-weekly-digest"
PAGE = DOCS / "how-to" / "write-a-plugin.md"
BLOCKS = {
    name: text
    for _, name, text in re.findall(
        r"^```(\w+) (\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
}


def test_the_page_shows_the_files_of_the_example() -> None:
    """What stands on the page is the example, to the letter, and nothing stands there that isn't tested."""
    assert BLOCKS["pyproject"] == (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    module = EXAMPLE / "weekly_digest" / "__init__.py"
    assert BLOCKS["weekly_digest"] == module.read_text(encoding="utf-8")
    assert set(BLOCKS) == {"pyproject", "weekly_digest", "install", "start", "look", "switch", "service"}
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS)


def test_the_service_on_the_page_is_a_plugin() -> None:
    """The external service of the page is whole, and has what is said of it."""
    made: dict[str, Any] = {}
    exec(BLOCKS["service"], made)
    service = check.checked(made["plugin"]).external_service
    assert service is not None
    assert (service.webhook.timeout, service.webhook.retries) == (15_000, 5)


def install(folder: Path) -> None:
    """What the page's commands do, into a folder in place of this Python's own."""
    command = BLOCKS["install"].splitlines()[0].split()
    assert command[:2] == ["pip", "install"]
    assert command[-1] == "docs/examples/plugin-weekly-digest"
    subprocess.run(
        [sys.executable, "-m", *command[:-1], "--quiet", "--no-index", "--target", str(folder), str(EXAMPLE)],
        check=True,
        timeout=120,
    )


def test_the_example_keeps_a_digest(database: str, tmp_path: Path, portal: BlockingPortal) -> None:
    """Installed by pip, found by the server and run by the worker, the example counts each event once."""
    folder, digests = tmp_path / "installed", tmp_path / "digests"
    install(folder)
    settings = {"PYTHONPATH": str(folder), "WEEKLY_DIGEST_DIR": str(digests), "ROCKET_ENV": "test"}
    settings["ROCKET_PLUGIN_ENVIRONMENT"] = "WEEKLY_DIGEST_*"
    listed = rocket(settings, "plugins", "list").stdout
    assert re.search(r"^weekly-digest +1\.0\.0 +active +\* ", listed, re.M), listed

    server = servers.start(database, tmp_path / "server.log", settings)
    store = portal.call(open_database, database)

    async def make() -> Organisation:
        return await organisations.make(store, server)

    try:
        organisation = portal.call(make)
        api = organisation.api
        api.event("course.completed", "anna", properties={"course_id": "1"}, event_id="1")
        api.event("course.viewed", "anna", timestamp="2026-03-04T10:00:00Z", event_id="2")
        api.event("course.viewed", "ben", timestamp="2026-03-09T10:00:00Z", event_id="3")
        points = api.points("anna")
        assert points > 0

        def shown() -> dict[str, Any]:
            listed = api.get("/v1/plugins").json()["plugins"]
            found: dict[str, Any] = next(one for one in listed if one["id"] == "weekly-digest")
            return found

        assert shown()["waiting"] == 3
        with worker(database, tmp_path / "worker.log", settings):
            eventually(lambda: shown()["waiting"] == 0, shown)
            portal.call(_again, store)  # as after a worker that was killed
            eventually(lambda: shown()["waiting"] == 0, shown)
        assert shown()["failures"] == 0
    finally:
        portal.call(store.close)
        server.stop()
    weeks = digests / organisation.organisation_id
    first, second = (json.loads((weeks / f"2026-W{week}.json").read_text()) for week in (10, 11))
    assert first["learners"] == {
        "anna": {"points": points, "events": {"course.completed": 1, "course.viewed": 1}}
    }
    assert second["learners"] == {"ben": {"points": 0, "events": {"course.viewed": 1}}}


async def _again(store: Any) -> None:
    async with store.transaction() as conn:
        await conn.execute("UPDATE deliveries SET status = 'pending', settled_at = NULL, due_at = now()")
