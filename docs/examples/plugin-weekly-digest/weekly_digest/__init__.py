"""Keeps a digest of each learner's week: what they did, how often, and the points it brought.

One JSON file for each organisation and week under WEEKLY_DIGEST_DIR, `<organisation>/2026-W10.json`, which a
mail job can turn into letters on Monday.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from rocket_server.plugins.interface import Plugin, PluginEvent, PluginHook

KEPT_IDS = 10_000  # of events, to know one that is told again


class Digest:
    """Adds events to the files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, event: PluginEvent) -> None:
        """Count an event. It may be told more than once: its id says whether it was counted."""
        user_id = event.context["userId"]
        if user_id is None:
            return
        year, week, _ = datetime.fromisoformat(event.timestamp).isocalendar()
        file = self.folder / event.context["organisationId"] / f"{year}-W{week:02}.json"
        digest = self._read(file)
        if event.id in digest["counted"]:
            return
        digest["counted"] = [*digest["counted"][1 - KEPT_IDS :], event.id]
        learner = digest["learners"].setdefault(user_id, {"points": 0, "events": {}})
        learner["points"] += event.data.get("points_awarded") or 0
        learner["events"][event.name] = learner["events"].get(event.name, 0) + 1
        self._write(file, digest)

    def _read(self, file: Path) -> dict[str, Any]:
        if not file.exists():
            return {"counted": [], "learners": {}}
        digest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return digest

    def _write(self, file: Path, digest: dict[str, Any]) -> None:
        """Put the new file in the old one's place in one step: this process may be killed at any moment."""
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(digest), encoding="utf-8")
        new.replace(file)


def plugin() -> Plugin:
    """Called once in the plugin's process; not active unless it is told where to write."""
    folder = os.environ.get("WEEKLY_DIGEST_DIR")
    return Plugin(
        id="weekly-digest",
        name="Weekly digest",
        version="1.0.0",
        description="Keeps a digest of each learner's week.",
        author="Rocket Learning Rewards",
        is_active=folder is not None,
        hooks=[PluginHook("*", Digest(Path(folder or "")).add, priority=100)],
    )
