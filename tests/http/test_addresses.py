"""Addresses that people share, and addresses that change: whom they link, and whom not."""

from __future__ import annotations

import itertools
import json
import random
from contextlib import contextmanager

import anyio
import pytest

SHARED = "office@example.org"


def completed(organisation, moodle_id, email, number=1, course="7", hook=None):
    """A completion of a course by a Moodle user whose look-up says an address; what was answered."""
    fields = {
        "eventname": "%5Ccore%5Cevent%5Ccourse_completed",
        "id": str(number),
        "timecreated": str(1772445600 + number),
        "userid": "2",
        "relateduserid": moodle_id,
        "courseid": course,
        "learner_id": moodle_id,
        "learner_email": email.replace("@", "%40"),
    }
    response = organisation.hook(json.dumps(fields), hook)
    assert response.status_code == 200, response.text
    return response.json()


def in_crm(organisation, crm_id, email):
    """An event of a CRM's learner with an address, by the API."""
    return organisation.api.post(
        "/v1/events",
        {
            "event": "course.completed",
            "occurred_at": "2026-03-02T10:00:00Z",
            "user": {"id": f"crm:{crm_id}", "email": email},
            "context": {"course": {"id": "7"}},
            "trace": {"lms_event_id": f"crm-{crm_id}-{email}"},
        },
    ).json()


def people(organisation):
    """Every learner's identities."""
    users = organisation.api.get("/v1/users").json()["users"]
    return sorted(tuple(user["identities"]) for user in users)


def test_three_people_of_one_source_share_a_mailbox(organisation, adds_up):
    """Three Moodle users with one address are three learners, and each has the 50 points of the course."""
    for number, moodle_id in enumerate(("31", "32", "33"), 1):
        assert completed(organisation, moodle_id, SHARED, number)["points_awarded"] == 50
    assert people(organisation) == [("moodle:31",), ("moodle:32",), ("moodle:33",)]
    found = organisation.api.get("/v1/users/search", email=SHARED.upper()).json()["users"]
    assert sorted(user["user_id"] for user in found) == ["moodle:31", "moodle:32", "moodle:33"]
    adds_up(organisation)


def test_three_people_of_one_source_in_one_batch(organisation):
    """The same in one transaction: each of three is somebody of their own."""
    batch = [
        {
            "event": "course.completed",
            "occurred_at": "2026-03-02T10:00:00Z",
            "user": {"id": f"lms:{number}", "email": SHARED},
            "context": {"course": {"id": "7"}},
        }
        for number in (1, 2, 3)
    ]
    answer = organisation.api.post("/v1/events/batch", {"events": batch}).json()
    assert answer["points_awarded"] == 150
    assert people(organisation) == [("lms:1",), ("lms:2",), ("lms:3",)]


@pytest.mark.parametrize("order", list(itertools.permutations("ab")))
def test_an_address_links_another_source_whatever_came_first(organisation, order):
    """One person in Moodle and in a CRM is one learner, in either order."""
    for step in order:
        if step == "a":
            completed(organisation, "31", "ada@example.org")
        else:
            in_crm(organisation, "9", "Ada@example.org")
    assert people(organisation) == [("crm:9", "moodle:31")]


def test_what_several_have_links_nobody(organisation):
    """A third platform's learner with a mailbox of two people is neither of them."""
    completed(organisation, "31", SHARED)
    completed(organisation, "32", SHARED, 2)
    in_crm(organisation, "9", SHARED)
    assert people(organisation) == [("crm:9",), ("moodle:31",), ("moodle:32",)]


def test_a_shared_mailbox_after_another_source(organisation):
    """The CRM's learner came first: the first of Moodle is linked, the second isn't."""
    in_crm(organisation, "9", SHARED)
    completed(organisation, "31", SHARED)
    completed(organisation, "32", SHARED, 2)
    assert people(organisation) == [("crm:9", "moodle:31"), ("moodle:32",)]


def test_a_new_address_is_taken_over_and_links(organisation):
    """Somebody's address changes in Moodle: it is shown, found, and links the same person elsewhere."""
    completed(organisation, "31", "ada@example.org")
    completed(organisation, "31", "ada.berg@example.org", 2, course="8")
    assert organisation.api.get("/v1/users/moodle:31").json()["email"] == "ada.berg@example.org"
    in_crm(organisation, "9", "ada.berg@example.org")
    assert people(organisation) == [("crm:9", "moodle:31")]


def test_a_former_address_links_nobody(organisation):
    """A stranger who gets an address that somebody had before is somebody else."""
    completed(organisation, "31", "info@example.org")
    completed(organisation, "31", "ada@example.org", 2, course="8")
    in_crm(organisation, "9", "info@example.org")
    assert people(organisation) == [("crm:9",), ("moodle:31",)]
    assert organisation.api.get("/v1/users/search", email="info@example.org").json()["users"] != []


def test_two_platforms_may_tell_two_addresses_of_one_person(organisation):
    """What each platform told last links, so that neither takes the other's away with each event."""
    completed(organisation, "31", "ada@example.org")
    in_crm(organisation, "9", "ada@example.org")
    completed(organisation, "31", "ada@work.example", 2, course="8")
    in_crm(organisation, "9", "ada@example.org")
    api = organisation.api
    assert api.get("/v1/users/crm:9").json()["email"] == "ada@work.example"
    for source, email in (("lms", "ada@example.org"), ("shop", "ada@work.example")):
        api.event("user.logged_in", f"{source}:1", event_id=source)
        api.post(
            "/v1/events",
            {
                "event": "user.logged_in",
                "occurred_at": "2026-03-03T10:00:00Z",
                "user": {"id": f"{source}:2", "email": email},
            },
        )
        assert api.get(f"/v1/users/{source}:2").json()["user_id"] == "moodle:31"


def test_an_administrator_is_asked_about_a_shared_address(organisation):
    """By hand an address is given to one learner: 409 where somebody else has it."""
    completed(organisation, "31", SHARED)
    api = organisation.api
    assert api.post("/v1/users", {"user_id": "anna", "email": SHARED}).status_code == 409
    api.post("/v1/users", {"user_id": "anna"})
    response = api.patch("/v1/users/anna", {"email": SHARED})
    assert response.status_code == 409
    assert response.json()["details"]["field"] == "email"


def test_addresses_of_identities_are_forgotten_too(organisation, owner):
    """Anonymised, nothing that a platform told of somebody's address is left."""
    completed(organisation, "31", "ada@example.org")
    in_crm(organisation, "9", "ada@example.org")
    completed(organisation, "31", "ada@work.example", 2, course="8")
    organisation.api.post(
        "/v1/points/award", {"user_id": "ben", "points": 1, "reason": "for ada@example.org"}
    )
    assert organisation.api.request("DELETE", "/v1/users/crm:9").status_code == 200
    for table in ("identities", "learners", "events", "entry_notes"):
        found = owner.fetch(
            f"SELECT to_jsonb(t)::text AS line FROM {table} t WHERE organisation_id = $1",
            organisation.organisation_id,
        )
        assert not [row["line"] for row in found if "ada@" in row["line"]], table


class PlainPeople:
    """Whom addresses link, by looking through everybody: written from the reference, sharing no code."""

    def __init__(self):
        self.people = []  # [identities in their order, address shown]
        self.told = {}

    def person_of(self, identity):
        return next((person for person in self.people if identity in person[0]), None)

    def hears(self, identity, address):
        person = self.person_of(identity)
        if person is None:
            having = [
                one
                for one in self.people
                if one[1] == address or any(self.told.get(known) == address for known in one[0])
            ]
            source = identity.partition(":")[0]
            if len(having) == 1 and not any(known.startswith(f"{source}:") for known in having[0][0]):
                (person,) = having
            else:
                person = [[], address]
                self.people.append(person)
            person[0].append(identity)
        if self.told.get(identity, person[1]) != address:
            person[1] = address
        self.told[identity] = address

    def splits(self, person, identities):
        kept = [identity for identity in person[0] if identity not in identities]
        self.people.append([list(identities), self.told[identities[0]]])
        left = sorted({self.told[identity] for identity in kept})
        if person[1] in {self.told[identity] for identity in identities} and person[1] not in left:
            person[1] = left[0]
        person[0][:] = kept


@pytest.mark.parametrize("seed", range(8))
def test_random_addresses_link_as_the_plain_model_says(organisation, adds_up, seed):
    """Shared and changing addresses, single events and batches, links taken apart: the same people, addresses
    and points as in the model, and the ledger is proved."""
    rng = random.Random(seed)
    plain = PlainPeople()
    identities = [f"{source}:{number}" for source in ("moodle", "crm", "shop") for number in range(4)]
    addresses = [f"{name}@example.org" for name in ("a", "b", "c", "d")]
    api = organisation.api
    for step in range(30):
        several = [person for person in plain.people if len(person[0]) > 1]
        if several and rng.random() < 0.2:
            person = rng.choice(several)
            gone = rng.sample(person[0][1:], rng.randint(1, len(person[0]) - 1))
            response = api.post(f"/v1/users/{person[0][0]}/split", {"identities": gone})
            assert (response.status_code, response.json()["status"]) == (200, "split"), response.text
            plain.splits(person, gone)
            continue
        batch = []
        for number in range(rng.choice([1, 1, 4])):
            identity, address = rng.choice(identities), rng.choice(addresses)
            plain.hears(identity, address)
            batch.append(
                {
                    "event": "course.completed",
                    "occurred_at": "2026-03-02T10:00:00Z",
                    "user": {"id": identity, "email": address},
                    "context": {"course": {"id": "7"}},
                    "trace": {"lms_event_id": f"e{step}-{number}"},
                }
            )
        assert api.post("/v1/events/batch", {"events": batch}).json()["failed"] == 0
    users = api.get("/v1/users", limit=100).json()["users"]
    seen = sorted((sorted(user["identities"]), user["email"]) for user in users)
    assert seen == sorted((sorted(known), address) for known, address in plain.people)
    for known, _ in plain.people:
        assert api.points(known[0]) == 50
    adds_up(organisation)


def test_an_old_event_that_is_run_again_brings_no_former_address_back(organisation):
    """What an event said of an address when it came is history, once another was told."""
    first = completed(organisation, "31", "ada@example.org")
    completed(organisation, "31", "ada.berg@example.org", 2, course="8")
    assert organisation.api.post(f"/v1/events/{first['event_id']}/retry").status_code == 200
    assert organisation.api.get("/v1/users/moodle:31").json()["email"] == "ada.berg@example.org"


@pytest.fixture
def held_lock(portal, store):
    """While the block runs, somebody holds an organisation's row, as who gives addresses to learners does."""

    @contextmanager
    def hold(organisation):
        lock = "SELECT 1 FROM organisations WHERE organisation_id = $1 FOR NO KEY UPDATE"

        async def work():
            async with store.transaction() as conn:
                await conn.fetch(lock, organisation.organisation_id)
                held.set()
                await done.wait()

        async def events():
            return anyio.Event(), anyio.Event()

        held, done = portal.call(events)
        working = portal.start_task_soon(work)
        portal.call(held.wait)
        try:
            yield
        finally:
            portal.call(done.set)
            working.result()

    return hold


@pytest.mark.parametrize("policy", ["hold", "refuse"])
def test_an_address_that_links_nobody_holds_up_nobody(organisation, held_lock, policy):
    """Events of somebody unknown, whose address is another's of the same source, need no turn with those who
    give addresses; one whose address names a learner of another source is linked all the same."""
    assert completed(organisation, "31", SHARED)["points_awarded"] == 50
    organisation.api.patch("/v1/organisation", {"unknown_learner": policy})
    with held_lock(organisation):
        for number, (moodle_id, email) in enumerate([("32", SHARED), ("33", "n@example.org")], 10):
            assert completed(organisation, moodle_id, email, number)["status"] == "ignored"
    assert in_crm(organisation, "8", SHARED)["status"] == "processed"
    assert ("crm:8", "moodle:31") in people(organisation)


def test_a_former_address_links_nobody_after_a_merge(organisation):
    """What a platform tells no more of somebody who was merged into another links nobody either."""
    completed(organisation, "31", "info@example.org")
    in_crm(organisation, "9", "ada@example.org")
    merged = organisation.api.post("/v1/users/crm:9/merge", {"from": "moodle:31"})
    assert merged.status_code == 200, merged.text
    in_crm(organisation, "10", "info@example.org")
    completed(organisation, "31", "ada.berg@example.org", 2, course="8")
    shop = {
        "event": "user.logged_in",
        "occurred_at": "2026-03-03T10:00:00Z",
        "user": {"id": "shop:1", "email": "info@example.org"},
    }
    organisation.api.post("/v1/events", shop)
    assert people(organisation) == [("crm:10", "shop:1"), ("crm:9", "moodle:31")]


def test_a_merged_learners_address_still_links(organisation):
    """What a platform goes on telling links to who they turned out to be."""
    completed(organisation, "31", "info@example.org")
    in_crm(organisation, "9", "ada@example.org")
    organisation.api.post("/v1/users/crm:9/merge", {"from": "moodle:31"})
    body = {"event": "user.logged_in", "occurred_at": "2026-03-03T10:00:00Z"}
    organisation.api.post("/v1/events", {**body, "user": {"id": "shop:1", "email": "info@example.org"}})
    assert people(organisation) == [("crm:9", "moodle:31", "shop:1")]


def test_an_address_that_an_earlier_identity_is_told_too(organisation):
    """Two platforms tell the same address; when one tells another, the other's still links."""
    organisation.api.event("user.logged_in", "crm:9", event_id="1")
    merged = organisation.api.post("/v1/users/crm:9/identities", {"identities": ["moodle:31"]})
    assert merged.status_code in (200, 201), merged.text
    completed(organisation, "31", "ada@example.org")
    in_crm(organisation, "9", "ada@example.org")
    completed(organisation, "31", "ada.berg@example.org", 2, course="8")
    body = {"event": "user.logged_in", "occurred_at": "2026-03-03T10:00:00Z"}
    organisation.api.post("/v1/events", {**body, "user": {"id": "shop:1", "email": "ada@example.org"}})
    assert people(organisation) == [("crm:9", "moodle:31", "shop:1")]


def test_who_stays_has_no_address_of_who_was_split_off(organisation):
    """An address that only the identities told that leave is theirs alone, and links others to them."""
    organisation.api.event("user.logged_in", "anna", event_id="1")
    organisation.api.post("/v1/users/anna/identities", {"identities": ["moodle:31"]})
    completed(organisation, "31", "ada@example.org")
    split = organisation.api.post("/v1/users/anna/split", {"identities": ["moodle:31"]})
    assert split.status_code == 200, split.text
    assert organisation.api.get("/v1/users/anna").json()["email"] is None
    in_crm(organisation, "9", "ada@example.org")
    assert people(organisation) == [("anna",), ("crm:9", "moodle:31")]


def test_an_address_is_one_in_either_form_of_unicode(organisation):
    """é as one letter and as e with an accent is the same mailbox, as platforms and keyboards write it."""
    assert completed(organisation, "31", "jos\u00e9@example.org")["points_awarded"] == 50
    assert in_crm(organisation, "9", "jose\u0301@EXAMPLE.org")["status"] == "processed"
    assert people(organisation) == [("crm:9", "moodle:31")]
