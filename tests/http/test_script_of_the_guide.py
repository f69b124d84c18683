"""The import script of the integration guide works as it is, but for the server and the key."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from support.imports import send

GUIDE = Path(__file__).parents[1] / "fixtures" / "guides" / "csv-import.md"


def test_the_script_imports_its_file_and_importing_the_file_adds_nothing(organisation, work, tmp_path):
    """It is run in a process of its own on the guide's own file, twice; then the file is imported."""
    text = GUIDE.read_text(encoding="utf-8")
    (script,) = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    (content,) = re.findall(r"^```csv\n(.*?)^```$", text, re.M | re.S)
    script = script.replace("https://api.example.org", organisation.server.url)
    script = script.replace("your-api-key", organisation.key)
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    (tmp_path / "learning_events.csv").write_text(content, encoding="utf-8")

    def run():
        done = subprocess.run(
            [sys.executable, "script.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout.strip()

    assert run() == "Imported 3 events"
    points = organisation.api.points("user-123"), organisation.api.points("user-124")
    assert min(points) > 0
    assert run() == "Imported 0 events"
    assert (organisation.api.points("user-123"), organisation.api.points("user-124")) == points
    (event,) = organisation.api.get("/v1/events", event="quiz.completed").json()["events"]
    assert (event["source"], event["source_event_id"]) == ("moodle", "evt-791")
    report = work(organisation, send(organisation, content)["import_id"])
    assert (report["rows"]["duplicates"], report["points_awarded"]) == (3, 0)
