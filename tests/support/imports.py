"""Files sent to be imported, and the work on them, as a worker does it."""

from __future__ import annotations

from typing import Any

from anyio.from_thread import BlockingPortal

from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.pool import Database
from rocket_server.jobs import table
from rocket_server.usecases.acting import Parts
from rocket_server.usecases.importing import Importing, run_here
from support.organisation import Organisation


def send(
    organisation: Organisation,
    content: str | bytes,
    status: int = 202,
    headers: dict[str, str] | None = None,
    kind: str = "events",
    **params: Any,
) -> dict[str, Any]:
    """Post a file; what is answered."""
    answer = organisation.api.request(
        "POST",
        "/v1/imports",
        params={"kind": kind, **params},
        content=content.encode() if isinstance(content, str) else content,
        headers={"Content-Type": "text/csv", **(headers or {})},
    )
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def work(
    portal: BlockingPortal,
    store: Database,
    organisation: Organisation,
    import_id: str,
    at_once: int = 500,
) -> dict[str, Any]:
    """Do an import to its end, some rows to a transaction; its report."""

    async def run() -> None:
        configurations = Configurations()
        async with store.connection() as conn:
            job = await table.read(conn, organisation.organisation_id, import_id)
        importing = Importing(store, configurations, 86_400, at_once=at_once)
        async for _ in run_here(Parts(store, configurations), job, importing):
            pass

    portal.call(run)
    return dict(organisation.api.get(f"/v1/imports/{import_id}/report").json())


def counts(report: dict[str, Any]) -> dict[str, int]:
    """The rows of a report that aren't none."""
    return {name: number for name, number in report["rows"].items() if number}


def troubles(report: dict[str, Any]) -> dict[str, list[int]]:
    """The lines of each trouble."""
    return {one["trouble"]: [row["line"] for row in one["first"]] for one in report["troubles"]}
