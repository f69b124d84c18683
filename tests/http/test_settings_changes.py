"""Settings changed by several at once, and how many of each thing an organisation may have."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from rocket_server.badges import images
from rocket_server.badges.store import MAX_BADGES, MAX_IMAGES
from rocket_server.organisations.sources import MAX_CREDENTIALS, MAX_SOURCES

PICTURE = "data:image/png;base64," + base64.b64encode(images.drawn("ours")).decode()


def at_once(work, count):
    """What so many calls answer that begin together."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def source_of(organisation):
    """The organisation's source, as it is listed."""
    return organisation.api.get("/v1/sources").json()["sources"][0]


@pytest.mark.parametrize("round_", range(3))
def test_changes_of_a_source_do_not_undo_one_another(organisation, second_server, round_):
    """Several people set several things in the same moment, through two processes; each of them stands."""
    path = f"/v1/sources/{organisation.moodle.source_id}"
    changes = [
        {"allowed_cidrs": ["192.0.2.0/24"]},
        {"staff_ids": ["7"]},
        {"unknown_learner": "hold"},
        {"filters": {"course_ids": ["c1"]}},
    ]
    servers = (organisation, organisation.on(second_server))
    answers = at_once(lambda n: servers[n % 2].api.patch(path, changes[n]).status_code, len(changes))
    assert answers == [200] * len(changes)
    stands = source_of(organisation)
    assert stands["filters"]["course_ids"] == ["c1"]
    assert {name: stands[name] for change in changes[:3] for name in change} == {
        name: value for change in changes[:3] for name, value in change.items()
    }


def test_changes_of_the_issuer_keep_its_image(organisation):
    """Who sets the name while another sets the image doesn't take the image away."""

    def change(number):
        body = {"name": "Ours", "image": PICTURE} if number == 0 else {"name": "Ours"}
        return organisation.api.request("PUT", "/v1/issuer", json=body).status_code

    assert at_once(change, 6) == [200] * 6
    assert organisation.api.get("/v1/issuer").json()["image_url"]


def test_a_source_has_few_credentials(organisation):
    """One more is a conflict until another is revoked, which may be in the same request."""
    path = f"/v1/sources/{organisation.moodle.source_id}/rotate"
    answers = at_once(lambda n: organisation.api.post(path, {}).status_code, MAX_CREDENTIALS + 4)
    assert sorted(answers) == [201] * (MAX_CREDENTIALS - 1) + [409] * 5
    refused = organisation.api.post(path, {"kind": "hmac_secret"})
    assert (refused.status_code, refused.json()["details"]) == (409, {"limit": MAX_CREDENTIALS})
    old = source_of(organisation)["credentials"][0]["credential_id"]
    assert organisation.api.post(path, {"revoke": old}).status_code == 201


def test_revoked_credentials_are_not_listed_for_ever(organisation):
    """The active ones are all shown, and of the others the latest."""
    path = f"/v1/sources/{organisation.moodle.source_id}/rotate"
    for _ in range(MAX_CREDENTIALS * 6):
        active = [one for one in source_of(organisation)["credentials"] if one["revoked_at"] is None]
        answer = organisation.api.post(path, {"revoke": active[0]["credential_id"]})
        assert answer.status_code == 201
    listed = source_of(organisation)["credentials"]
    assert len(listed) == 100
    assert [one["revoked_at"] is None for one in listed] == [False] * 99 + [True]


def test_an_organisation_has_so_many_sources(organisation, owner):
    """Also where several make one in the same moment."""
    owner.execute(
        "INSERT INTO sources (organisation_id, source_id, kind, name, slug, staff_ids, filters, mappings,"
        " allowed_cidrs) SELECT $1, gen_random_uuid(), 'test', 's' || n, 's' || n, '{}', '{}', '{}', '{}'"
        " FROM generate_series(1, $2) AS n",
        organisation.organisation_id,
        MAX_SOURCES - 3,
    )
    answers = at_once(
        lambda n: organisation.api.post("/v1/sources", {"kind": "test", "name": f"n{n}"}).status_code, 6
    )
    assert sorted(answers) == [201] * 2 + [409] * 4


def test_an_organisation_has_so_many_badges(organisation, owner):
    """One more is a conflict that says how many there may be; a deleted one makes room."""
    owner.execute(
        "INSERT INTO badges (organisation_id, badge_id, name, description) SELECT $1, 'b' || n, 'B', ''"
        " FROM generate_series(1, $2) AS n",
        organisation.organisation_id,
        MAX_BADGES - 5,
    )
    answers = at_once(
        lambda n: organisation.api.post("/v1/badges", {"badge_id": f"n{n}", "name": "N"}).status_code, 6
    )
    assert sorted(answers) == [201] * 2 + [409] * 4
    assert organisation.api.request("DELETE", "/v1/badges/b1").status_code == 204
    made = organisation.api.post("/v1/badges", {"badge_id": "last", "name": "N"})
    assert made.status_code == 201
    refused = organisation.api.post("/v1/badges", {"badge_id": "too-many", "name": "N"})
    assert (refused.status_code, refused.json()["details"]) == (409, {"limit": MAX_BADGES})


def test_an_organisation_keeps_so_many_images(organisation, owner):
    """Images of earlier versions stay for what was given, so their number has a bound of its own."""
    owner.execute(
        "INSERT INTO badge_images (organisation_id, badge_id, png) SELECT $1, 'quiz_master', ''"
        " FROM generate_series(1, $2)",
        organisation.organisation_id,
        MAX_IMAGES,
    )
    body = {"name": "Quiz", "image": PICTURE}
    refused = organisation.api.request("PUT", "/v1/badges/quiz_master", json=body)
    assert (refused.status_code, refused.json()["details"]) == (409, {"limit": MAX_IMAGES})


@pytest.mark.parametrize(
    "url",
    [
        "https://anna:secret@example.org/",
        "https://anna@example.org/",
        "https://example.org/\u202egro.live",
        "https://exa\u200bmple.org/",
        "https://example.org/\x7f",
        "https://example.org/a b",
        "https://example.org\\@evil.example/",
        "ftp://example.org/",
        "javascript:alert(1)",
        "https:///nowhere",
    ],
)
def test_an_issuers_address_is_a_plain_one(organisation, url):
    """No password, nothing that can't be seen or turns the direction of writing, on public pages."""
    refused = organisation.api.request("PUT", "/v1/issuer", json={"name": "Ours", "url": url})
    assert (refused.status_code, refused.json()["details"]["field"]) == (400, "url")
    assert "secret" not in refused.text


def test_an_issuers_address_is_kept(organisation):
    """An ordinary one is shown as it was sent."""
    for url in ("https://example.org/", "http://learn.example.org:8080/about?x=1"):
        kept = organisation.api.request("PUT", "/v1/issuer", json={"name": "Ours", "url": url})
        assert (kept.status_code, kept.json()["url"]) == (200, url)
