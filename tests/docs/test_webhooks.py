"""The pages about webhooks: the how-to's commands are run, the reference is compared with the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rocket_server.config.settings import Settings
from rocket_server.delivery import bodies, failures, retry, settings
from rocket_server.delivery.endpoints import MAX_WEBHOOKS
from rocket_server.delivery.model import ANSWER_BYTES, Fact
from rocket_server.http.api import webhook_models as models
from support.receiver import Receiver

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to" / "webhooks.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference" / "webhooks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash ([a-z-]+)\n(.*?)^```$", HOW_TO, re.M | re.S)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where the page's webhook leads."""
    made = Receiver()
    yield made
    made.close()


def test_the_commands_do_what_the_page_says(start_server, make_organisation, receiver) -> None:
    """All commands of the page, in their order, in one shell, against a server and a receiver."""
    calling = start_server("calling", ROCKET_ALLOW_PRIVATE_WEBHOOKS="1")
    organisation = make_organisation().on(calling)
    # Between creating and the rest something has to happen.
    event = {
        "event": "course.completed",
        "user_id": "anna",
        "timestamp": 1772445600,
        "properties": {"course_id": "12"},
    }
    happening = f"rocket_api POST /v1/events '{json.dumps(event)}'; echo\n"
    script = "\n".join(
        f"echo '## {name}'\n{block}" + (happening if name == "create" else "") for name, block in BLOCKS
    )
    done = subprocess.run(
        ["bash", "-c", f'set -euo pipefail\n{script}\necho "## end $SECRET $NEW_SECRET"'],
        env={
            "PATH": os.environ["PATH"],
            "ROCKET": calling.url,
            "KEY": organisation.key,
            "RECEIVER": receiver.url(),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = dict(re.findall(r"^## ([a-z-]+)(?: .*)?\n(.*?)(?=^## |\Z)", done.stdout, re.M | re.S))
    assert json.loads(said["test"])["delivered"] is True
    assert [
        json.loads(line)["active"] for line in said["retire"].replace("}\n{", "}\x00{").split("\x00")
    ] == [
        False,
        True,
    ]
    assert '"enabled": true' in said["watch"]
    assert '"event": "webhook.test"' in said["resend"]
    assert '"result": "queued"' in said["resend"]
    assert '"status": "running"' in said["recover"]
    assert '"by_hand"' in said["remove"]
    (call,) = receiver.calls
    assert call.headers["authorization"] == "Bearer the-receivers-own-token"
    secrets = re.findall(r"whsec_\S+", done.stdout.rpartition("## end")[2])
    assert len(set(secrets)) == 2
    assert organisation.api.get("/v1/webhooks").json()["webhooks"] == []


def test_every_block_of_the_page_is_run() -> None:
    """No command stands on the page that the test above doesn't run."""
    assert HOW_TO.count("```") == 2 * len(BLOCKS)
    assert [name for name, _ in BLOCKS] == [
        "settings", "create", "test", "rotate", "retire", "watch", "resend", "recover", "remove",
    ]  # fmt: skip


def rows(section: str) -> dict[str, str]:
    """First column, in backticks → the rest, of the first table in a section."""
    text = REFERENCE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `?([^`|]+?)`? \| (.*) \|$", text, re.M))


def test_the_reference_names_every_field() -> None:
    """The table of fields is that of the code, with its bounds and defaults."""
    table = rows("Fields")
    table.pop("field")
    table.pop("---", None)
    new = models.NEW_WEBHOOK["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert table.keys() == new.keys()
    defaults = settings.EndpointSettings("u", ("*",)).as_dict()
    for name in (
        "filters",
        "format",
        "timeout_s",
        "max_attempts",
        "throttle_per_s",
        "description",
        "enabled",
    ):
        written = table[name].partition("`")[2].partition("`")[0]
        value = defaults[name]
        assert written == (value if name == "format" else json.dumps(value).replace("10.0", "10"))
    assert f"up to {MAX_WEBHOOKS} webhooks" in REFERENCE
    assert f"up to {settings.MAX_HEADERS} headers" in table["headers"]
    assert f"first {ANSWER_BYTES:,} bytes" in REFERENCE


def test_the_waits_are_those_of_the_code() -> None:
    """Each row of the table of waits is what the schedule gives without chance."""
    base_s = Settings().webhook_retry_base_s
    for tries in range(1, 6):
        wait = f"{retry.backoff_s(tries, base_s, 0):.0f} s"
        assert f"| {tries} | {wait} |" in REFERENCE
    assert f"| 6 and later | {retry.backoff_s(6, base_s, 0):.0f} s |" in REFERENCE
    assert retry.backoff_s(20, base_s, 0) == retry.backoff_s(6, base_s, 0)
    assert f"{retry.FACTOR:.0f} times as long" in REFERENCE
    assert f"{retry.JITTER * 100:.0f} % more" in REFERENCE


def test_the_settings_are_those_of_the_code() -> None:
    """Every variable on the page exists, with the default that stands beside it."""
    known = {spec for spec, _, _ in Settings().as_rows()}
    named = set(re.findall(r"`(ROCKET_[A-Z_]+)", REFERENCE + HOW_TO))
    assert named <= known
    defaults = Settings().masked()
    for variable, written in (
        ("ROCKET_BREAKER_FAILURES", "5 failures in a row (`ROCKET_BREAKER_FAILURES`)"),
        ("ROCKET_BREAKER_OPEN", "60 s (`ROCKET_BREAKER_OPEN`)"),
        ("ROCKET_ENDPOINT_WARN_AFTER", "`ROCKET_ENDPOINT_WARN_AFTER` hours (24)"),
        ("ROCKET_ENDPOINT_DISABLE_AFTER", "`ROCKET_ENDPOINT_DISABLE_AFTER` hours (120)"),
        ("ROCKET_DELIVERY_RETENTION", "`ROCKET_DELIVERY_RETENTION` days (30)"),
    ):
        assert written in REFERENCE
        assert str(int(float(defaults[variable]))) in re.findall(r"\d+", written)


def test_the_error_codes_are_those_of_the_code() -> None:
    """Each code that a try can end with stands in the table, and no other."""
    table = REFERENCE.partition("| `error` | means |")[2].partition("\n\n")[0]
    written = set(re.findall(r"`([a-z_]+)`(?=[,| ])", re.sub(r"\|[^|]*\|$", "|", table, flags=re.M)))
    documented = set(re.findall(r"`([a-z_]+)`", failures.failure.__doc__ or ""))
    assert written == documented


def test_the_bodies_are_what_is_rendered() -> None:
    """Both examples are what the code makes of the same event."""
    examples = dict(re.findall(r"^```json (\w+)\n(.*?)^```$", REFERENCE, re.M | re.S))
    said = json.loads(examples["assessment"])
    fact = Fact(
        said["context"]["tenantId"],
        said["context"]["organisationId"],
        said["id"],
        "course.completed",
        "anna",
        datetime(2026, 3, 2, 10, tzinfo=UTC),
        {"course_id": "12"},
        50,
    )
    for form in ("rocket", "assessment"):
        assert json.loads(bodies.render(fact, form)) == json.loads(examples[form])
