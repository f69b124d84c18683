"""Runs the snippets of the developers' page as they stand, and `examples/`, and asks the server."""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import tempfile
from pathlib import Path

from rocket_learning import RocketClient

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "tests" / "fixtures" / "sdks" / "developer-resources.md"
EXAMPLES = HERE.parent / "examples"


def snippets() -> list[str]:
    """The Python blocks of the page's section on this SDK."""
    section = PAGE.read_text(encoding="utf-8").split("### Python SDK")[1].split("\n### ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def printed_by(work: Path | str) -> str:
    """What an example prints. To a snippet only `import os` is added, which the page leaves out."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        if isinstance(work, Path):
            runpy.run_path(str(work), run_name="__main__")
        else:
            exec(compile(f"import os\n{work}", "developer-resources.md", "exec"), {"__name__": "__main__"})
    return output.getvalue()


def expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"{what}: {found!r}, expected {expected!r}")
    print(f"{what}: as expected")


def main() -> None:
    client = RocketClient()
    synchronous, asynchronous = snippets()

    expect("the synchronous snippet prints", printed_by(synchronous), "User balance: 10 points\n")
    (stored,) = client.users.get_events("user-123")["events"]
    expect(
        "its event",
        (stored["event"], stored["properties"]),
        (
            "lesson.completed",
            {"course_id": "course-456", "lesson_id": "lesson-789", "progress_pct": 75},
        ),
    )

    printed_by(asynchronous)
    named = re.compile(r"user-\d{1,2}").fullmatch
    latest = client.events.list(event="lesson.completed", limit=500)["events"]
    batch = [event for event in latest if named(event["user_id"] or "")]
    expect("learners of the asynchronous snippet", len({event["user_id"] for event in batch}), 100)
    expect("its lessons", {event["properties"]["lesson_id"] for event in batch}, {"lesson-123"})

    os.chdir(tempfile.mkdtemp())
    output = printed_by(EXAMPLES / "track_and_award.py")
    expect(
        "track_and_award.py",
        output,
        "processed: 50 points\nnot yet: 75 points\nbalance: 75 points\n",
    )
    output = printed_by(EXAMPLES / "track_batch_async.py")
    expect("track_batch_async.py", output.splitlines()[0], "30 processed, 0 failed")
    expect("buffer_events.py", printed_by(EXAMPLES / "buffer_events.py"), "0 events wait\n")
    expect("no dead letters", os.listdir(), [])


if __name__ == "__main__":
    main()
