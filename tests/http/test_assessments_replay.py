"""A platform that talks to another assessment service can talk to this one: 467 recorded requests, replayed.

Each difference between the recorded answers and ours stands in `docs/reference/assessments-differences.md`,
with the reason. A difference that isn't listed fails, and so does a line that no difference needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from support.peer_replay import Difference, Replay

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "assessments-differences.md"
_HEAD = "| requests | field | there | here | why |"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the page: patterns of requests, and one of the field and of each value; `*` stands for
    any."""

    requests: str
    field: str
    there: str
    here: str

    def has(self, difference: Difference) -> bool:
        step = difference.step.partition(" ")[2]
        values = (difference.where, difference.theirs, difference.ours)
        return any(_fits(one.strip(), step) for one in self.requests.split(",")) and all(
            _fits(pattern, str(value))
            for pattern, value in zip((self.field, self.there, self.here), values, strict=True)
        )


def lines() -> list[Line]:
    """All lines of the page's tables."""
    found = []
    for table in PAGE.read_text(encoding="utf-8").split(_HEAD)[1:]:
        for row in table.strip().splitlines()[1:]:
            if not row.startswith("|"):
                break
            cells = [cell.strip().strip("`") for cell in row.strip("|").split("|")]
            assert len(cells) == 5, row
            assert cells[4], f"say why: {row}"
            found.append(Line(*cells[:4]))
    return found


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text, re.S) is not None


def test_every_difference_from_the_recording_is_listed(organisation, owner):
    """Status and result fields are those of the recording, but for what the page lists with its reason."""

    def close_windows() -> None:
        for statement in (
            "UPDATE assessment_attempts SET deadline = now()"
            " WHERE organisation_id = $1 AND status = 'running' AND deadline IS NOT NULL",
            "UPDATE assessment_tests SET ends_at = now()"
            " WHERE organisation_id = $1 AND ends_at > now() AND starts_at IS NULL",
        ):
            owner.execute(statement, organisation.organisation_id)

    listed = lines()
    used: set[Line] = set()
    unlisted = []
    for difference in Replay(organisation, close_windows).differences():
        fitting = [line for line in listed if line.has(difference)]
        used.update(fitting)
        if not fitting:
            unlisted.append(difference)
    shown = "\n".join(f"{one.step} | {one.where} | {one.theirs} | {one.ours}" for one in unlisted)
    assert not unlisted, f"{len(unlisted)} differences aren't listed:\n{shown[:20_000]}"
    assert [line for line in listed if line not in used] == []
