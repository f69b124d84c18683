"""The hook: who may send, from where, in which form, and what the administrator sees of it."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json

import pytest

SECRET = "a secret of the platform's own"


def login(number=1, user="9"):
    return json.dumps(
        {
            "eventname": "\\core\\event\\user_loggedin",
            "id": str(number),
            "userid": user,
            "courseid": "0",
            "timecreated": "1772445600",
        }
    )


OWN = {"event": "course.completed", "user_id": "7", "timestamp": 1772445600, "properties": {"course_id": "1"}}


def create(organisation, **fields):
    response = organisation.api.post("/v1/sources", fields)
    assert response.status_code == 201, response.text
    return response.json()


def post(organisation, addressed, body, **headers):
    return organisation.server.client.post(
        f"/api/public/hook/{addressed}/event",
        content=body,
        headers={"Content-Type": "application/json", **headers},
    )


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_the_answer_of_the_hook(organisation):
    """Status, our id, time and points; always 200 for what was taken, and the learner is the source's."""
    response = organisation.hook(login())
    assert response.status_code == 200
    answer = response.json()
    assert (answer["status"], answer["points_awarded"]) == ("success", 5)
    assert answer.keys() == {"status", "event_id", "processed_at", "points_awarded"}
    assert organisation.hook(login()).json()["status"] == "duplicate"
    assert organisation.api.points("moodle:9") == 5


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("authorized", [True, False])
def test_only_post_is_for_the_hook(organisation, method, authorized):
    """Every other method is a 405 in JSON, with or without a token."""
    headers = bearer(organisation.moodle.token) if authorized else {}
    response = organisation.server.client.request(method, organisation.moodle.path, headers=headers)
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/json"
    if method != "HEAD":
        assert response.json()["error"] == "method_not_allowed"


def test_a_token_belongs_to_its_kind(organisation, make_organisation):
    """A token sent to another kind's address is a 403; the source's slug is as good as its kind."""
    token = bearer(organisation.moodle.token)
    for addressed in ("openlms", "custom", "test", "thinkific", make_organisation().moodle.slug):
        response = post(organisation, addressed, login(), **token)
        assert (response.status_code, response.json()["error"]) == (403, "forbidden")
    assert post(organisation, organisation.moodle.slug, login(), **token).status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic x", "Bearer"])
def test_no_good_token_is_a_401(organisation, authorization):
    """Without a token that fits, nothing is stored or logged; an API key is no token."""
    headers = {} if authorization is None else {"Authorization": authorization}
    assert post(organisation, "moodle", login(), **headers).status_code == 401
    assert post(organisation, "moodle", login(), **bearer(organisation.key)).status_code == 401
    path = f"/v1/sources/{organisation.moodle.source_id}/requests"
    assert organisation.api.get(path).json()["requests"] == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""]
)
def test_the_content_type_may_be_wrong(organisation, content_type):
    """The body tells its form; Content-Type is what an administrator typed, or nothing."""
    assert organisation.hook(login(), **{"Content-Type": content_type}).json()["status"] == "success"


def test_a_form_is_read(organisation):
    """A form body is read whatever is said of it."""
    form = "eventname=%5Ccore%5Cevent%5Cuser_loggedin&id=4&userid=9&courseid=0&timecreated=1772445600"
    for content_type in ("application/x-www-form-urlencoded", "application/json"):
        answer = organisation.hook(form, **{"Content-Type": content_type}).json()
    assert answer["status"] == "duplicate"
    assert organisation.api.points("moodle:9") == 5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"[]", "object"),
        (b"{", "JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"eventname": "\\\\core\\\\event\\\\user_loggedin"}', "id"),
        (b'{"id": 1, "userid": , "eventname": "x"}', "quotes"),
        (b'{"a": NaN}', "JSON"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b"[" * 10_000, "deep"),
    ],
    ids=["empty", "array", "cut", "not UTF-8", "no id", "no quotes", "NaN", "NUL", "deep"],
)
def test_an_unreadable_body_is_refused_and_kept(organisation, body, words):
    """A body that can't be read is a 400 and stays in the request log, with the reason in words."""
    response = organisation.hook(body)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_payload")
    path = f"/v1/sources/{organisation.moodle.source_id}/requests"
    (logged,) = organisation.api.get(path).json()["requests"]
    assert (logged["status"], logged["outcome"], logged["event_id"]) == (400, "refused", None)
    assert words in logged["reason"]
    assert logged["reason"] == response.json()["message"]
    assert organisation.api.get("/v1/events").json()["events"] == []


def test_the_request_log_shows_what_came_of_each_request(organisation):
    """The last requests, the latest first, with outcome, address and event; secrets in a body are masked."""
    secret = "hunter2-hunter2"
    organisation.hook(login(1))
    organisation.hook(login(1))
    organisation.hook(login(2, user="2"))
    organisation.hook(login(3)[:-1] + f', "password": "{secret}", "api_key": "{secret}"}}')
    path = f"/v1/sources/{organisation.moodle.source_id}/requests"
    logged = organisation.api.get(path).json()["requests"]
    assert [row["outcome"] for row in logged] == ["processed", "ignored", "duplicate", "processed"]
    assert [row["status"] for row in logged] == [200] * 4
    assert logged[2]["event_id"] == logged[3]["event_id"]
    assert logged[1]["reason"].startswith("staff:")
    assert {row["address"] for row in logged} == {"127.0.0.1"}
    assert logged[3]["body"] == login(1)
    assert secret not in json.dumps(logged)
    first = organisation.api.get(path, limit=3).json()
    rest = organisation.api.get(path, limit=3, cursor=first["next_cursor"]).json()
    assert [*first["requests"], *rest["requests"]] == logged


@pytest.mark.parametrize("header", ["X-Signature", "X-Thinkific-Hmac-Sha256"])
@pytest.mark.parametrize("prefix", ["sha256=", ""])
def test_a_source_that_signs_is_addressed_by_its_slug(organisation, header, prefix):
    """The HMAC of the raw body under one of the source's secrets opens the slug, and nothing else."""
    source = create(organisation, kind="test", hmac_secret=SECRET)
    body = json.dumps(OWN).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    good = {header: prefix + signature}
    assert post(organisation, source["slug"], body, **good).json()["points_awarded"] == 50
    assert post(organisation, source["slug"], body + b" ", **good).status_code == 401
    assert post(organisation, source["slug"], body, **{header: prefix + "0" * 64}).status_code == 401
    assert post(organisation, source["slug"], body, **{header: ""}).status_code == 401
    assert post(organisation, "test", body, **good).status_code == 401
    assert post(organisation, "test-0000000000000000", body, **good).status_code == 401
    assert organisation.api.points("test:7") == 50


def test_a_signing_secret_is_rotated_without_a_gap(organisation):
    """Both secrets work until the old one is revoked; then it fails at the next request."""
    source = create(organisation, kind="test", hmac_secret=SECRET)
    path = f"/v1/sources/{source['source_id']}/rotate"
    new = organisation.api.post(path, {"kind": "hmac_secret"}).json()["hmac_secret"]
    body = json.dumps(OWN).encode()

    def sent_with(secret):
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return post(organisation, source["slug"], body, **{"X-Signature": signature}).status_code

    assert (sent_with(SECRET), sent_with(new)) == (200, 200)
    response = organisation.api.post(
        path, {"kind": "hmac_secret", "revoke": source["credentials"][0]["credential_id"]}
    )
    assert response.status_code == 201
    assert (sent_with(SECRET), sent_with(new)) == (401, 200)


def test_addresses_outside_the_list_are_refused(make_organisation, start_server):
    """A listed range lets its addresses in; X-Forwarded-For counts only behind a trusted proxy."""
    direct = make_organisation()
    proxied = direct.on(start_server("behind a proxy", ROCKET_TRUSTED_PROXIES="127.0.0.1/32,10.0.0.0/8"))
    path = f"/v1/sources/{direct.moodle.source_id}"
    assert direct.api.patch(path, {"allowed_cidrs": ["192.0.2.0/24", "2001:db8::/32"]}).status_code == 200
    cases = [
        (direct, {}, 403),
        (direct, {"X-Forwarded-For": "192.0.2.7"}, 403),
        (proxied, {}, 403),
        (proxied, {"X-Forwarded-For": "192.0.2.7"}, 200),
        (proxied, {"X-Forwarded-For": "2001:db8::5"}, 200),
        (proxied, {"X-Forwarded-For": "192.0.2.7, 10.1.2.3"}, 200),
        (proxied, {"X-Forwarded-For": "192.0.2.7, 203.0.113.9"}, 403),
        (proxied, {"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}, 200),
        (proxied, {"X-Forwarded-For": "nonsense"}, 403),
        (proxied, {"X-Forwarded-For": ""}, 403),
    ]
    for number, (organisation, headers, status) in enumerate(cases):
        response = organisation.hook(login(number + 1), **headers)
        assert response.status_code == status, headers
    logged = direct.api.get(f"{path}/requests").json()["requests"]
    assert len(logged) == len(cases)
    refused = [row for row in logged if row["status"] == 403]
    assert {row["address"] for row in refused} == {"127.0.0.1", "203.0.113.9"}
    assert "203.0.113.9" in next(row["reason"] for row in refused if row["address"] == "203.0.113.9")


def test_a_custom_platform_is_read_by_its_mapping(organisation):
    """A mapping of paths turns a body of any form into an event of ours."""
    mappings = {
        "event": "$.type",
        "user_id": "$.actor.id",
        "timestamp": "$.at",
        "event_id": "$.id",
        "properties": {"course_id": "$.course"},
    }
    source = create(organisation, kind="custom", name="lms", mappings=mappings)
    body = {
        "type": "course.completed",
        "actor": {"id": 5},
        "at": "2026-03-02T10:00:00Z",
        "id": 1,
        "course": 3,
    }
    answer = post(organisation, "custom", json.dumps(body), **bearer(source["token"])).json()
    assert (answer["status"], answer["points_awarded"]) == ("success", 50)
    assert organisation.api.points("lms:5") == 50


def test_a_test_source_takes_our_own_spelling(organisation):
    """The kind `test` takes a flat event; the learner is the source's."""
    source = create(organisation, kind="test")
    response = post(organisation, "test", json.dumps(OWN), **bearer(source["token"]))
    assert response.json()["status"] == "success"
    assert organisation.api.points("test:7") == 50


def test_openlms_sends_what_moodle_sends(organisation):
    """OpenLMS is Moodle with another name: the same body, learners of its own."""
    source = create(organisation, kind="openlms")
    assert post(organisation, "openlms", login(), **bearer(source["token"])).json()["points_awarded"] == 5
    assert organisation.api.points("openlms:9") == 5
    assert organisation.api.points("moodle:9") == 0


def test_a_gzipped_hook_body_is_read(organisation):
    """Content-Encoding gzip is unpacked; the request log shows the text."""
    body = gzip.compress(login().encode())
    assert organisation.hook(body, **{"Content-Encoding": "gzip"}).json()["status"] == "success"
    path = f"/v1/sources/{organisation.moodle.source_id}/requests"
    assert organisation.api.get(path).json()["requests"][0]["body"] == login()


def test_validation_says_what_a_body_would_become(organisation):
    """The validation endpoints answer event, decisions and faults, and store nothing, not even the site."""
    body = json.dumps(json.loads(login()) | {"wwwroot": "http://one.example"})
    client = organisation.server.client
    token, key = bearer(organisation.moodle.token), bearer(organisation.key)
    for headers, url in (
        (token, "/api/public/validate/webhook"),
        (key, "/api/public/validate/webhook?source=moodle"),
        (key, "/api/validate/event?source=moodle"),
        ({"Authorization": f"bearer {organisation.key}"}, "/api/validate/event?source=moodle"),
    ):
        answer = client.post(url, content=body, headers=headers).json()
        assert answer["valid"] is True, answer
        assert answer["event"]["event"] == "user.logged_in"
        assert answer["event"]["user_id"] == "moodle:9"
        assert [decision["points"] for decision in answer["decisions"]] == [5]
    answer = client.post("/api/validate/event", content=json.dumps(OWN), headers=key).json()
    assert (answer["valid"], answer["event"]["user_id"]) == (True, "7")
    answer = client.post("/api/public/validate/webhook", content='{"id": ,}', headers=token).json()
    assert answer["valid"] is False
    assert "quotes" in answer["errors"][0]["message"]
    assert client.post("/api/validate/event?source=nothing", content=body, headers=key).status_code == 404
    assert organisation.api.get("/v1/events").json()["events"] == []
    assert organisation.api.get("/v1/users/moodle:9/balance").status_code == 404
    elsewhere = json.dumps(json.loads(login()) | {"wwwroot": "http://two.example"})
    assert organisation.hook(elsewhere).json()["status"] == "success"


def test_validation_obeys_the_address_list(organisation):
    """A token tells nothing to an address from which its source takes no requests."""
    path = f"/v1/sources/{organisation.moodle.source_id}"
    organisation.api.patch(path, {"allowed_cidrs": ["192.0.2.0/24"]})
    response = organisation.server.client.post(
        "/api/public/validate/webhook", content=login(), headers=bearer(organisation.moodle.token)
    )
    assert response.status_code == 403
