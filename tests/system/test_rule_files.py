"""`rocket rules apply`, `export` and `history`, as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.command import rocket

RULE: dict[str, Any] = {
    "rule_id": "double_week",
    "trigger": "forum.posted",
    "actions": {"multiplier": 2},
    "starts_at": "2026-03-02",
    "ends_at": "2026-03-08",
}


@pytest.fixture
def settings(database: str) -> dict[str, str]:
    """A database with one organisation."""
    settings = {"ROCKET_DATABASE_URL": database}
    rocket(settings, "init", "--organisation", "Physics")
    return settings


def test_a_file_is_applied(settings: dict[str, str], tmp_path: Path) -> None:
    """The difference is shown; nothing changes before it is confirmed; applying again finds nothing to do."""
    file = tmp_path / "rules.yaml"
    rules = yaml.safe_load(rocket(settings, "rules", "export").stdout)["rules"]
    (forum,) = [rule for rule in rules if rule["rule_id"] == "forum_posted"]
    forum["actions"]["award_points"] = 6
    file.write_text(yaml.safe_dump([forum, RULE]))

    shown = rocket(settings, "rules", "apply", str(file), "--dry-run").stdout
    assert "-  award_points: 5\n+  award_points: 6\n" in shown
    assert "+++ double_week" in shown
    assert "1 new, 1 changed, 0 unchanged" in shown
    unconfirmed = rocket(settings, "rules", "apply", str(file), expect=2)
    assert "--yes" in unconfirmed.stderr
    assert "double_week" not in rocket(settings, "rules", "list").stdout

    assert "Done." in rocket(settings, "rules", "apply", str(file), "--yes").stdout
    assert "× 2" in rocket(settings, "rules", "list").stdout
    again = rocket(settings, "rules", "apply", str(file)).stdout
    assert again.strip() == "0 new, 0 changed, 2 unchanged".removeprefix("0 new, 0 changed, ")

    history = rocket(settings, "rules", "history", "forum_posted").stdout
    assert "rocket rules apply  actions.award_points" in history
    assert "setup               made" in history
    assert "+  award_points: 6" in rocket(settings, "rules", "history", "forum_posted", "--diff").stdout
    assert "did you mean forum_posted" in rocket(settings, "rules", "history", "forum_post", expect=2).stderr


def test_what_is_exported_is_taken_back(settings: dict[str, str], tmp_path: Path) -> None:
    """An export applied again, pruning, changes nothing; with a rule less, that rule is withdrawn."""
    file = tmp_path / "rules.yaml"
    file.write_text(rocket(settings, "rules", "export").stdout)
    same = rocket(settings, "rules", "apply", str(file), "--prune").stdout
    assert same.strip() == "8 unchanged"
    rules = yaml.safe_load(file.read_text())["rules"]
    file.with_suffix(".json").write_text(json.dumps({"rules": rules[1:]}))
    done = rocket(settings, "rules", "apply", str(file.with_suffix(".json")), "--prune", "--yes").stdout
    assert "7 unchanged, 1 to withdraw" in done
    assert len(yaml.safe_load(rocket(settings, "rules", "export").stdout)["rules"]) == 7
    assert "withdrawn" in rocket(settings, "rules", "history", rules[0]["rule_id"]).stdout
    assert "1 new" in rocket(settings, "rules", "apply", str(file), "--yes").stdout
    assert "made again" in rocket(settings, "rules", "history", rules[0]["rule_id"]).stdout


def test_faults_change_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    """Faults are told with file, line and path, status 2, and no rule of the file is applied."""
    file = tmp_path / "rules.yaml"
    file.write_text(
        yaml.safe_dump([RULE]) + "- rule_id: other\n  triger: x.y\n  actions: {award_points: 5}\n"
    )
    done = rocket(settings, "rules", "apply", str(file), "--yes", expect=2)
    assert f"{file}:8: [1].triger: unknown field; did you mean trigger?" in done.stderr
    assert "double_week" not in rocket(settings, "rules", "list").stdout
