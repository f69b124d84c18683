"""Credentials that the server issues, verified by an independent implementation without any network."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import httpx
import pytest

from rocket_server.badges import images
from support.organisation import Organisation


def path(url: str) -> str:
    """The path of an address; tests reach the server under another name than its public one."""
    return httpx.URL(url).raw_path.decode()


def fetch(organisation: Organisation, url: str, accept: str = "application/json") -> httpx.Response:
    return organisation.server.client.get(path(url), headers={"Accept": accept})


def given(organisation: Organisation, badge_id: str = "quiz_master", user_id: str = "anna") -> dict[str, Any]:
    """A badge by hand, as the learner's list shows it."""
    response = organisation.api.post("/v1/badges/award", {"user_id": user_id, "badge_id": badge_id})
    assert response.status_code == 200, response.text
    return dict(organisation.api.get(f"/v1/users/{user_id}/badges").json()["badges"][0])


def credential_of(organisation: Organisation, award: dict[str, Any]) -> dict[str, Any]:
    response = fetch(organisation, f"{award['verification_url']}/credential.json")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vc"
    return dict(response.json())


def status_list_of(organisation: Organisation, credential: dict[str, Any]) -> dict[str, Any]:
    url = credential["credentialStatus"]["statusListCredential"]
    response = fetch(organisation, url)
    assert response.status_code == 200, response.text
    return {url: response.json()}


def test_an_issued_credential_verifies(organisation, verify):
    """The credential, its key and its status list verify without anything else."""
    award = given(organisation)
    credential = credential_of(organisation, award)
    lists = status_list_of(organisation, credential)
    assert verify(credential, **lists) == {"verified": True, "error": None, "status": [False]}
    (status_list,) = lists.values()
    assert verify(status_list)["verified"] is True
    assert credential == credential_of(organisation, award)


def test_every_part_of_a_definition_is_signed(organisation, verify):
    """Text, tags, image and profile are in the credential and covered by its proof."""
    profile = {"name": "École", "email": "badges@example.org", "url": "https://example.org"}
    assert organisation.api.request("PUT", "/v1/issuer", json=profile).status_code == 200
    sent = {"badge_id": "full", "name": "Füll \"x\" \\", "description": "First line\nsecond – line 🚀",
            "criteria_text": "Do <b>it</b>\nall", "tags": ["a", "ü"]}  # fmt: skip
    assert organisation.api.post("/v1/badges", sent).status_code == 201
    credential = credential_of(organisation, given(organisation, "full"))
    assert verify(credential, **status_list_of(organisation, credential))["verified"] is True
    achievement = credential["credentialSubject"]["achievement"]
    assert (achievement["name"], achievement["description"]) == (sent["name"], sent["description"])
    assert (achievement["criteria"]["narrative"], achievement["tag"]) == (sent["criteria_text"], sent["tags"])
    assert (credential["issuer"]["name"], credential["issuer"]["email"]) == ("École", "badges@example.org")


@pytest.mark.parametrize(
    "where",
    [
        ("name",),
        ("validFrom",),
        ("issuer", "name"),
        ("credentialSubject", "achievement", "name"),
        ("credentialSubject", "achievement", "description"),
        ("credentialSubject", "achievement", "criteria", "narrative"),
        ("credentialSubject", "achievement", "image", "id"),
        ("credentialSubject", "identifier", 0, "identityHash"),
        ("credentialStatus", "statusListIndex"),
        ("proof", "created"),
        ("proof", "proofValue"),
    ],
    ids=lambda where: ".".join(map(str, where)),
)
def test_a_tampered_credential_does_not_verify(organisation, verify, where):
    """Whatever is changed, the proof doesn't fit any more."""
    credential = credential_of(organisation, given(organisation))
    lists = status_list_of(organisation, credential)
    tampered: Any = copy.deepcopy(credential)
    inner: Any = tampered
    for key in where[:-1]:
        inner = inner[key]
    replaced = {
        "validFrom": "2020-01-01T00:00:00Z",
        "created": "2020-01-01T00:00:00Z",
        "statusListIndex": "7",
        "id": "https://elsewhere.example/x.png",
    }
    before = inner[where[-1]]
    inner[where[-1]] = replaced.get(str(where[-1]), before[:-1] + ("a" if before[-1] != "a" else "b"))
    assert verify(tampered, **lists)["verified"] is False
    assert verify(credential, **lists)["verified"] is True


def test_a_revoked_credential_is_reported_as_revoked(organisation, verify):
    """After a revocation the same credential has the status revoked, its neighbour hasn't; page and JSON say
    so too."""
    award, other = given(organisation), given(organisation, user_id="ben")
    credential, neighbour = credential_of(organisation, award), credential_of(organisation, other)
    assert verify(credential, **status_list_of(organisation, credential))["status"] == [False]
    body = {"award_id": award["award_id"], "reason": "copied from Eve"}
    assert organisation.api.post("/v1/badges/revoke", body).status_code == 200
    lists = status_list_of(organisation, credential)
    assert verify(credential, **lists)["status"] == [True]
    assert verify(neighbour, **lists) == {"verified": True, "error": None, "status": [False]}
    shown = fetch(organisation, award["verification_url"]).json()
    assert (shown["status"], shown["credential"]) == ("revoked", None)
    page = fetch(organisation, award["verification_url"], "text/html").text
    assert "This badge was revoked on" in page
    assert "Eve" not in page + json.dumps(shown)


def test_a_tampered_status_list_does_not_verify(organisation, verify):
    """A list in which the revocation was wiped out isn't believed."""
    award = given(organisation)
    credential = credential_of(organisation, award)
    ((url, clean),) = status_list_of(organisation, credential).items()
    organisation.api.post("/v1/badges/revoke", {"award_id": award["award_id"], "reason": "x"})
    ((_, revoked),) = status_list_of(organisation, credential).items()
    revoked["credentialSubject"]["encodedList"] = clean["credentialSubject"]["encodedList"]
    assert verify(credential, **{url: revoked})["verified"] is False


def test_a_new_key_leaves_old_credentials_valid(organisation, verify):
    """After a rotation new credentials have another key; old ones verify, can be revoked, and both keys are
    the issuer's."""
    old = given(organisation)
    old_credential = credential_of(organisation, old)
    rotated = organisation.api.post("/v1/issuer/rotate-key")
    assert rotated.status_code == 201
    assert [key["retired_at"] is None for key in rotated.json()["keys"]] == [True, False]
    new_credential = credential_of(organisation, given(organisation, user_id="ben"))
    assert new_credential["issuer"]["id"] != old_credential["issuer"]["id"]
    for credential in (old_credential, new_credential):
        assert verify(credential, **status_list_of(organisation, credential))["status"] == [False]
    profile = fetch(organisation, new_credential["issuer"]["url"]).json()
    assert {key["controller"] for key in profile["verificationMethod"]} == {
        new_credential["issuer"]["id"], old_credential["issuer"]["id"]
    }  # fmt: skip
    organisation.api.post("/v1/badges/revoke", {"award_id": old["award_id"], "reason": "x"})
    assert verify(old_credential, **status_list_of(organisation, old_credential))["status"] == [True]


def test_the_receiver_is_known_by_a_salted_hash(organisation):
    """Who knows the address finds it again; the credential has neither address nor id in it."""
    body = {"event": "course.viewed", "occurred_at": "2026-03-02T10:00:00Z",
            "user": {"id": "anna", "email": "Anna@Example.org"}}  # fmt: skip
    assert organisation.api.post("/v1/events", body).status_code == 200
    credential = credential_of(organisation, given(organisation))
    (identifier,) = credential["credentialSubject"]["identifier"]
    expected = hashlib.sha256(f"anna@example.org{identifier['salt']}".encode()).hexdigest()
    assert identifier["identityHash"] == f"sha256${expected}"
    assert identifier["identityType"] == "emailAddress"
    assert "anna" not in json.dumps(credential).lower()
    other = credential_of(organisation, given(organisation, user_id="ben"))
    (identifier,) = other["credentialSubject"]["identifier"]
    expected = hashlib.sha256(f"ben{identifier['salt']}".encode()).hexdigest()
    assert (identifier["identityHash"], identifier["identityType"]) == (f"sha256${expected}", "systemId")


def test_the_baked_image_holds_the_credential(organisation, verify):
    """The PNG to download shows the badge and has the credential in its iTXt chunk."""
    award = given(organisation)
    response = fetch(organisation, f"{award['verification_url']}/badge.png")
    assert response.headers["content-type"] == "image/png"
    unbaked = json.loads(images.unbaked(response.content) or "")
    assert unbaked == credential_of(organisation, award)
    assert verify(unbaked, **status_list_of(organisation, unbaked))["verified"] is True
    assert images.checked(response.content)
