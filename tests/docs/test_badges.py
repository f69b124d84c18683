"""The commands and the rule of docs/how-to/badges.md, run against a server; fields of the reference page."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import yaml

from rocket_server.badges import images, parse
from rocket_server.rules.parse import parse_rules

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "how-to" / "badges.md"
BLOCKS = dict(
    re.findall(r"^```(?:bash|yaml) ([a-z-]+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
)


def test_the_pages_commands(make_organisation, tmp_path):
    """Defined, given by criteria, by Moodle's badge and by hand, shown, revoked: as the page says."""
    organisation = make_organisation(rules=list(parse_rules(yaml.safe_load(BLOCKS["rule"]))))
    (tmp_path / "forum.png").write_bytes(images.drawn("forum"))

    def run(name):
        done = subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{BLOCKS[name]}"],
            env={**os.environ, "ROCKET": organisation.server.url, "KEY": organisation.key},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    assert "/medals/" in run("define")["image_url"]
    assert "/images/" in run("image")["image_url"]
    for number in range(10):
        answer = organisation.api.event("forum.posted", event_id=f"e{number}")
    assert answer["badges"] == ["forum_friend"]
    body = {"eventname": "\\core\\event\\badge_awarded", "id": "7", "userid": "2", "relateduserid": "77",
            "objectid": "12", "courseid": "1", "timecreated": "1772445600"}  # fmt: skip
    assert organisation.hook(json.dumps(body)).json()["points_awarded"] == 100
    assert run("award")["status"] == "awarded"
    assert run("award")["status"] == "already_held"
    assert run("issuer")["name"] == "Example Academy"
    shown = run("show")["badges"]
    assert [badge["badge_id"] for badge in shown] == ["quiz_master", "forum_friend"]
    path = shown[0]["verification_url"].partition("/public/")[2]
    public = f"/public/{path}"
    assert organisation.server.client.get(public).json()["status"] == "valid"
    assert organisation.server.client.get(f"{public}/credential.json").status_code == 200
    assert run("revoke")["status"] == "revoked"
    assert organisation.server.client.get(public).json()["status"] == "revoked"
    assert [key["retired_at"] is None for key in run("rotate")["keys"]] == [True, False]


def test_every_block_is_run():
    """No command stands on the page that the test above doesn't run."""
    assert set(BLOCKS) == {"define", "image", "rule", "award", "show", "issuer", "revoke", "rotate"}
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS)


def test_the_reference_names_every_field():
    """Each field of a definition and each part of criteria has its row."""
    reference = (DOCS / "reference" / "badges.md").read_text(encoding="utf-8")
    for field in (*parse.FIELDS, *parse.CRITERIA):
        assert f"| `{field}` |" in reference, field
