"""Webhooks as an administrator sets them."""

from __future__ import annotations

import base64
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rocket_server.delivery.endpoints import MAX_WEBHOOKS
from rocket_server.organisations import keys
from support.organisation import Api

URL = "https://receiver.example/hook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOBODY = "00000000-0000-7000-8000-000000000009"


def create(organisation, **fields):
    return organisation.api.post("/v1/webhooks", {"url": URL, "events": ["*"], **fields})


def made(organisation, **fields):
    response = create(organisation, **fields)
    assert response.status_code == 201, response.text
    return response.json()


def delete(organisation, webhook_id):
    return organisation.api.request("DELETE", f"/v1/webhooks/{webhook_id}")


def test_a_new_webhook_shows_its_secret_once(organisation):
    """Creating answers 201 with the defaults and a secret of 32 random bytes, which no later answer has."""
    webhook = made(organisation)
    secret = webhook.pop("secret")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]+=*", secret)
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert (webhook["format"], webhook["timeout_s"], webhook["max_attempts"]) == ("rocket", 10, 4)
    assert (webhook["enabled"], webhook["throttle_per_s"], webhook["filters"]) == (True, None, {})
    assert webhook["state"] == {
        "breaker": "closed",
        "failures": 0,
        "retry_at": None,
        "failing_since": None,
        "waiting": 0,
        "exhausted": 0,
        "counted_up_to": 10_000,
        "last_attempt": None,
        "recovery": None,
    }
    (shown,) = webhook["secrets"]
    assert secret.startswith(shown["prefix"].rstrip("…"))
    read = organisation.api.get(f"/v1/webhooks/{webhook['id']}")
    assert read.json() == webhook
    listed = organisation.api.get("/v1/webhooks")
    assert [item["id"] for item in listed.json()["webhooks"]] == [webhook["id"]]
    assert secret not in read.text + listed.text


def test_everything_can_be_set(organisation):
    """What is sent is what is answered; names that occur twice are kept once, headers are masked."""
    fields = {
        "description": "Grades to the SIS — été",
        "events": ["quiz.*", "course.completed", "nobody.knows_this", "quiz.*"],
        "filters": {"properties.course_id": {"in": ["12"]}, "points_awarded": {"gt": 0}},
        "format": "assessment",
        "headers": {"Authorization": "Bearer very-secret", "X-Team": "north"},
        "timeout_s": 0.5,
        "max_attempts": 20,
        "throttle_per_s": 2.5,
        "enabled": False,
        "secret": SECRET,
    }
    response = create(organisation, **fields)
    webhook = response.json()
    assert webhook.pop("secret") == SECRET
    expected = {name: value for name, value in fields.items() if name != "secret"}
    expected |= {
        "events": ["quiz.*", "course.completed", "nobody.knows_this"],
        "headers": {"Authorization": "***", "X-Team": "***"},
    }
    assert {name: webhook[name] for name in expected} == expected
    assert webhook["disabled_reason"] == "by_hand"
    assert "very-secret" not in response.text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "ftp://receiver.example/"}, "url"),
        ({"url": "https://user:word@receiver.example/"}, "url"),
        ({"url": "https://receiver.example/#part"}, "url"),
        ({"url": "http://127.0.0.1:9/"}, "url"),
        ({"url": "http://2130706433/"}, "url"),
        ({"url": "http://localhost/"}, "url"),
        ({"url": "https://receiver.example/\x00"}, "url"),
        ({"url": 7}, "url"),
        ({"url": None}, "url"),
        ({"events": []}, "events"),
        ({"events": "*"}, "events"),
        ({"events": ["Course.Completed"]}, "events[0]"),
        ({"events": ["*", "quiz."]}, "events[1]"),
        ({"events": ["quiz.*.more"]}, "events[0]"),
        ({"events": ["*"] * 101}, "events"),
        ({"filters": {"score": {"above": 3}}}, "filters.score.above"),
        ({"filters": {"title": {"matches": "(?=a)b"}}}, "filters.title.matches"),
        ({"filters": []}, "filters"),
        ({"format": "xml"}, "format"),
        ({"headers": {"Content-Type": "text/plain"}}, "headers.Content-Type"),
        ({"headers": {"webhook-id": "1"}}, "headers.webhook-id"),
        ({"headers": {"Webhook-More": "1"}}, "headers.Webhook-More"),
        ({"headers": {"X-Signature": "1"}}, "headers.X-Signature"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "headers.Transfer-Encoding"),
        ({"headers": {"with blank": "1"}}, "headers.with blank"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers.X-A"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers.x-a"),
        ({"headers": {"X-A": "***"}}, "headers.X-A"),
        ({"headers": {"X-A": 1}}, "headers.X-A"),
        ({"headers": {f"X-{number}": "1" for number in range(21)}}, "headers"),
        ({"timeout_s": 0.05}, "timeout_s"),
        ({"timeout_s": 61}, "timeout_s"),
        ({"timeout_s": True}, "timeout_s"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_attempts": 1.5}, "max_attempts"),
        ({"throttle_per_s": 0}, "throttle_per_s"),
        ({"throttle_per_s": 1e300}, "throttle_per_s"),
        ({"enabled": "yes"}, "enabled"),
        ({"enabled": None}, "enabled"),
        ({"description": "x" * 501}, "description"),
        ({"description": "a\x00"}, "description"),
        ({"secret": "short"}, "secret"),
        ({"secret": "whsec_" + base64.b64encode(b"x" * 23).decode()}, "secret"),
        ({"secret": "whsec_" + base64.b64encode(b"x" * 65).decode()}, "secret"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_faulty_webhook_is_refused(organisation, fields, field):
    """What a webhook can't have is named, and no webhook is made."""
    response = create(organisation, **fields)
    assert response.status_code == 400, response.text
    assert response.json()["details"]["field"] == field
    assert organisation.api.get("/v1/webhooks").json()["webhooks"] == []


def test_one_answer_names_every_fault(organisation):
    """All faulty fields at once, and for one that isn't known the one that was probably meant."""
    response = organisation.api.post(
        "/v1/webhooks", {"evnets": ["*"], "timeout_s": 0, "headers": {"Host": "x"}, "format": "xml"}
    )
    errors = {error["path"]: error["message"] for error in response.json()["details"]["errors"]}
    assert errors.keys() == {"url", "events", "evnets", "timeout_s", "headers.Host", "format"}
    assert "did you mean events?" in errors["evnets"]


def test_private_urls_are_a_setting(caller):
    """With ROCKET_ALLOW_PRIVATE_WEBHOOKS=1 the same server takes what is refused without it."""
    assert create(caller, url="http://127.0.0.1:9/").status_code == 201


def test_a_change_leaves_what_was_not_sent(organisation):
    """PATCH changes what it names; null stands for the default, and a masked header keeps its value."""
    webhook = made(organisation, headers={"Authorization": "Bearer one", "X-B": "b"}, throttle_per_s=5)
    path = f"/v1/webhooks/{webhook['id']}"
    changed = organisation.api.patch(path, {"description": "new", "throttle_per_s": None}).json()
    assert (changed["description"], changed["throttle_per_s"]) == ("new", None)
    assert changed["headers"] == {"Authorization": "***", "X-B": "***"}
    changed = organisation.api.patch(path, {"headers": {"authorization": "***", "X-C": "c"}}).json()
    assert changed["headers"] == {"authorization": "***", "X-C": "***"}
    assert changed["description"] == "new"


def test_kept_headers_are_really_kept(organisation, owner):
    """What stands behind a mask is the value that was set, also after it was sent back masked."""
    webhook = made(organisation, headers={"Authorization": "Bearer one"})
    organisation.api.patch(f"/v1/webhooks/{webhook['id']}", {"headers": {"Authorization": "***"}})
    stored = owner.value("SELECT headers::text FROM endpoints WHERE endpoint_id = $1", webhook["id"])
    assert stored == '{"Authorization": "Bearer one"}'


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"secret": SECRET}, "secret"),
        ({"url": None}, "url"),
        ({"events": None}, "events"),
        ({"id": "x"}, "id"),
        ({"url": "http://10.0.0.1/"}, "url"),
    ],
    ids=str,
)
def test_a_faulty_change_changes_nothing(organisation, change, field):
    """A 400 names the field, and everything is as before."""
    webhook = made(organisation)
    path = f"/v1/webhooks/{webhook['id']}"
    before = organisation.api.get(path).json()
    response = organisation.api.patch(path, {"description": "changed", **change})
    assert (response.status_code, response.json()["details"]["field"]) == (400, field)
    assert organisation.api.get(path).json() == before


def test_changes_at_the_same_time_are_all_kept(organisation):
    """Each of several PATCHes at once names another field, and none undoes another."""
    path = f"/v1/webhooks/{made(organisation)['id']}"
    changes = [
        {"description": "one"},
        {"timeout_s": 3},
        {"max_attempts": 7},
        {"throttle_per_s": 9},
        {"format": "assessment"},
        {"events": ["quiz.*"]},
        {"headers": {"X-A": "a"}},
        {"filters": {"score": {"gt": 3}}},
    ]
    with ThreadPoolExecutor(len(changes)) as threads:
        responses = list(threads.map(lambda change: organisation.api.patch(path, change), changes))
    assert [response.status_code for response in responses] == [200] * len(changes)
    webhook = organisation.api.get(path).json()
    expected = {name: value for change in changes for name, value in change.items()}
    assert {name: webhook[name] for name in expected} == expected | {"headers": {"X-A": "***"}}


def test_disabling_and_enabling(organisation, owner):
    """Disabled by hand it says so; enabling closes the breaker and forgets how long it has failed."""
    webhook_id = made(organisation)["id"]
    path = f"/v1/webhooks/{webhook_id}"
    disabled = organisation.api.patch(path, {"enabled": False}).json()
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "by_hand")
    again = organisation.api.patch(path, {"enabled": False}).json()
    assert again["disabled_at"] == disabled["disabled_at"]
    owner.execute(
        "UPDATE endpoint_states SET breaker = 'open', failures = 9, retry_at = now() + interval '1 h',"
        " failing_since = now(), warned_at = now() WHERE endpoint_id = $1",
        webhook_id,
    )
    assert organisation.api.get(path).json()["state"]["breaker"] == "open"
    enabled = organisation.api.patch(path, {"enabled": True}).json()
    assert (enabled["enabled"], enabled["disabled_reason"], enabled["disabled_at"]) == (True, None, None)
    state = enabled["state"]
    assert (state["breaker"], state["failures"], state["retry_at"]) == ("closed", 0, None)
    assert state["failing_since"] is None
    assert owner.value("SELECT warned_at FROM endpoint_states WHERE endpoint_id = $1", webhook_id) is None


def test_a_change_counts_everywhere_from_the_next_event_on(organisation, second_server, owner):
    """What one process sets decides what the other queues: made, filtered, disabled, deleted."""
    other = organisation.on(second_server)
    count = "SELECT count(*) FROM deliveries WHERE endpoint_id = $1"

    def queued(webhook_id, number, **properties):
        before = owner.value(count, webhook_id)
        other.api.event("course.viewed", timestamp=1772445600 + number, properties=properties)
        return owner.value(count, webhook_id) - before

    other.api.event("course.viewed")  # so that the other process remembers the organisation
    webhook_id = made(organisation, events=["course.*"])["id"]
    path = f"/v1/webhooks/{webhook_id}"
    assert queued(webhook_id, 1) == 1
    organisation.api.patch(path, {"filters": {"course_id": "12", "points_awarded": {"gte": 0}}})
    assert queued(webhook_id, 2, course_id="11") == 0
    assert queued(webhook_id, 3, course_id="12") == 1
    organisation.api.patch(path, {"filters": {"points_awarded": {"gt": 1000}}})
    assert queued(webhook_id, 4) == 0
    organisation.api.patch(path, {"filters": None, "enabled": False})
    assert queued(webhook_id, 5) == 0
    organisation.api.patch(path, {"enabled": True, "events": ["quiz.*"]})
    assert queued(webhook_id, 6) == 0
    organisation.api.patch(path, {"events": ["course.viewed"]})
    assert queued(webhook_id, 7) == 1
    delete(organisation, webhook_id)
    assert queued(webhook_id, 8) == 0


def test_manual_awards_are_filtered_too(organisation, owner):
    """`points.awarded` of an award by hand meets the same filters, by learner, reason and points."""
    big = made(organisation, events=["points.awarded"], filters={"points_awarded": {"gte": 100}})["id"]
    anna = made(organisation, events=["*"], filters={"user_id": "anna", "reason": "help"})["id"]
    for user_id, points, reason in (("anna", 5, "help"), ("anna", 500, "prize"), ("bert", 100, "help")):
        body = {"user_id": user_id, "points": points, "reason": reason}
        assert organisation.api.post("/v1/points/award", body).status_code == 200
    count = "SELECT count(*) FROM deliveries WHERE endpoint_id = $1"
    assert (owner.value(count, big), owner.value(count, anna)) == (2, 1)


def test_deleting_leaves_nothing_that_could_be_sent_or_seen(organisation, owner):
    """A deleted webhook is a 404, with its deliveries; its secrets, state and recoveries are gone."""
    webhook_id = made(organisation)["id"]
    organisation.api.event("course.viewed")
    delivery_id = organisation.api.get(f"/v1/webhooks/{webhook_id}/deliveries").json()["deliveries"][0]["id"]
    recovery = organisation.api.post(f"/v1/webhooks/{webhook_id}/recover", {"since": time.time() - 60})
    assert recovery.status_code == 201
    response = delete(organisation, webhook_id)
    assert (response.status_code, response.content) == (204, b"")
    assert organisation.api.get(f"/v1/webhooks/{webhook_id}").status_code == 404
    assert organisation.api.get(f"/v1/deliveries/{delivery_id}").status_code == 404
    assert organisation.api.post(f"/v1/deliveries/{delivery_id}/redeliver").status_code == 404
    assert delete(organisation, webhook_id).status_code == 404
    for table in ("endpoints", "endpoint_secrets", "endpoint_states", "recoveries"):
        assert owner.value(f"SELECT count(*) FROM {table} WHERE endpoint_id = $1", webhook_id) == 0


def test_webhooks_are_bounded_and_paged(organisation):
    """The hundredth is made, the next is a 409 that says what to do; pages show each once."""
    ids = [made(organisation, description=str(number))["id"] for number in range(MAX_WEBHOOKS)]
    refused = create(organisation)
    assert (refused.status_code, refused.json()["error"]) == (409, "conflict")
    assert "Delete" in refused.json()["message"]
    seen, cursor = [], None
    while True:
        answer = organisation.api.get("/v1/webhooks", limit=30, **({"cursor": cursor} if cursor else {}))
        seen += [webhook["id"] for webhook in answer.json()["webhooks"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == ids
    delete(organisation, ids[0])
    assert create(organisation).status_code == 201


def test_the_hundredth_is_made_once(organisation):
    """Requests at the same time don't get past the bound."""
    for _ in range(MAX_WEBHOOKS - 3):
        made(organisation)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: create(organisation).status_code, range(8)))
    assert sorted(statuses) == [201] * 3 + [409] * 5


@pytest.mark.parametrize("webhook_id", ["nonsense", NOBODY, "%00"])
def test_an_unknown_webhook_is_not_found(organisation, webhook_id):
    """Whatever is asked of a webhook that isn't there is a 404."""
    path = f"/v1/webhooks/{webhook_id}"
    api = organisation.api
    assert api.get(path).status_code == 404
    assert api.patch(path, {}).status_code == 404
    assert delete(organisation, webhook_id).status_code == 404
    for action in ("test", "rotate-secret", "retire-secret"):
        assert api.post(f"{path}/{action}").status_code == 404
    assert api.post(f"{path}/recover", {"since": 1772445600}).status_code == 404
    assert api.get(f"{path}/recoveries").status_code == 404
    assert api.get(f"{path}/deliveries").status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b'{"url":"\\ud800"}'])
def test_a_body_that_is_no_object_is_refused(organisation, body):
    """An empty body, a list, null, broken JSON: a 400, for new webhooks and for changes."""
    webhook_id = made(organisation)["id"]
    for method, path in (("POST", "/v1/webhooks"), ("PATCH", f"/v1/webhooks/{webhook_id}")):
        assert organisation.api.request(method, path, content=body).status_code == 400


def test_scopes(organisation, portal, store):
    """With `read` one may look, and change nothing."""

    async def make():
        async with store.transaction() as conn:
            return (await keys.create(conn, organisation.model, name="reader", scopes=["read"]))[0]

    webhook_id = made(organisation)["id"]
    reader = Api(organisation.server.client, portal.call(make))
    path = f"/v1/webhooks/{webhook_id}"
    for looked_at in ("/v1/webhooks", path, f"{path}/deliveries", f"{path}/recoveries"):
        assert reader.get(looked_at).status_code == 200
    assert reader.post("/v1/webhooks", {"url": URL, "events": ["*"]}).status_code == 403
    assert reader.patch(path, {}).status_code == 403
    assert reader.request("DELETE", path).status_code == 403
    for action in ("test", "rotate-secret", "retire-secret", "recover"):
        assert reader.post(f"{path}/{action}", {}).status_code == 403
    assert reader.post(f"/v1/deliveries/{NOBODY}/redeliver").status_code == 403
