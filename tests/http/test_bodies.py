"""Bodies: bounded in size, as sent and as unpacked, in the encodings that are read."""

from __future__ import annotations

import gzip
import json
import zlib

import psutil
import pytest

EVENT = {"event": "course.viewed", "user_id": "anna", "timestamp": 1772445600}
MIB = 1024 * 1024


def post(organisation, path, content, **headers):
    return organisation.api.request("POST", path, content=content, headers=headers)


def test_a_gzipped_body_is_read(organisation):
    """A gzipped event counts like a plain one, also in several members."""
    plain = json.dumps(EVENT).encode()
    for body in (gzip.compress(plain), gzip.compress(plain[:9]) + gzip.compress(plain[9:])):
        assert post(organisation, "/v1/events", body, **{"Content-Encoding": "gzip"}).status_code == 200
    assert len(organisation.api.get("/v1/events").json()["events"]) == 1


@pytest.mark.parametrize("path", ["/v1/events", "/v1/points/award", "/v1/sources"])
@pytest.mark.parametrize(
    "body",
    [b"{}", b"", gzip.compress(b"{}")[:-9], zlib.compress(b"{}")],
    ids=["plain", "empty", "cut off", "zlib"],
)
def test_what_is_called_gzip_and_is_not_is_a_400(organisation, path, body):
    """A body that isn't whole gzip, as its header says, can't be understood."""
    response = post(organisation, path, body, **{"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_payload")


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "nonsense"])
def test_another_encoding_is_a_415(organisation, encoding):
    """An encoding that isn't read is named in a 415."""
    response = post(organisation, "/v1/events", json.dumps(EVENT), **{"Content-Encoding": encoding})
    assert (response.status_code, response.json()["error"]) == (415, "unsupported_media_type")
    assert response.json()["details"]["expected"] == "gzip"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/batch", "/v1/points/award"])
def test_a_gzip_bomb_is_a_413(organisation, path):
    """A small body that unpacks to much more than the limit is refused while it is unpacked."""
    bomb = gzip.compress(b" " * (200 * MIB), 9)
    assert len(bomb) < MIB
    response = post(organisation, path, bomb, **{"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")


def padded(size: int) -> bytes:
    head, tail = b'{"events":[' + json.dumps(EVENT).encode() + b"]", b"}"
    return head + b" " * (size - len(head) - len(tail)) + tail


@pytest.mark.parametrize("path", ["/v1/events/batch", "/api/events/batch"])
def test_a_batch_may_have_16_mib(organisation, path):
    """A batch of 16 MiB is read; one byte more is a 413, sent with its length or in chunks."""
    assert post(organisation, path, padded(16 * MIB)).status_code == 200
    over = padded(16 * MIB + 1)
    for content in (over, (over[start : start + MIB] for start in range(0, len(over), MIB))):
        response = post(organisation, path, content)
        assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")
        assert response.json()["details"]["limit_bytes"] == 16 * MIB


@pytest.mark.parametrize("path", ["/v1/events", "/v1/points/award", "/api/public/hook/moodle/event"])
def test_other_bodies_are_smaller(organisation, path):
    """What isn't a batch has a smaller bound, said in the answer."""
    credential = organisation.moodle.token if "hook" in path else organisation.key
    response = post(organisation, path, b" " * (2 * MIB), Authorization=f"Bearer {credential}")
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")
    assert response.json()["details"]["limit_bytes"] == MIB


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"event": NaN}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"null",
        b"7",
        b'"x"',
    ],
    ids=[
        "empty",
        "cut",
        "no JSON",
        "not UTF-8",
        "NaN",
        "deep list",
        "deep object",
        "null",
        "number",
        "string",
    ],
)
@pytest.mark.parametrize(
    "path",
    ["/v1/events", "/v1/events/batch", "/v1/points/award", "/v1/points/reverse", "/v1/sources"],
)
def test_what_is_no_json_object_is_a_400(organisation, path, body):
    """No endpoint stumbles over a body that isn't the object it expects."""
    response = post(organisation, path, body, **{"Content-Type": "application/json"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_payload"), response.text


def test_a_4xx_changes_nothing(organisation, owner):
    """After many refused requests there is no learner, no event and no entry."""
    for path in ("/v1/events", "/v1/points/award", "/v1/points/deduct"):
        for body in (
            {"user_id": "anna"},
            {**EVENT, "event": "X"},
            {"user_id": "anna", "points": -1, "reason": "x"},
        ):
            assert organisation.api.post(path, body).status_code == 400
    for table in ("learners", "events", "entries", "event_keys", "idempotency_keys"):
        count = f"SELECT count(*) FROM {table} WHERE organisation_id = $1"
        assert owner.value(count, organisation.organisation_id) == 0


def test_a_body_that_does_not_say_that_it_is_json_is_told_so(organisation):
    """`curl -d` sends a form's content type by default; the answer says which header is missing."""
    content = '{"user_id": "anna", "points": 1, "reason": "x"}'
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = organisation.api.request("POST", "/v1/points/award", content=content, headers=headers)
    assert (response.status_code, response.json()["error"]) == (415, "unsupported_media_type")
    assert "Content-Type: application/json" in response.json()["message"]
    assert organisation.api.get("/v1/users/anna/balance").status_code == 404


@pytest.mark.parametrize("part", ["[],", '{"a":{}},', "1,", '"a",'])
def test_json_of_too_many_parts_is_a_400(organisation, part):
    """Millions of tiny values in one body would take seconds of everybody's time to decode; they are counted
    first."""
    body = '{"events":[' + part * (16 * MIB // len(part) - 10) + "0]}"
    response = post(organisation, "/v1/events/batch", body)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_payload")
    assert response.json()["details"] == {"limit_values": 600_000, "limit_containers": 250_000}


def test_a_batch_of_rich_events_is_read(organisation):
    """Ten thousand events of fifty properties each are within all bounds."""
    event = {**EVENT, "user_id": "anna", "properties": {f"p{number}": number for number in range(50)}}
    events = [{**event, "event_id": f"e{number}"} for number in range(10_000)]
    response = post(organisation, "/v1/events/batch", json.dumps({"events": events}))
    assert response.json()["processed"] == 10_000


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/validate", "/api/validate/event", "hook"])
def test_one_event_has_fewer_parts_than_a_batch(organisation, path):
    """An event of a hundred thousand values would take from others what a batch may take, in a megabyte."""
    body = json.dumps({**EVENT, "properties": {"a": [0] * 20_000}})
    response = organisation.hook(body) if path == "hook" else post(organisation, path, body)
    if path == "/api/validate/event":
        assert response.json()["valid"] is False
        assert "20000" in response.json()["errors"][0]["message"]
    else:
        assert (response.status_code, response.json()["details"]) == (400, {"limit_parts": 20_000})
    assert organisation.api.get("/v1/events").json()["events"] == []


@pytest.mark.parametrize("path", ["/v1/points/award", "/v1/badges/award", "/v1/users", "/v1/sources"])
def test_any_other_body_has_bounded_parts(organisation, path):
    """What the framework decodes and checks is counted first, as events are."""
    body = json.dumps({"user_id": "anna", "metadata": {"a": [0] * 50_000}})
    response = post(organisation, path, body, **{"Content-Type": "application/json"})
    assert (response.status_code, response.json()["details"]) == (400, {"limit_parts": 50_000})


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1/points/award", {"points": 1, "reason": "good"}),
        ("/v1/points/deduct", {"points": 1, "reason": "bad"}),
        ("/v1/badges/award", {"badge_id": "quiz_master"}),
    ],
)
def test_metadata_by_hand_is_bounded(organisation, path, sent):
    """A list shows five hundred entries or awards with their metadata, so each has little."""
    body = {"user_id": "anna", "metadata": {"note": "x" * 17_000}, **sent}
    response = organisation.api.post(path, body)
    assert (response.status_code, response.json()["details"]["field"]) == (400, "metadata")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("[" * 200 + "]" * 200, "metadata.a" + "[0]" * 19),
        (str(2**64), "metadata.a"),
        ("NaN", "metadata.a"),
        ('"\\ud800"', "metadata.a"),
        ("[" + "{}," * 20_000 + "0]", "metadata"),
    ],
)
def test_odd_metadata_is_a_400_that_names_its_place(organisation, value, field):
    """Whatever can't be written as JSON to be measured is said of the place where it stands."""
    body = f'{{"user_id": "anna", "points": 1, "reason": "good", "metadata": {{"a": {value}}}}}'
    response = post(organisation, "/v1/points/award", body, **{"Content-Type": "application/json"})
    assert (response.status_code, response.json()["details"]["field"]) == (400, field)
    assert organisation.api.points("anna") == 0


@pytest.mark.parametrize("text", ["a, b, " * 15_000, '[\\"],{' * 15_000, '\\"' * 90_000])
def test_what_stands_in_a_text_is_no_part(organisation, text):
    """A long essay in an event has as many commas, brackets and quotes as it likes."""
    body = json.dumps({**EVENT, "properties": {"essay": text}})
    assert post(organisation, "/v1/events", body).status_code == 200


@pytest.mark.parametrize("large", ["x" * MIB, [0] * 20_000])
def test_an_event_in_a_batch_is_no_larger_than_alone(organisation, large):
    """What would be refused alone is reported by its index, and the rest of the batch is stored."""
    events = [{**EVENT, "event_id": f"e{number}"} for number in range(3)]
    events[1]["properties"] = {"a": large}
    answer = post(organisation, "/v1/events/batch", json.dumps({"events": events})).json()
    assert (answer["processed"], answer["failed"]) == (2, 1)
    assert answer["results"][1]["status"] == "failed"
    assert "more than" in answer["results"][1]["error"] or "larger than" in answer["results"][1]["error"]


def test_what_is_no_json_in_a_batch_is_said_of_its_event(organisation):
    """A text that is no UTF-8 and a number beyond all bounds are faults of their event alone."""
    event = json.dumps(EVENT).encode()
    bad = b",".join(event[:-1] + b', "properties": {"a": ' + value + b"}}" for value in (b'"\xff"', b"1e400"))
    answer = post(organisation, "/v1/events/batch", b'{"events": [' + bad + b"," + event + b"]}").json()
    assert [result["status"] for result in answer["results"]] == ["failed", "failed", "processed"]


def test_refused_bodies_of_hooks_are_let_go(organisation, start_server):
    """Neither are those that a hook refuses while it reads a group."""
    server = start_server("refusing-hooks")
    large = b'{"a":[' + b'"token",' * 130_000 + b"1]}"

    def refused(times):
        for _ in range(times):
            assert organisation.on(server).hook(large).status_code == 400
        return psutil.Process(server.process.pid).memory_info().rss // MIB

    before = refused(20)
    assert refused(100) - before < 40


def test_refused_bodies_are_let_go(organisation, start_server):
    """Refused bodies aren't kept until the collector of garbage comes by: a hundred of a megabyte each
    leave the server as large as it was."""
    server = start_server("refusing")
    deep = b"[" * MIB

    def refused(times):
        for _ in range(times):
            assert post(organisation.on(server), "/v1/events", deep).status_code == 400
        return psutil.Process(server.process.pid).memory_info().rss // MIB

    before = refused(20)
    assert refused(100) - before < 40
