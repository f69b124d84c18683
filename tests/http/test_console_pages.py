"""Pages of the console: what they show, how they take what is typed, and what they never let through."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rocket_server
from rocket_server.console.application import ROUTES
from rocket_server.console.languages import LANGUAGES, chosen
from rocket_server.console.navigation import MAIN
from support.console import Browser

TEMPLATES = Path(rocket_server.__file__).parent / "console" / "templates"
CONTRACT = [
    *("Overview", "Live", "Learners", "Rules", "Badges", "Rewards"),
    *("Tests", "Sources", "Webhooks", "Imports", "Audit", "Settings"),
]
SCRIPT = "<script>alert(1)</script>"


def headings(text):
    return re.findall(r"<h1>(.*?)</h1>", text, re.S)


def test_the_navigation_has_its_twelve_entries_in_order(house):
    """A nav named Main leads to twelve pages whose h1 is the entry's word."""
    browser = house.browser()
    nav = re.search(r'<nav aria-label="Main">(.*?)</nav>', browser.get("/console").text, re.S).group(1)
    entries = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', nav)
    assert [name for _, name in entries] == CONTRACT
    for path, name in entries:
        assert headings(browser.get(path).text) == [name]


def test_the_root_leads_to_the_console(house):
    """`/` leads there, wherever a browser believes to be."""
    answer = house.organisation.server.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "console")


def test_all_languages_have_the_same_texts():
    """A language is one file; none lacks a text, has one too many or fills in something else."""
    english = LANGUAGES["en"].texts
    for language in LANGUAGES.values():
        assert language.texts.keys() == english.keys()
        for name, text in language.texts.items():
            assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", english[name])), name


def test_every_text_that_pages_name_is_there_and_none_is_idle():
    """What a template or handler asks for by name exists, and what exists is asked for."""
    sources = [*TEMPLATES.glob("*.html"), *TEMPLATES.parent.rglob("*.py")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    english = LANGUAGES["en"].texts
    asked = set(re.findall(r"""\bt\(\s*['"]([\w.]+)['"]\s*[,)]""", code))
    assert {name for name in asked if name not in english} == set()
    words = set(re.findall(r"""['"]([\w.]+)['"]""", code))
    made = ("nav.", "soon.", "role.", "toast.", "error.", "outcome.", "status.", "badge.", "learner.")
    made += ("settings.", "link.", "language.", "number.")
    idle = {
        name
        for name in english
        if name not in words and name.removesuffix(".one") not in words and not name.startswith(made)
    }
    assert idle == set()


def test_numbers_and_words_follow_the_browsers_language(house):
    """German where the browser asks for it first, and English where for nothing that there is."""
    assert chosen(None, "fr;q=0.9, de-AT;q=0.8, en;q=0.5").code == "de"
    assert chosen("en", "de").code == "en"
    assert chosen(None, "xx;q=nonsense").code == "en"
    assert LANGUAGES["de"].number(1234567.5) == "1.234.567,5"
    assert LANGUAGES["en"].number(-1234) == "\N{MINUS SIGN}1,234"
    browser = Browser(house.organisation.server)
    page = browser.get("/console/sign-in", **{"Accept-Language": "de-DE,de;q=0.9"}).text
    assert '<html lang="de">' in page
    assert headings(page) == ["Anmelden"]


def test_the_chosen_language_stays(house):
    """Somebody's own choice counts before the browser's."""
    person, browser = house.person(), Browser(house.organisation.server)
    browser.sign_in(person)
    browser.get("/console/settings")
    fields = {"email": person.email, "name": "Ada", "language": "de"}
    assert browser.post("/console/settings/details", **fields).status_code == 303
    assert headings(browser.get("/console/learners").text) == ["Lernende"]


@pytest.mark.parametrize("path", ["/console", "/console/sign-in", "/console/nothing/here"])
def test_pages_may_do_little_in_a_browser(house, path):
    """Nothing inline, nothing from elsewhere, never in a frame, and kept by nobody."""
    browser = house.browser(None if path == "/console/sign-in" else "admin")
    answer = browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    if answer.status_code == 200:
        assert answer.headers["cache-control"] == "no-store"


def test_templates_have_nothing_inline():
    """No style, script or handler stands in a page: the policy of the edge would refuse it."""
    for file in TEMPLATES.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)|\|\s*safe\b", text), (
            file.name
        )


def test_what_learners_are_called_runs_nowhere(house):
    """A name, reason, source or course that holds script is shown as what it is, on every page."""
    api = house.organisation.api
    api.post("/v1/users", {"user_id": "x1", "name": SCRIPT, "email": "x1@example.org"})
    api.post("/v1/points/award", {"user_id": "x1", "points": 5, "reason": SCRIPT})
    api.event("course.completed", "x1", properties={"course_id": SCRIPT, "course_title": SCRIPT})
    entry = api.get("/v1/users/x1/ledger").json()["entries"][0]["entry_id"]
    browser = house.browser("super_admin")
    for path in (
        "/console",
        "/console/learners",
        "/console/learners?q=%3Cscript",
        "/console/learners/x1",
        "/console/learners/x1/points",
        f"/console/learners/x1/entries/{entry}/reverse",
        "/console/audit",
        "/console/learners?q=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/console/audit?subject=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/console?toast=%3Cscript%3Ealert(1)%3C/script%3E",
    ):
        text = browser.get(path).text
        assert "<script>" not in text, path
        assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)&lt;/script&gt;", "", text), path


def test_a_form_keeps_what_was_typed(house):
    """What is wrong stands at its field, and nothing that was typed is lost."""
    house.organisation.api.event("course.completed", "ada", properties={"course_id": "1"})
    browser = house.browser()
    answer = browser.post(
        "/console/learners/ada/points", points="many", reason="helped Bert", direction="take", once="x"
    )
    assert answer.status_code == 400
    assert 'value="many"' in answer.text
    assert 'value="helped Bert"' in answer.text
    assert 'value="take" checked' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "a whole number from 1 to 1,000,000" in answer.text


def test_points_are_given_once_however_often_the_form_is_sent(house):
    """The form names itself: sent twice it gives once, and the log names who gave."""
    house.organisation.api.event("course.completed", "ada", properties={"course_id": "1"})
    browser = house.browser()
    page = browser.get("/console/learners/ada/points").text
    once = re.search(r'name="once" value="([^"]+)"', page).group(1)
    for _ in range(2):
        answer = browser.post(
            "/console/learners/ada/points", points="7", reason="helped", direction="give", once=once
        )
        assert answer.status_code == 303
    assert house.organisation.api.points("ada") == 57
    too_many = browser.post(
        "/console/learners/ada/points", points="58", reason="x", direction="take", once=""
    )
    assert too_many.status_code == 422
    (line,) = house.organisation.api.get("/v1/audit", action="points.awarded").json()["audit"]
    assert line["actor"].startswith("person:")


def test_an_entry_is_taken_back_once(house):
    """A reversal asks for a reason, and says so where it was done before."""
    api = house.organisation.api
    api.event("course.completed", "ada", properties={"course_id": "1"})
    entry = api.get("/v1/users/ada/ledger").json()["entries"][0]["entry_id"]
    browser, path = house.browser(), f"/console/learners/ada/entries/{entry}/reverse"
    assert browser.post(path, reason="").status_code == 400
    assert browser.post(path, reason="a mistake").status_code == 303
    assert api.points("ada") == 0
    assert "taken back already" in browser.get(path).text
    assert browser.post(path, reason="again").status_code == 409


def test_learners_are_found_and_paged(house):
    """By name, address or id, from the beginning; the list goes on by key."""
    api = house.organisation.api
    for number in range(55):
        api.post("/v1/users", {"user_id": f"u{number:02}", "name": f"Learner {number}"})
    browser = house.browser()
    first = browser.get("/console/learners").text
    assert first.count('<th scope="row">') == 50
    following = re.search(r'href="(/console/learners\?before=[^"]+)"', first).group(1)
    assert browser.get(following).text.count('<th scope="row">') == 5
    assert browser.get("/console/learners?q=learner 7").text.count('<th scope="row">') == 1
    assert "Nobody begins with" in browser.get("/console/learners?q=zz").text


def test_a_key_is_shown_once(house):
    """A new key's secret stands on the page that made it, works, and fails once it is revoked."""
    browser = house.browser()
    assert browser.post("/console/settings/keys", name="x").status_code == 400
    page = browser.post("/console/settings/keys", name="timetable", **{"scope.read": "yes"}).text
    secret = re.search(r"rk_live_\w{48}", page).group(0)
    client = house.organisation.server.client
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/v1/events", headers=headers).status_code == 200
    listed = browser.get("/console/settings/keys").text
    assert secret not in listed
    (key_id,) = re.findall(rf"{secret[:12]}….*?/console/settings/keys/([^/]+)/revoke", listed, re.S)
    assert browser.post(f"/console/settings/keys/{key_id}/revoke").status_code == 303
    assert client.get("/v1/events", headers=headers).status_code == 401


def test_the_overview_counts_what_there_is(house):
    """Points by day and rule are in the chart and in the table; what waits is named with what to do."""
    api = house.organisation.api
    for number in range(6):
        api.event("course.completed", f"u{number}", properties={"course_id": "1"})
    api.patch("/v1/organisation", {"unknown_learner": "hold"})
    api.event("course.completed", "stranger", properties={"course_id": "1"})
    text = house.browser().get("/console").text
    assert "<dd>300<small>" in text
    assert text.count('<rect class="s0" x=') == 1
    assert '<td class="number">300</td>' in text
    assert "rocket events retry --status held" in text


def test_the_log_is_filtered(house):
    """By action, who, subject and day; a learner's lines lead to the learner."""
    api = house.organisation.api
    api.post("/v1/points/award", {"user_id": "ada", "points": 5, "reason": "x"})
    api.patch("/v1/organisation", {"weekly_goal": 77})
    browser = house.browser()
    rows = lambda path: re.findall(r"<code>(\w+\.\w+)</code></td>", browser.get(path).text)  # noqa: E731
    assert "organisation.changed" in rows("/console/audit")
    assert rows("/console/audit?action=points.awarded") == ["points.awarded"]
    assert rows("/console/audit?subject=user:ada") == ["points.awarded"]
    assert rows("/console/audit?until=2001-01-01") == []
    assert rows("/console/audit?since=nonsense")
    assert 'href="/console/learners/ada"' in browser.get("/console/audit?action=points.awarded").text


def test_files_are_kept_by_browsers_and_small(house):
    """Each has an address that changes with its content; all of them together take few bytes."""
    text = house.browser().get("/console").text
    paths = set(re.findall(r'(?:href|src)="(/console/static/[^"]+)"', text))
    assert len(paths) == 4
    total = len(text)
    for path in paths:
        answer = house.organisation.server.client.get(path)
        assert "immutable" in answer.headers["cache-control"]
        total += int(answer.headers["content-length"])
    assert total < 100_000
    assert house.organisation.server.client.get("/console/static/x/../../secret").status_code == 404
    assert house.organisation.server.client.get("/console/static/x/unknown.css").status_code == 404


def test_what_isnt_a_form_is_refused(house):
    """JSON, too much, too many fields and NUL are errors of the sender's, as a page."""
    browser = house.browser()
    path = "/console/settings/people"
    assert browser.client.post(path, json={"token": browser.token}).status_code == 415
    assert browser.client.post(path, data={"x": "y" * 70_000}).status_code == 413
    assert browser.client.post(path, data={f"f{number}": "" for number in range(300)}).status_code == 400
    assert browser.post(path, email="a\0b").status_code == 400
    assert browser.client.put(path).status_code == 405


def test_every_page_that_isnt_built_says_what_to_use():
    """Until its page is there, an entry names the way by API or command."""
    for entry in MAIN:
        if not entry.is_built:
            for language in LANGUAGES.values():
                assert language.has(f"soon.{entry.name}")
                assert language.has(f"soon.{entry.name}.example")
    assert {entry.path for entry in MAIN} <= {route.path for route in ROUTES}
