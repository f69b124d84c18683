"""What Moodle's administrators report: who is meant, events without a number, one site spelled twice."""

from __future__ import annotations

import json

import pytest


def body(name, **fields):
    sent = {"eventname": name, "id": "1", "timecreated": "1772445600", "contextlevel": "70", **fields}
    return json.dumps(sent)


def submitted(**fields):
    return body(r"\mod_assign\event\assessable_submitted", objectid="9", contextinstanceid="4", **fields)


def answer_of(organisation, sent):
    response = organisation.hook(sent)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_teacher_who_submits_for_a_student_gets_nothing(organisation):
    """Teacher 5501 hands in for student 31: 31 has 15, also after handing in the same themselves, once."""
    assert answer_of(organisation, submitted(userid="5501", relateduserid="31"))["points_awarded"] == 15
    own = answer_of(organisation, submitted(id="2", userid="31", relateduserid="", timecreated="1772445700"))
    assert (own["status"], own["points_awarded"]) == ("success", 0)
    assert organisation.api.points("moodle:31") == 15
    assert organisation.api.get("/v1/users/moodle:5501").status_code == 404


@pytest.mark.parametrize("number", ["{id}", "%7Bid%7D", "0"])
def test_an_event_without_a_number_counts_once(organisation, number):
    """A plugin that can't fill `id` loses nothing: the event counts, the same bytes again are a duplicate,
    another act is another event, and the source's log asks for an update."""
    encoded = number.startswith("%")
    name = r"\mod_forum\event\post_created"
    sent = body(name.replace("\\", "%5C") if encoded else name, id=number, userid="31", objectid="9")
    first, again = answer_of(organisation, sent), answer_of(organisation, sent)
    assert (first["status"], first["points_awarded"]) == ("success", 5)
    assert (again["status"], again["event_id"]) == ("duplicate", first["event_id"])
    for change in ({"objectid": "10"}, {"userid": "32"}, {"timecreated": "1772445601"}, {"other_x": "y"}):
        other = answer_of(
            organisation, body(name, **{"id": "{id}", "userid": "31", "objectid": "9", **change})
        )
        assert other["status"] == "success", change
    read = organisation.api.read(first["event_id"])
    assert read["source_event_id"] == (None if "id" in number else number)
    (awarded,) = [decision for decision in read["decisions"] if decision["outcome"] == "awarded"]
    assert "Update the plugin" in awarded["detail"]["notes"][0]
    log = organisation.api.get(f"/v1/sources/{organisation.moodle.source_id}/requests").json()["requests"]
    assert "Update the plugin" in log[-1]["reason"]


def test_an_event_that_never_had_the_field_is_told_what_to_add(organisation):
    """A template without `id` is refused with the line to add."""
    sent = json.loads(submitted(userid="31"))
    del sent["id"]
    response = organisation.hook(json.dumps(sent))
    assert response.status_code == 400
    assert response.json()["message"] == 'id: is missing or empty; the template needs "id": "{id}"'


def test_a_number_that_is_none_is_refused(organisation):
    """Other text in the place of the number is refused by name."""
    response = organisation.hook(submitted(id="seven", userid="31"))
    assert response.status_code == 400
    assert response.json()["details"]["field"] == "id"


SPELLINGS = [
    "https://moodle.example.org",
    "http://moodle.example.org",
    "https://moodle.example.org/",
    "https://Moodle.Example.ORG",
    "https://moodle.example.org:443",
    "http://moodle.example.org:80/",
]


def login(number, site, user="31"):
    at = str(1772445600 + 86400 * number)
    return body(r"\core\event\user_loggedin", id=str(number), userid=user, wwwroot=site, timecreated=at)


def test_one_site_in_several_spellings_is_one_site(organisation):
    """Scheme, a slash at the end, capitals and a port that goes without saying don't make another site."""
    for number, spelling in enumerate(SPELLINGS, 1):
        assert answer_of(organisation, login(number, spelling))["points_awarded"] == 5, spelling
    for number, other in enumerate(
        ["https://moodle.example.org/b", "https://moodle.example.org:8443", "https://x.example.org"], 20
    ):
        assert answer_of(organisation, login(number, other))["reason"].startswith("another_site: ")


def test_a_site_that_moved_is_set_and_its_events_run_again(organisation):
    """Events from the new address are ignored with advice, count once the site is set; null forgets it."""
    api = organisation.api
    path = f"/v1/sources/{organisation.moodle.source_id}"
    assert answer_of(organisation, login(1, "https://old.example.org"))["points_awarded"] == 5
    moved = answer_of(organisation, login(2, "https://new.example.org"))
    assert 'PATCH /v1/sources/{id} {"site": "…"}' in moved["reason"]
    assert api.patch(path, {"site": "https://new.example.org"}).json()["site"] == "https://new.example.org"
    assert api.post(f"/v1/events/{moved['event_id']}/retry").json()["points_awarded"] == 5
    assert answer_of(organisation, login(3, "https://new.example.org"))["points_awarded"] == 5
    assert answer_of(organisation, login(4, "https://old.example.org"))["status"] == "ignored"
    assert api.patch(path, {"staff_ids": ["2"]}).json()["site"] == "https://new.example.org"
    assert api.patch(path, {"site": None}).json()["site"] is None
    assert answer_of(organisation, login(5, "https://third.example.org"))["points_awarded"] == 5
    assert api.get("/v1/sources").json()["sources"][0]["site"] == "https://third.example.org"


@pytest.mark.parametrize(
    "site", ["ftp://x.org", "https://user@x.org", "https://x.org/ a", "a" * 256, "x\x00"]
)
def test_what_is_no_site_is_refused(organisation, site):
    """An address that no site can have is refused by name and changes nothing."""
    response = organisation.api.patch(f"/v1/sources/{organisation.moodle.source_id}", {"site": site})
    assert response.status_code == 400
    assert response.json()["details"]["field"] == "site"


def test_a_new_source_may_be_given_its_site(organisation):
    """The site can be said when a source is made, before its first event."""
    made = organisation.api.post(
        "/v1/sources", {"kind": "moodle", "name": "second", "site": "https://b.example.org"}
    ).json()
    assert made["site"] == "https://b.example.org"


@pytest.mark.parametrize(
    "field",
    ["id", "userid", "relateduserid", "realuserid", "objectid", "courseid", "contextid", "contextinstanceid"],
)
def test_true_is_no_id(organisation, field):
    """PHP writes true as 1, which would be the guest's number, the front page's or another event's: 400."""
    fields = {"userid": "31", "relateduserid": "31", "objectid": "9", "courseid": "5", field: True}
    response = organisation.hook(body(r"\core\event\course_completed", **fields))
    assert response.status_code == 400, response.text
    assert response.json()["details"]["field"] == field
    assert organisation.api.get("/v1/events").json()["events"] == []


def test_a_course_of_no_value_is_no_course(organisation):
    """A template that was filled with a program's word for nothing sends no course, and the event counts."""
    sent = body(r"\core\event\course_completed", userid="31", objectid="undefined", courseid="null")
    answer = answer_of(organisation, sent)
    assert answer["points_awarded"] == 50
    read = organisation.api.read(answer["event_id"])
    assert not {"course_id", "object_id"} & read["properties"].keys()
    assert "course_id was left out" in str(read["metadata"]["notes"])


@pytest.mark.parametrize("root", ["null", "undefined", "{wwwroot}", ""])
def test_a_site_that_no_template_named_is_no_other_site(organisation, root):
    """A word for no value where the site's address should be doesn't make the event another site's."""
    source = organisation.moodle.source_id
    assert organisation.api.patch(f"/v1/sources/{source}", {"site": "https://moodle.example.org"}).is_success
    sent = body(r"\core\event\user_loggedin", userid="31", wwwroot=root)
    assert answer_of(organisation, sent)["points_awarded"] == 5
