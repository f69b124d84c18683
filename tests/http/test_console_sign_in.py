"""Signing in to the console: by password, second factor and link; who is kept out, and who isn't."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pyotp

from support.console import PASSWORD, Browser

OTHER = "another good password"


def audited(house, action):
    """The lines of the audit log about an action, the latest first."""
    return house.organisation.api.get("/v1/audit", action=action).json()["audit"]


def test_a_password_signs_in_and_out(house):
    """The right password leads to the overview, and signing out ends the session for good."""
    person, browser = house.person(), Browser(house.organisation.server)
    assert browser.sign_in(person).headers["location"] == "/console"
    assert "<h1>Overview</h1>" in browser.get("/console").text
    held = browser.session
    assert browser.post("/console/sign-out").headers["location"] == "/console/sign-in"
    browser.client.cookies.set("rocket_session", held)
    assert browser.get("/console").headers["location"] == "/console/sign-in"
    started, ended = audited(house, "session.started")[0], audited(house, "session.ended")[0]
    assert started["actor"] == ended["actor"] == f"person:{person.member_id}"
    assert started["address"] == "127.0.0.1"


def test_who_isnt_signed_in_comes_back_to_where_they_wanted_to_go(house):
    """A page asks to sign in first, and is shown afterwards; another site is never the goal."""
    browser = Browser(house.organisation.server)
    to = browser.get("/console/learners").headers["location"]
    assert to == "/console/sign-in?next=%2Fconsole%2Flearners"
    browser.get(to)
    person = house.person()
    fields = {"email": person.email, "password": person.password}
    for wanted, found in [
        ("/console/learners", "/console/learners"),
        ("//evil.example/", "/console"),
        ("https://evil.example/console/", "/console"),
        ("/console/\\evil.example", "/console"),
    ]:
        fresh = Browser(house.organisation.server)
        fresh.get("/console/sign-in")
        assert fresh.post("/console/sign-in", next=wanted, **fields).headers["location"] == found


def test_a_wrong_password_says_no_more_than_that(house):
    """A wrong password and an unknown address are answered alike, and what was typed as address stays."""
    person = house.person()
    answers = []
    for email in (person.email, "nobody@example.org"):
        browser = Browser(house.organisation.server)
        browser.get("/console/sign-in")
        answer = browser.post("/console/sign-in", email=email, password="wrong password")
        assert answer.status_code == 403
        assert f'value="{email}"' in answer.text
        assert browser.session is None
        answers.append(re.sub(r'(value="|<code>)[^"<]*', "", answer.text))
    assert answers[0] == answers[1]


def test_failures_make_the_next_try_wait_and_a_known_browser_doesnt(house, owner):
    """After five failures from elsewhere the right password has to wait there, as with an unknown address;
    in a browser in which the person had signed in before it is taken at once."""
    person, known = house.person(), Browser(house.organisation.server)
    known.sign_in(person)
    known.get("/console")
    known.post("/console/sign-out")
    stranger = Browser(house.organisation.server)
    stranger.get("/console/sign-in")
    for email in (person.email, "nobody-at-all@example.org"):
        statuses = [
            stranger.post("/console/sign-in", email=email, password=f"guess {number}").status_code
            for number in range(6)
        ]
        assert statuses == [403, 403, 403, 403, 403, 429]
        owner.execute("UPDATE sign_in_failures SET waits_until = waits_until + interval '1 hour'")
    refused = stranger.post("/console/sign-in", email=person.email, password=PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 3000
    assert known.sign_in(person).status_code == 303


def test_each_failure_doubles_the_wait(house, owner):
    """Fifteen seconds after the fifth, then thirty, never more than five minutes for an address that is
    typed; after a day without one all is forgotten."""
    browser, waits = Browser(house.organisation.server), []
    browser.get("/console/sign-in")
    for _ in range(12):
        answer = browser.post("/console/sign-in", email="ada@example.org", password="wrong")
        assert answer.status_code == 403
        (row,) = owner.fetch(
            "SELECT extract(epoch FROM waits_until - failed_at)::int AS wait FROM sign_in_failures "
            "WHERE counted LIKE 'email:%'"
        )
        waits.append(row["wait"])
        owner.execute("UPDATE sign_in_failures SET waits_until = NULL")
    assert waits == [None, None, None, None, 15, 30, 60, 120, 240, 300, 300, 300]
    owner.execute("UPDATE sign_in_failures SET failed_at = failed_at - interval '1 day'")
    browser.post("/console/sign-in", email="ada@example.org", password="wrong")
    assert owner.value("SELECT failures FROM sign_in_failures WHERE counted LIKE 'email:%'") == 1


def test_many_guesses_at_once_are_counted_as_well(house, portal):
    """Forty at the same time are judged no more than five: each is counted before it is compared."""
    person, browser = house.person(), Browser(house.organisation.server)
    browser.get("/console/sign-in")

    def guess(number):
        return browser.client.post(
            "/console/sign-in",
            data={"token": browser.token, "email": person.email, "password": f"guess {number}"},
        ).status_code

    with ThreadPoolExecutor(20) as executor:
        statuses = list(executor.map(guess, range(40)))
    assert sorted(set(statuses)) == [403, 429]
    assert statuses.count(403) == 5


def test_a_good_sign_in_takes_nothing_from_the_network(house, owner):
    """People behind one address sign in as often as they like: only failures stay counted."""
    person = house.person()
    for _ in range(3):
        assert Browser(house.organisation.server).sign_in(person).status_code == 303
    left = owner.fetch("SELECT counted, failures FROM sign_in_failures WHERE failures > 0")
    assert left == []


def test_a_session_isnt_the_one_from_before(house):
    """What a browser held before it signed in lets nobody in, and each sign-in makes another session."""
    person, browser = house.person(), Browser(house.organisation.server)
    browser.client.cookies.set("rocket_session", "chosen-by-somebody-else")
    browser.sign_in(person)
    values = [cookie.value for cookie in browser.client.cookies.jar if cookie.name == "rocket_session"]
    first = values[-1]
    assert first != "chosen-by-somebody-else"
    attacker = Browser(house.organisation.server)
    attacker.client.cookies.set("rocket_session", "chosen-by-somebody-else")
    assert attacker.get("/console").status_code == 303
    other = Browser(house.organisation.server)
    other.sign_in(person)
    assert other.session != first


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(house):
    """The session's cookie is HttpOnly and SameSite; only its hash is kept."""
    browser = Browser(house.organisation.server)
    answer = browser.sign_in(house.person())
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("rocket_session=")]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()


def test_by_https_cookies_are_bound_to_the_host(house, start_server):
    """Where the public address is https, cookies are Secure and nobody else's host can set them."""
    server = start_server("https", ROCKET_PUBLIC_URL="https://rocket.example")
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        cookie = client.get("/console/sign-in").headers["set-cookie"]
    assert cookie.startswith("__Host-rocket_visitor=")
    assert "Secure" in cookie


def test_a_session_ends_by_itself(house, owner):
    """After two hours without a request, and after twelve hours in any case."""
    for column, back in (("seen_at", timedelta(hours=2)), ("ends_at", timedelta(0))):
        person, browser = house.person(), Browser(house.organisation.server)
        browser.sign_in(person)
        assert browser.get("/console").status_code == 200
        owner.execute(
            f"UPDATE member_sessions SET {column} = $1 WHERE member_id = $2",
            datetime.now(UTC) - back - timedelta(seconds=1),
            person.member_id,
        )
        assert browser.get("/console").status_code == 303


def test_a_form_that_isnt_ours_changes_nothing(house):
    """Without the session's token, with another's, or from another site a form is refused."""
    browser, other = house.browser(), house.browser()
    path = "/console/learners/ada/points"
    house.organisation.api.event("course.completed", "ada", properties={"course_id": "1"})
    fields = {"points": "5", "reason": "x", "direction": "give"}
    for token in ("", "0" * 64, other.token):
        assert browser.post(path, token=token, **fields).status_code == 403
    data = {"token": browser.token, **fields}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert browser.client.post(path, data=data, headers=headers).status_code == 403
    assert house.organisation.api.points("ada") == 50
    assert browser.post(path, **fields).status_code == 303
    assert house.organisation.api.points("ada") == 55


def test_signing_in_needs_our_form_too(house):
    """Nobody is signed in by another site's form, as somebody else."""
    person, browser = house.person(), Browser(house.organisation.server)
    browser.get("/console/sign-in")
    for token in ("", "0" * 64):
        answer = browser.post("/console/sign-in", token=token, email=person.email, password=person.password)
        assert answer.status_code == 403
    assert browser.session is None


def test_a_changed_password_ends_all_other_sessions(house):
    """The old password is asked for; the new one holds, and the browser that changed it stays signed in."""
    person = house.person()
    first, second = Browser(house.organisation.server), Browser(house.organisation.server)
    for browser in (first, second):
        browser.sign_in(person)
        browser.get("/console/settings")
    fields = {"new_password": OTHER, "again": OTHER}
    assert first.post("/console/settings/password", old_password="wrong", **fields).status_code == 400
    before = first.session
    assert first.post("/console/settings/password", old_password=PASSWORD, **fields).status_code == 303
    assert first.session != before
    assert first.get("/console").status_code == 200
    assert second.get("/console").status_code == 303
    assert Browser(house.organisation.server).sign_in(person).status_code == 403
    assert Browser(house.organisation.server).sign_in(person, OTHER).status_code == 303
    assert len(audited(house, "member.password_changed")) == 1


def test_weak_passwords_are_refused(house):
    """Too short, of too few letters, with the own address, or not the same twice."""
    person, browser = house.person(), Browser(house.organisation.server)
    browser.sign_in(person)
    browser.get("/console/settings")
    name = person.email.partition("@")[0]
    for new, again in [
        ("short", "short"),
        ("a" * 20, "a" * 20),
        (f"my {name} password", "same"),
        (OTHER, PASSWORD),
    ]:
        again = new if again == "same" else again
        answer = browser.post(
            "/console/settings/password", old_password=PASSWORD, new_password=new, again=again
        )
        assert answer.status_code == 400, new
    assert Browser(house.organisation.server).sign_in(person).status_code == 303


def test_a_link_sets_a_password_once(house):
    """A link shows a form, however often it is looked at; once used it is good no more."""
    person = house.person()
    secret, browser = house.link(person), Browser(house.organisation.server)
    for _ in range(2):
        assert browser.get(f"/console/link/{secret}").status_code == 200
    answer = browser.post(f"/console/link/{secret}", password=OTHER, again=OTHER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert browser.get("/console").status_code == 200
    assert browser.get(f"/console/link/{secret}").status_code == 404
    fresh = Browser(house.organisation.server)
    fresh.get("/console/sign-in")
    assert fresh.post(f"/console/link/{secret}", password=PASSWORD, again=PASSWORD).status_code == 404
    assert Browser(house.organisation.server).sign_in(person, OTHER).status_code == 303


def test_a_new_link_makes_the_one_before_void(house):
    """Only the latest link of a person is good."""
    person = house.person()
    first, second = house.link(person), house.link(person)
    browser = Browser(house.organisation.server)
    assert browser.get(f"/console/link/{first}").status_code == 404
    assert browser.get(f"/console/link/{second}").status_code == 200


def with_second_factor(house):
    """Somebody with a second factor: who, its secret and recovery codes."""
    person, browser = house.person(), Browser(house.organisation.server)
    browser.sign_in(person)
    page = browser.get("/console/settings/second-factor").text
    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page).group(1)
    wrong = browser.post("/console/settings/second-factor", secret=secret, code="000000")
    assert wrong.status_code == 400
    earlier = datetime.now(UTC) - timedelta(seconds=30)
    shown = browser.post(
        "/console/settings/second-factor", secret=secret, code=pyotp.TOTP(secret).at(earlier)
    )
    codes = re.findall(r"<li>((?:[a-z2-9]{4}-){3}[a-z2-9]{4})</li>", shown.text)
    assert len(codes) == 10
    return person, secret, codes


def test_a_second_factor_is_asked_for_and_each_code_is_good_once(house):
    """With the password alone no page opens; a code of the app opens them, once; a recovery code, too."""
    person, secret, codes = with_second_factor(house)
    browser = Browser(house.organisation.server)
    answer = browser.sign_in(person)
    assert answer.headers["location"].startswith("/console/sign-in/code")
    assert browser.get("/console/learners").headers["location"] == "/console/sign-in/code"
    browser.get("/console/sign-in/code")
    half = browser.session
    assert browser.post("/console/settings/sessions/end").status_code == 303
    assert browser.get("/console").status_code == 303
    browser.get("/console/sign-in/code")
    code = pyotp.TOTP(secret).now()
    assert browser.post("/console/sign-in/code", code=code).headers["location"] == "/console"
    assert browser.session != half
    assert browser.get("/console").status_code == 200

    again = Browser(house.organisation.server)
    again.sign_in(person)
    again.get("/console/sign-in/code")
    assert again.post("/console/sign-in/code", code=code).status_code == 400
    assert again.post("/console/sign-in/code", code=codes[0].upper()).status_code == 303
    third = Browser(house.organisation.server)
    third.sign_in(person)
    third.get("/console/sign-in/code")
    assert third.post("/console/sign-in/code", code=codes[0]).status_code == 400


def test_codes_can_not_be_guessed_on_and_on(house):
    """After five wrong codes the right one has to wait as well."""
    person, _, codes = with_second_factor(house)
    browser = Browser(house.organisation.server)
    browser.sign_in(person)
    browser.get("/console/sign-in/code")
    for number in range(5):
        assert browser.post("/console/sign-in/code", code=f"{number:06}").status_code == 400
    assert browser.post("/console/sign-in/code", code=codes[0]).status_code == 429


def test_a_link_doesnt_replace_the_second_factor(house):
    """Whoever gets hold of a link to reset the password still needs the code."""
    person, _, codes = with_second_factor(house)
    browser, secret = Browser(house.organisation.server), house.link(person)
    browser.get(f"/console/link/{secret}")
    answer = browser.post(f"/console/link/{secret}", password=OTHER, again=OTHER)
    assert answer.headers["location"] == "/console/sign-in/code"
    assert browser.get("/console").status_code == 303
    browser.get("/console/sign-in/code")
    assert browser.post("/console/sign-in/code", code=codes[0]).status_code == 303


def test_the_second_factor_goes_with_the_password_only(house):
    """Who sits at an open browser can't switch it off without the password."""
    person, secret, _ = with_second_factor(house)
    browser = Browser(house.organisation.server)
    browser.sign_in(person)
    browser.get("/console/sign-in/code")
    browser.post("/console/sign-in/code", code=pyotp.TOTP(secret).now())
    browser.get("/console/settings")
    assert browser.post("/console/settings/second-factor/remove", password="wrong").status_code == 400
    assert browser.post("/console/settings/second-factor/remove", password=PASSWORD).status_code == 303
    assert Browser(house.organisation.server).sign_in(person).headers["location"] == "/console"


def test_sessions_are_listed_and_ended(house):
    """Somebody sees where they are signed in and ends it there; nobody ends another's session."""
    person = house.person()
    first, second = Browser(house.organisation.server), Browser(house.organisation.server)
    first.sign_in(person)
    second.sign_in(person)
    page = first.get("/console/settings").text
    (session_id,) = re.findall(r'name="session_id" value="([^"]+)"', page)
    stranger = house.browser()
    assert stranger.post("/console/settings/sessions/end", session_id=session_id).status_code == 404
    assert second.get("/console").status_code == 200
    assert first.post("/console/settings/sessions/end", session_id=session_id).status_code == 303
    assert second.get("/console").status_code == 303
    assert first.get("/console").status_code == 200
