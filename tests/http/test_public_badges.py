"""Public pages of awards, and the issuer's profile and keys."""

from __future__ import annotations

import base64
import os
import uuid

import httpx
import pytest

from rocket_server.badges import images

PAGE = {"Accept": "text/html,application/xhtml+xml"}


def given(organisation, badge_id="quiz_master"):
    body = {"user_id": "anna", "badge_id": badge_id}
    assert organisation.api.post("/v1/badges/award", body).status_code == 200
    award = organisation.api.get("/v1/users/anna/badges").json()["badges"][0]
    return httpx.URL(award["verification_url"]).path


def test_the_page_says_valid_revoked_or_unknown(organisation):
    """In words, with a title, and as JSON at the same address."""
    get = organisation.server.client.get
    path = given(organisation)
    page = get(path, headers=PAGE)
    assert page.status_code == 200
    assert "This badge is valid." in page.text
    assert "<title>Quiz Master</title>" in page.text
    assert '<html lang="en">' in page.text
    assert get(path).json()["status"] == "valid"
    organisation.api.post("/v1/badges/revoke", {"user_id": "anna", "badge_id": "quiz_master", "reason": "x"})
    assert "This badge was revoked on" in get(path, headers=PAGE).text
    assert get(path).json()["status"] == "revoked"
    unknown = path.replace(path.rpartition("/")[2], str(uuid.uuid4()))
    page = get(unknown, headers=PAGE)
    assert (page.status_code, "This badge is unknown here." in page.text) == (404, True)
    assert get(unknown).json()["error"] == "not_found"
    assert get(path.replace(path.rpartition("/")[2], "nonsense"), headers=PAGE).status_code == 404


def test_texts_are_shown_and_never_run(organisation):
    """Markup in a definition is text on the page, and the page's policy lets no script run."""
    badge = {
        "badge_id": "evil",
        "name": "<script>alert(1)</script>",
        "description": '"><img src=x onerror=1>',
    }
    assert organisation.api.post("/v1/badges", badge).status_code == 201
    page = organisation.server.client.get(given(organisation, "evil"), headers=PAGE)
    assert "<script" not in page.text
    assert "<img src=x" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_revoked_award_that_nobody_had_gets_no_credential(organisation):
    """An award that was revoked before its first download has no credential and no place in a list."""
    path = given(organisation)
    organisation.api.post("/v1/badges/revoke", {"user_id": "anna", "badge_id": "quiz_master", "reason": "x"})
    assert organisation.server.client.get(f"{path}/credential.json").status_code == 404
    assert organisation.api.get("/v1/issuer").json()["keys"] == []


def test_images_are_served(organisation):
    """An uploaded image and a medal are PNGs at the answered addresses; a new image has a new one."""
    png = images.drawn("another")
    badge = {
        "badge_id": "own",
        "name": "Own",
        "image": f"data:image/png;base64,{base64.b64encode(png).decode()}",
    }
    first = organisation.api.post("/v1/badges", badge).json()["image_url"]
    served = organisation.server.client.get(httpx.URL(first).path)
    assert (served.content, served.headers["content-type"]) == (png, "image/png")
    second = organisation.api.request("PUT", "/v1/badges/own", json=badge).json()["image_url"]
    assert second != first
    kept = organisation.api.request("PUT", "/v1/badges/own", json={"name": "Own"}).json()["image_url"]
    assert kept == second
    gone = organisation.api.request("PUT", "/v1/badges/own", json={"name": "Own", "image": None}).json()
    medal = organisation.server.client.get(httpx.URL(gone["image_url"]).path)
    assert medal.content == images.drawn("own")
    assert organisation.server.client.get(httpx.URL(first).path).content == png


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "javascript:alert(1)"}, "url"),
        ({"email": "nobody"}, "email"),
        ({"image": "x"}, "image"),
        ({"nam": "x"}, "nam"),
    ],
)
def test_a_faulty_profile_is_refused(organisation, body, field):
    """What can't be a profile is a 400 that names the field."""
    response = organisation.api.request("PUT", "/v1/issuer", json=body)
    assert (response.status_code, response.json()["details"]["field"]) == (400, field)


def test_keys_are_encrypted_where_there_is_a_key_for_it(organisation, start_server, owner):
    """With ROCKET_ENCRYPTION_KEY the stored key isn't the key; another one can't open it, and no answer or
    log shows one."""
    secret, wrong = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    right_one = organisation.on(start_server("sealed", ROCKET_ENCRYPTION_KEY=secret))
    path = given(right_one)
    assert right_one.server.client.get(f"{path}/credential.json").status_code == 200
    row = owner.fetch(
        "SELECT private_key, sealed FROM issuer_keys WHERE organisation_id = $1", organisation.organisation_id
    )[0]
    assert (row["sealed"], len(row["private_key"])) == (True, 12 + 32 + 16)
    second = given(right_one, "course_master")
    for other in (organisation.on(start_server("wrong", ROCKET_ENCRYPTION_KEY=wrong)), organisation):
        refused = other.server.client.get(f"{second}/credential.json")
        assert (refused.status_code, refused.json()["error"]) == (503, "unavailable")
        assert secret not in other.server.log.read_text() + refused.text
    assert right_one.server.client.get(f"{second}/credential.json").status_code == 200
    assert right_one.api.get("/v1/issuer").json()["keys"][0]["encrypted"] is True
