"""`rocket rules simulate` as a person runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rocket_server.rules.templates import default_rules
from support import command
from support.command import ROCKET, environment, rocket


@pytest.fixture
def settings(database: str) -> dict[str, str]:
    """A migrated database with one organisation."""
    settings = {"ROCKET_DATABASE_URL": database}
    rocket(settings, "init", "--organisation", "Physics")
    return settings


def written(path: Path, *rules: dict[str, Any]) -> str:
    path.write_text(json.dumps({"rules": rules}))
    return str(path)


RULE = {"rule_id": "seen", "trigger": {"event": "course.viewed"}, "actions": {"award_points": 1}}


def test_the_captured_morning_under_its_own_rules(settings: dict[str, str], tmp_path: Path) -> None:
    """After the demo, the same rules give a difference of nothing, in words and in JSON."""
    server = command.start(settings, tmp_path / "server.log", "serve")
    try:
        server.wait_until_answers()
        rocket(settings, "demo", "--url", server.url)
    finally:
        server.interrupt()
    file = written(tmp_path / "rules.json", *(rule.as_dict() for rule in default_rules()))
    arguments = ("rules", "simulate", file, "--since", "1d", "--organisation", "Demo")
    assert "nothing differs" in rocket(settings, *arguments).stdout
    answer = json.loads(rocket(settings, *arguments, "--json").stdout)
    assert answer["points_current"] == answer["points_candidate"] > 0
    assert answer["difference"] == answer["learners_touched"] == 0
    assert answer["learners"] == []


def test_what_it_does_not_take(settings: dict[str, str], tmp_path: Path) -> None:
    """A missing file, another format, a faulty rule, a bad time and nobody to answer are said in one line."""
    good = written(tmp_path / "good.json", RULE)
    unread = tmp_path / "unread.txt"
    unread.write_text("a: [")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(bytes(range(128, 256)))
    for arguments, words in (
        ((str(tmp_path / "none.yaml"), "--since", "1d"), "can't be read"),
        ((str(binary), "--since", "1d"), "is not UTF-8"),
        ((str(unread), "--since", "1d"), "is not YAML"),
        ((written(tmp_path / "bad.json", {**RULE, "actions": {}}), "--since", "1d"), "rules[0].actions"),
        ((good, "--since", "soon"), "--since takes"),
        ((good, "--since", "1d", "--until", "2d"), "--until must be after --since"),
        ((good, "--since", "1d", "--apply"), "add --yes"),
    ):
        done = rocket(settings, "rules", "simulate", *arguments, expect=2)
        assert words in done.stderr
        assert len(done.stderr.splitlines()) <= 3, done.stderr
    assert "no such batch" in rocket(settings, "rules", "undo-apply", "x", "--yes", expect=2).stderr
    made = rocket(settings, "rules", "simulate", good, "--since", "1d", "--apply", "-y").stdout
    batch_id = made.split()[-1]
    assert "add --yes" in rocket(settings, "rules", "undo-apply", batch_id, expect=2).stderr


def test_an_answer_of_no_writes_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    """Who is asked and says no keeps rules and points as they are."""
    import pty

    file = written(tmp_path / "good.json", RULE)
    terminal, other_end = pty.openpty()
    try:
        process = subprocess.Popen(
            [str(ROCKET), "rules", "simulate", file, "--since", "1d", "--apply"],
            env=environment(settings),
            stdin=other_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        os.write(terminal, b"n\n")
        printed, _ = process.communicate(timeout=command.PATIENCE_S)
    finally:
        os.close(terminal)
        os.close(other_end)
    assert process.returncode == 0
    assert "Set these rules in force" in printed
    assert "seen" not in rocket(settings, "rules", "list").stdout
    assert len(rocket(settings, "rules", "batches").stdout.splitlines()) == 1


def test_ctrl_c_ends_it(settings: dict[str, str], tmp_path: Path) -> None:
    """Ctrl-C at the question ends the command with 130, without a traceback; nothing was written."""
    import pty

    file = written(tmp_path / "good.json", RULE)
    terminal, other_end = pty.openpty()
    try:
        process = subprocess.Popen(
            [str(ROCKET), "rules", "simulate", file, "--since", "1d", "--apply"],
            env=environment(settings),
            stdin=other_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        while "rule " not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=command.PATIENCE_S)
    finally:
        os.close(terminal)
        os.close(other_end)
    assert "Traceback" not in told
    assert process.returncode == 130, told
    assert len(rocket(settings, "rules", "batches").stdout.splitlines()) == 1
