"""How an import is shown, by the API and the command alike."""

from __future__ import annotations

from typing import Any

from rocket_server.imports.form import Form
from rocket_server.imports.troubles import Tally
from rocket_server.jobs.table import StoredJob
from rocket_server.times import rfc3339

COUNTS = ("read", "accepted", "duplicates", "rejected", "warnings")


def shown(job: StoredJob) -> dict[str, Any]:
    """An import and how far it is."""
    return {
        "import_id": job.job_id,
        "kind": job.kind.removeprefix("import_"),
        "status": job.status,
        "dry_run": job.arguments["dry_run"],
        "rows": {name: job.counts.get(name, 0) for name in COUNTS},
        "points_awarded": job.counts.get("points_awarded", 0),
        "progress_pct": progress_pct(job),
        "created_by": job.created_by,
        "created_at": rfc3339(job.created_at),
        "finished_at": rfc3339(job.finished_at) if job.finished_at else None,
        "error": job.error,
    }


def report(job: StoredJob) -> dict[str, Any]:
    """The import, how its file is written, and what was wrong with its rows."""
    form = Form.of_json(job.arguments["form"])
    tally = Tally() if job.position is None else Tally.of_json(job.position["troubles"])
    return {
        **shown(job),
        "file": {
            "bytes": job.total,
            "encoding": form.encoding,
            "delimiter": form.delimiter,
            "columns": [name for name in form.columns if name],
        },
        "troubles": tally.report(),
    }


def progress_pct(job: StoredJob) -> int:
    """0 to 100; 100 only when all is done."""
    if job.status == "done":
        return 100
    return min(99, 100 * job.done // max(1, job.total or 1))
