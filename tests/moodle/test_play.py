"""A real Moodle, played through by learners, a teacher and an administrator, by our plugin and Event Trigger.

`ROCKET_TEST_MOODLE` names the folder of an installed Moodle that may be changed: a site for trying out, whose
`wwwroot` is http://127.0.0.1 and a free port. Our plugins are copied into it, and its database gets what the
play does.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from support import server as servers
from support.organisation import Organisation
from support.server import Server

MOODLE = Path(os.environ.get("ROCKET_TEST_MOODLE", "/nowhere"))
PLUGINS = Path(__file__).parents[2] / "integrations" / "moodle"
PHP = ("php", "-d", "error_reporting=22527", "-d", "log_errors=0", "-d", "max_input_vars=5000")
LEARNERS = ["ada", "ben", "cleo"]


class Moodle:
    """The site: acts by the functions behind its pages, and pages by its web server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def act(self, *calls: list[Any]) -> list[Any]:
        """What each act of act.php answered."""
        done = run(str(Path(__file__).with_name("act.php")), json.dumps(calls))
        return json.loads(done.splitlines()[-1])  # type: ignore[no-any-return]

    def log_in(self, name: str) -> httpx.Client:
        """A browser in which somebody is signed in; their password is their name."""
        browser = httpx.Client(base_url=self.url, follow_redirects=True, timeout=60, trust_env=False)
        page = browser.get("/login/index.php").text
        token = re.search(r'name="logintoken" value="([^"]+)"', page)
        assert token is not None, page[:500]
        form = {"username": name, "password": name, "logintoken": token[1]}
        assert "loginerrormessage" not in browser.post("/login/index.php", data=form).text
        return browser


def run(*arguments: str) -> str:
    done = subprocess.run([*PHP, *arguments], cwd=MOODLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="session")
def moodle() -> Iterator[Moodle]:
    """The site with our plugins in it, and its web server."""
    for plugin, place in (("local_rocket", "local/rocket"), ("block_rocket", "blocks/rocket")):
        target = MOODLE / place
        if target.is_symlink():
            target.unlink()
        shutil.rmtree(target, ignore_errors=True)
        if (PLUGINS / plugin).is_dir():
            shutil.copytree(PLUGINS / plugin, target)
    run("admin/cli/upgrade.php", "--non-interactive")
    run("admin/cli/purge_caches.php")
    found = re.search(r"wwwroot\s*=\s*['\"]([^'\"]+)", (MOODLE / "config.php").read_text())
    assert found is not None
    address = urlsplit(found[1])
    assert address.hostname == "127.0.0.1"
    web = subprocess.Popen(
        [*PHP, "-d", "display_errors=0", "-S", f"127.0.0.1:{address.port}", "-t", str(MOODLE)],
        cwd=MOODLE, env=os.environ | {"PHP_CLI_SERVER_WORKERS": "4"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    for _ in range(100):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", address.port or 80)) == 0:
                break
        time.sleep(0.1)
    yield Moodle(found[1])
    os.killpg(web.pid, signal.SIGTERM)
    web.wait(20)


@pytest.fixture
def rocket(make_organisation: Any, worker_database: str, tmp_path: Path) -> Iterator[list[Server]]:
    """A server of one's own, which may be killed; the last of the list is the one that runs."""
    running = [servers.start(worker_database, tmp_path / "rocket.log", {"ROCKET_ENV": "test"})]
    yield running
    if running[-1].process.poll() is None:
        running[-1].stop()


@pytest.fixture
def own(make_organisation: Any, rocket: list[Server]) -> Organisation:
    """A fresh organisation on that server."""
    made: Organisation = make_organisation().on(rocket[0])
    return made


def connect(moodle: Moodle, own: Organisation) -> dict[str, Any]:
    """A fresh course in Moodle, and the plugin connected with the organisation; the course's ids."""
    mark = uuid.uuid4().hex[:6]
    moodle.act(["send"], ["setting", "token", ""])
    moodle.act(["clear"])
    (ids,) = moodle.act(["course", mark, LEARNERS, "tina"])
    found = moodle.act(
        ["setting", "address", own.server.url],
        ["setting", "token", own.moodle.token],
        ["setting", "apikey", own.key],
        ["setting", "nextattempt", "0"],
        ["connection"],
    )[-1]
    assert [level for level, _ in found] == ["success", "success"], found
    return ids | {"mark": mark}


def play(moodle: Moodle, ids: dict[str, Any]) -> dict[str, int]:
    """A morning; answers what each learner should have earned by the default rules, worked out by hand."""
    ada, ben, cleo = (ids["users"][name] for name in LEARNERS)
    views = [
        f"/mod/{module}/view.php?id={ids[module + '_cm']}" for module in ("page", "assign", "quiz", "forum")
    ]
    with closing(moodle.log_in(f"ada{ids['mark']}")) as browser:
        for path in [f"/course/view.php?id={ids['course']}", *views, *views]:
            assert browser.get(path).status_code == 200
    with closing(moodle.log_in(f"ben{ids['mark']}")) as browser:
        assert browser.get(views[0]).status_code == 200
    with closing(moodle.log_in(f"tina{ids['mark']}")) as browser:
        for path in views:
            assert browser.get(path).status_code == 200
    moodle.act(
        ["complete", ada, ids["page_cm"], True],
        ["complete", ada, ids["page_cm"], False],
        ["complete", ada, ids["page_cm"], True],
        ["submit", ada, ids["assign"], "first"],
        ["attempt", ada, ids["quiz"], True],
        ["attempt", ada, ids["quiz"], False],
        *(["post", ada, ids["post"], f"post {n}"] for n in range(4)),
        ["badge", ada, ids["course"]],
        ["complete_course", ada, ids["course"]],
        ["complete", ben, ids["page_cm"], True],
        ["complete", ben, ids["page_cm"], False],
        ["post", ben, ids["post"], "hello"],
        ["post", ids["users"]["tina"], ids["post"], "well done"],
    )
    time.sleep(1.1)
    moodle.act(["submit", ada, ids["assign"], "second"])
    return {
        # log-in 5, four activities seen once each 8, page completed 10, assignment 15 once, two attempts 40,
        # three of four posts 15, course 50
        str(ada): 5 + 8 + 10 + 15 + 40 + 15 + 50,
        # log-in 5, one activity 2, a completion that was taken back 0, a post 5
        str(ben): 5 + 2 + 0 + 5,
        str(cleo): 0,
        str(ids["users"]["tina"]): 0,
    }


def seen(own: Organisation, expected: dict[str, int]) -> dict[str, int]:
    """What each of them has in Rocket; who is unknown there has nothing."""
    points = {}
    for user in expected:
        answer = own.api.get(f"/v1/users/moodle:{user}/balance")
        points[user] = answer.json()["points"] if answer.status_code == 200 else 0
    return points


def send_all(moodle: Moodle) -> dict[str, Any]:
    state: dict[str, Any] = moodle.act(["send"])[0]
    assert (state["waiting"], state["refused"], state["fault"]) == (0, 0, ""), state
    return state


def test_points_by_our_plugin_are_those_worked_out_by_hand(moodle, own, adds_up):
    """A morning by pages and app gives each learner what the rules say, and the teacher nothing."""
    ids = connect(moodle, own)
    expected = play(moodle, ids)
    send_all(moodle)
    assert seen(own, expected) == expected
    events = own.api.get("/v1/events", user_id=f"moodle:{ids['users']['ada']}", limit=200).json()["events"]
    (best,) = [
        one for one in events if one["event"] == "quiz.completed" and one["properties"]["score"] == 100
    ]
    assert (best["properties"]["grade"], best["properties"]["grademax"]) == (10, 10)
    assert best["properties"]["role_names"] == ["student"]
    assert len(best["properties"]["group_ids"]) == 1
    staff = own.api.get("/v1/events", status="ignored", limit=200).json()["events"]
    assert {one["reason"].split(":")[0] for one in staff} == {"staff"}
    adds_up(own)


def test_an_outage_loses_nothing(moodle, own, rocket, worker_database, tmp_path, adds_up):
    """With Rocket killed and cron going on, everything waits; afterwards it is as if nothing had happened."""
    ids = connect(moodle, own)
    rocket[0].process.kill()
    rocket[0].process.wait()
    expected = play(moodle, ids)
    for _ in range(3):
        (state,) = moodle.act(["send"])
        assert state["waiting"] > 20
        assert "Nothing listens" in state["fault"]
        assert state["next"] > time.time() - 5
        moodle.act(["again"])
    assert state["failures"] == 3
    assert moodle.act(["check"])[0][0] == "warning"
    rocket.append(servers.start(worker_database, tmp_path / "again.log", {"ROCKET_ENV": "test"}))
    moodle.act(["setting", "address", rocket[-1].url], ["again"])
    send_all(moodle)
    assert moodle.act(["check"])[0][0] == "ok"
    back = own.on(rocket[-1])
    assert seen(back, expected) == expected
    adds_up(back)


def test_both_ways_at_once_count_nothing_twice(moodle, own, adds_up, tmp_path):
    """With Event Trigger's workflows switched on as well, the points are the same, and staff are known."""
    if not (MOODLE / "admin/tool/trigger").is_dir():
        pytest.fail("this Moodle has no Event Trigger plugin; put tool_trigger into admin/tool/trigger")
    ids = connect(moodle, own)
    script = tmp_path / "workflows.php"
    command = ["rocket", "moodle", "workflows", "--script", str(script), "--token", own.moodle.token]
    environment = os.environ | {"ROCKET_PUBLIC_URL": own.server.url}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    run(str(script))
    try:
        expected = play(moodle, ids)
        send_all(moodle)
        assert seen(own, expected) == expected
        known = own.api.get("/v1/events", user_id=f"moodle:{ids['users']['ada']}", limit=200).json()["events"]
        names = [one["event"] for one in known]
        assert names.count("course.completed") == 1
        assert names.count("forum.posted") == 4
        assert names.count("quiz.completed") == 2
        adds_up(own)
    finally:
        run(str(script), "--undo")


def test_event_trigger_alone_gives_the_same_points(moodle, own, adds_up, tmp_path):
    """Through the workflows alone the learners' points are the same; the teacher is staff by list."""
    ids = connect(moodle, own)
    moodle.act(["setting", "token", ""])
    script = tmp_path / "workflows.php"
    command = ["rocket", "moodle", "workflows", "--script", str(script), "--token", own.moodle.token]
    environment = os.environ | {"ROCKET_PUBLIC_URL": own.server.url}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    staff = {"staff_ids": ["2", str(ids["users"]["tina"])]}
    assert own.api.patch(f"/v1/sources/{own.moodle.source_id}", staff).status_code == 200
    run(str(script))
    try:
        expected = play(moodle, ids)
        assert seen(own, expected) == expected
        adds_up(own)
    finally:
        run(str(script), "--undo")


def test_history_gives_what_live_gave(moodle, own, make_organisation, rocket, tmp_path):
    """The export of a course, taken in by another organisation, gives the points of its activities; taken in
    where everything was live, it gives nothing."""
    ids = connect(moodle, own)
    expected = play(moodle, ids)
    send_all(moodle)
    file = tmp_path / "history.csv"
    run("local/rocket/cli/export_history.php", f"--course={ids['course']}", f"--output={file}")
    rows = [line.split(",") for line in file.read_text().splitlines()]
    names = rows[0]
    events = [flat(dict(zip(names, row, strict=True))) for row in rows[1:]]
    fresh = make_organisation().on(rocket[-1])
    assert own.api.post("/v1/events/batch", {"events": events}).json()["points_awarded"] == 0
    assert seen(own, expected) == expected
    answer = fresh.api.post("/v1/events/batch", {"events": events}).json()
    assert answer["failed"] == 0, answer
    ada, ben = (str(ids["users"][name]) for name in ("ada", "ben"))
    # Views and log-ins aren't in the export of a course.
    assert seen(fresh, {ada: 0, ben: 0}) == {ada: expected[ada] - 5 - 8, ben: expected[ben] - 5 - 2}


def flat(row: dict[str, str]) -> dict[str, Any]:
    """A row of the CSV as the API takes it."""
    own = {"event", "user_id", "timestamp", "event_id", "source"}
    properties = {name: value for name, value in row.items() if value and name not in own}
    if "score" in properties:
        properties["score"] = float(properties["score"])  # type: ignore[assignment]
    return {
        "event": row["event"], "user_id": row["user_id"], "timestamp": int(row["timestamp"]),
        "event_id": row["event_id"], "metadata": {"source": row["source"]}, "properties": properties,
    }  # fmt: skip


def test_block_shows_points_and_never_needs_rocket(moodle, own, rocket):
    """A learner sees points, a teacher the course; what was fetched stays while Rocket is away."""
    ids = connect(moodle, own)
    ada, ben, tina = (ids["users"][name] for name in ("ada", "ben", "tina"))
    moodle.act(["post", ada, ids["post"], "hello"])
    send_all(moodle)
    shown, course = moodle.act(["panel", ada, ids["course"]], ["panel", tina, ids["course"]])
    assert "Fetching your points" in shown["atonce"]
    assert re.search(r">5</strong>\s*points", shown["fetched"])
    assert "Wrote in a forum" in shown["fetched"]
    assert "Logged in, once a day" in shown["fetched"]
    assert [name for name in ("Ada", "Ben", "Cleo", "Tina") if name in course["fetched"]] == [
        "Ada",
        "Ben",
        "Cleo",
    ]
    rocket[0].process.kill()
    rocket[0].process.wait()
    kept, unknown = moodle.act(["panel", ada, ids["course"]], ["panel", ben, ids["course"]])
    assert kept["atonce"] == kept["fetched"] == shown["fetched"]
    assert "can't be fetched just now" in unknown["fetched"]


def test_who_is_deleted_is_anonymised(moodle, own):
    """Where it is set, deleting a user in Moodle removes all that names them in Rocket, and the sums stay."""
    ids = connect(moodle, own)
    ben = ids["users"]["ben"]
    moodle.act(["setting", "anonymise", "1"], ["post", ben, ids["post"], "hello"], ["delete_user", ben])
    send_all(moodle)
    moodle.act(["setting", "anonymise", "0"])
    assert own.api.get(f"/v1/users/moodle:{ben}").status_code == 404
    users = own.api.get("/v1/users").json()["users"]
    assert [one["status"] for one in users].count("anonymised") == 1


def test_somebody_else_logged_in_as_a_learner_earns_them_nothing(moodle, own):
    """What an administrator does as a learner is kept with the reason and gives no points."""
    ids = connect(moodle, own)
    cleo = ids["users"]["cleo"]
    moodle.act(["view_as", 2, cleo, ids["page_cm"], ids["page"]])
    send_all(moodle)
    assert seen(own, {str(cleo): 0}) == {str(cleo): 0}
    (event,) = own.api.get("/v1/events", event="resource.viewed").json()["events"]
    assert event["reason"].startswith("logged_in_as")
