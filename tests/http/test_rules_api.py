"""Rules over the API: made, changed, withdrawn, read in every version; a change counts at once."""

from __future__ import annotations

import asyncpg
import pytest

RULE = {
    "rule_id": "double_posts",
    "trigger": {"event": "forum.posted", "conditions": {"course_id": "7"}},
    "actions": {"award_points": 3},
}


@pytest.fixture
def api(organisation):
    """Calls with the admin key of a fresh organisation."""
    return organisation.api


def put(api, path, body, **headers):
    return api.request("PUT", path, json=body, headers=headers)


def posted(api, number, **fields):
    return api.event("forum.posted", properties={"course_id": "7"}, event_id=f"p{number}", **fields)


def test_a_rule_is_made_and_counts_at_once(api, second_server, organisation):
    """A new rule is answered with 201, its version and its maker, and awards in every process from now on."""
    before = organisation.on(second_server).api.event("forum.posted", properties={"course_id": "7"})
    assert before["points_awarded"] == 5
    response = api.post("/v1/rules", RULE)
    assert response.status_code == 201, response.text
    made = response.json()
    assert (made["rule_id"], made["version"], made["active"]) == ("double_posts", 1, True)
    assert made["created_by"].startswith("key:rk_live_")
    assert made["created_by"].endswith("(tests)")
    assert made["created_at"] == made["updated_at"]
    assert response.headers["etag"] == '"1"'
    assert api.get("/v1/rules/double_posts").json() == made
    assert posted(organisation.on(second_server).api, 1)["points_awarded"] == 8


def test_an_id_is_taken_once(api):
    """A second rule of an id is a 409 that says how to change the first."""
    assert api.post("/v1/rules", RULE).status_code == 201
    response = api.post("/v1/rules", RULE | {"title": "Another"})
    assert (response.status_code, response.json()["error"]) == (409, "conflict")
    assert response.json()["details"] == {"field": "rule_id", "version": 1}
    assert "title" not in api.get("/v1/rules/double_posts").json()


def test_a_change_is_a_version(api):
    """PUT makes a version; the same again makes none; what was answered can be sent back as it is."""
    made = api.post("/v1/rules", RULE).json()
    again = put(api, "/v1/rules/double_posts", made)
    assert (again.status_code, again.json()) == (200, made)
    changed = put(api, "/v1/rules/double_posts", {**made, "actions": {"award_points": 4}}).json()
    assert (changed["version"], changed["actions"]) == (2, {"award_points": 4})
    assert changed["created_at"] == made["created_at"] < changed["updated_at"]
    first = api.get("/v1/rules/double_posts", version=1)
    assert (first.json(), first.headers["etag"]) == (made, '"1"')
    versions = api.get("/v1/rules/double_posts/versions", limit=1).json()
    rest = api.get("/v1/rules/double_posts/versions", cursor=versions["next_cursor"]).json()
    found = [*versions["versions"], *rest["versions"]]
    assert [(one["version"], one["rule"]["actions"]["award_points"]) for one in found] == [(2, 4), (1, 3)]
    assert all(one["created_by"].startswith("key:") and not one["withdrawn"] for one in found)


def test_the_order_of_conditions_is_no_change(api):
    """A rule with several conditions, sent again in any order, gets no new version."""
    conditions = {"score": {"lt": 90, "gte": 10}, "lesson_id": {"exists": True}, "not": {"course_id": "7"}}
    written = {**RULE, "trigger": {"event": "quiz.completed", "conditions": conditions}}
    made = api.post("/v1/rules", written).json()
    for order in (conditions, dict(reversed(conditions.items()))):
        again = {**written, "trigger": {"event": "quiz.completed", "conditions": order}}
        assert put(api, "/v1/rules/double_posts", again).json()["version"] == 1
        plan = api.request("PUT", "/v1/rules", json={"rules": [again]}).json()
        assert (plan["unchanged"], plan["changed"]) == (["double_posts"], [])
    other = {
        **written,
        "trigger": {"event": "quiz.completed", "conditions": conditions | {"score": {"lt": 9}}},
    }
    assert put(api, "/v1/rules/double_posts", other).json()["version"] == made["version"] + 1


def test_a_change_that_somebody_else_overtook(api):
    """With the version that was read, as a parameter or an ETag, a change meanwhile is a 409."""
    api.post("/v1/rules", RULE)
    body = {**RULE, "actions": {"award_points": 4}}
    assert put(api, "/v1/rules/double_posts", body, **{"If-Match": '"1"'}).status_code == 200
    for late in (
        put(api, "/v1/rules/double_posts", RULE, **{"If-Match": '"1"'}),
        put(api, "/v1/rules/double_posts?version=1", RULE),
        api.request("DELETE", "/v1/rules/double_posts", params={"version": 1}),
    ):
        assert (late.status_code, late.json()["details"]) == (409, {"field": "version", "version": 2})
    assert put(api, "/v1/rules/double_posts", RULE, **{"If-Match": "x"}).status_code == 400
    assert put(api, "/v1/rules/double_posts", RULE, **{"If-Match": "*"}).json()["version"] == 3


def test_a_rule_is_withdrawn_and_made_again(api):
    """A withdrawn rule gives nothing more; its versions and entries stay, and its id goes on from them."""
    api.post("/v1/rules", RULE)
    assert posted(api, 1)["points_awarded"] == 8
    gone = api.request("DELETE", "/v1/rules/double_posts")
    assert (gone.status_code, gone.json()["version"], gone.json()["withdrawn"]) == (200, 2, True)
    assert api.get("/v1/rules/double_posts").status_code == 404
    assert api.request("DELETE", "/v1/rules/double_posts").status_code == 404
    assert put(api, "/v1/rules/double_posts", RULE).status_code == 404
    assert "double_posts" not in {rule["rule_id"] for rule in api.get("/v1/rules").json()["rules"]}
    assert posted(api, 2)["points_awarded"] == 5
    assert api.points("anna") == 13
    versions = api.get("/v1/rules/double_posts/versions").json()["versions"]
    assert [(one["version"], one["withdrawn"]) for one in versions] == [(2, True), (1, False)]
    assert api.get("/v1/rules/double_posts", version=1).status_code == 200
    assert api.post("/v1/rules", RULE).json()["version"] == 3
    assert posted(api, 3)["decisions"][0]["rule_version"] == 3


def test_no_version_is_ever_rewritten(api, store, portal, organisation):
    """The server's own role may neither change nor remove a version."""
    api.post("/v1/rules", RULE)

    async def run(statement):
        async with store.transaction() as conn:
            await conn.execute(statement)

    for statement in ("UPDATE rules SET created_by = 'x'", "DELETE FROM rules"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            portal.call(run, statement)


def test_lists_are_filtered_and_have_pages(api):
    """Rules come by priority and id, page by page, filtered by state and event."""
    for number, priority in ((1, 0), (2, 7), (3, -7)):
        api.post("/v1/rules", RULE | {"rule_id": f"r{number}", "priority": priority})
    api.post("/v1/rules", RULE | {"rule_id": "later", "status": "draft"})
    found, cursor = [], None
    while True:
        page = api.get("/v1/rules", limit=4, **({"cursor": cursor} if cursor else {})).json()
        found += [rule["rule_id"] for rule in page["rules"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (found[0], found[-1], len(found), len(set(found))) == ("r2", "r3", 12, 12)
    assert found[1:-1] == sorted(found[1:-1])

    def ids(**query):
        return [rule["rule_id"] for rule in api.get("/v1/rules", **query).json()["rules"]]

    assert ids(event="forum.posted") == ["r2", "forum_posted", "later", "r1", "r3"]
    assert ids(active="false") == ["badge_awarded", "later"]
    assert ids(status="draft") == ["later"]
    assert api.get("/v1/rules", status="on").status_code == 400


def test_a_draft_decides_nothing(api):
    """A draft has versions like any rule and decides nothing until it is made active."""
    draft = api.post("/v1/rules", RULE | {"status": "draft"}).json()
    assert (draft["active"], draft["status"]) == (False, "draft")
    assert posted(api, 1)["points_awarded"] == 5
    active = put(api, "/v1/rules/double_posts", RULE | {"status": "active"}).json()
    assert (active["active"], active["version"]) == (True, 2)
    assert posted(api, 2)["points_awarded"] == 8


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"trigger": {"event": "x.y", "condition": {}}}, "trigger.condition", "did you mean conditions?"),
        ({"conditions": {"a": {"gte": 5, "lt": 5}}, "trigger": "x.y"}, "conditions.a", "no value can be"),
        ({"starts_at": "2026-03-05", "ends_at": "2026-03-04"}, "ends_at", "not after starts_at"),
        ({"starts_at": "March"}, "starts_at", "expected a date"),
        ({"start_at": "2026-03-04"}, "start_at", "did you mean starts_at?"),
        ({"status": "drafft"}, "status", "did you mean draft?"),
        ({"status": "draft", "active": True}, "active", "contradicts"),
        ({"priority": 1001}, "priority", "from -1000 to 1000"),
        ({"actions": {"multiplier": 11}}, "actions.multiplier", "from 0.1 to 10"),
        ({"actions": {"multiplier": 1}}, "actions.multiplier", "changes nothing"),
        ({"actions": {"multiplyer": 2}}, "actions.multiplyer", "did you mean multiplier?"),
        ({"actions": {"multiplier": 2, "award_points": 5}}, "actions.award_points", "no points of its own"),
        (
            {"constraints": {"max_per_day": 4, "max_per_week": 3}},
            "constraints.max_per_day",
            "never be reached",
        ),
        (
            {"constraints": {"max_per_day": 1, "max_per_week": 8}},
            "constraints.max_per_week",
            "never be reached",
        ),
        ({"constraints": {"once": True, "max_per_day": 2}}, "constraints.max_per_day", "never matter"),
        ({"rule_id": "mapping:moodle:x"}, "rule_id", "made by mappings"),
    ],
)
def test_what_cannot_be_meant_is_refused(api, change, path, words):
    """A fault is a 400 that names the field and says what was probably meant; nothing is stored."""
    response = api.post("/v1/rules", RULE | change)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_payload")
    (fault,) = [one for one in response.json()["details"]["errors"] if one["path"] == path]
    assert words in fault["message"]
    assert len(api.get("/v1/rules").json()["rules"]) == 8


def test_one_rule_at_a_time(api):
    """POST takes one rule and says where a set goes; a path's id and a body's are the same."""
    for body in ([RULE], {"rules": [RULE]}):
        response = api.post("/v1/rules", body)
        assert (response.status_code, "PUT /v1/rules" in response.json()["message"]) == (400, True)
    api.post("/v1/rules", RULE)
    response = put(api, "/v1/rules/double_posts", RULE | {"rule_id": "other"})
    assert (response.status_code, response.json()["details"]["field"]) == (400, "rule_id")
    for unknown in ("nobody", "%00", "a%20b"):
        assert api.get(f"/v1/rules/{unknown}").status_code == 404
        assert api.get(f"/v1/rules/{unknown}/versions").status_code == 404
        assert api.request("DELETE", f"/v1/rules/{unknown}").status_code == 404


def test_a_set_of_rules_at_once(api):
    """PUT of a set makes, changes and leaves; with prune it withdraws the rest; a fault changes nothing."""
    api.post("/v1/rules", RULE)
    other = RULE | {"rule_id": "other"}
    changed = RULE | {"title": "Posts"}
    tried = put(api, "/v1/rules?dry_run=true&prune=true", {"rules": [changed, other]}).json()
    assert (tried["created"], tried["changed"], len(tried["withdrawn"])) == (["other"], ["double_posts"], 8)
    assert api.get("/v1/rules/other").status_code == 404
    done = put(api, "/v1/rules", {"rules": [changed, other]}).json()
    assert (done["created"], done["changed"], done["withdrawn"]) == (["other"], ["double_posts"], [])
    assert [rule["version"] for rule in done["rules"]] == [2, 1]
    again = put(api, "/v1/rules", {"rules": [changed, other]}).json()
    assert (again["created"], again["changed"], again["unchanged"]) == ([], [], ["double_posts", "other"])
    faulty = put(api, "/v1/rules", {"rules": [RULE | {"rule_id": "third"}, RULE | {"prio": 1}]})
    assert faulty.json()["details"]["errors"][0]["path"] == "rules[1].prio"
    assert api.get("/v1/rules/third").status_code == 404
    pruned = put(api, "/v1/rules?prune=true", {"rules": [other]}).json()
    assert len(pruned["withdrawn"]) == 9
    assert [rule["rule_id"] for rule in api.get("/v1/rules").json()["rules"]] == ["other"]


def test_many_rules_of_two_conditions_at_once(api):
    """The bound of 100 conditions is about each rule of a set, not about the set."""
    conditions = {"course_id": "7", "score": {"gte": 50}}
    trigger = {"event": "forum.posted", "conditions": conditions}
    rules = [RULE | {"rule_id": f"r{number}", "trigger": trigger} for number in range(51)]
    assert len(put(api, "/v1/rules", {"rules": rules}).json()["created"]) == 51


def test_a_pattern_that_hangs_other_engines(api):
    """A hundred of the patterns that took seconds each are a rule like any other."""
    slow = [{f"field_{number}": {"matches": "^(?:a?){24}!"}} for number in range(100)]
    rule = RULE | {"trigger": {"event": "forum.posted", "conditions": {"any": slow}}}
    event = {
        "event": "forum.posted",
        "user_id": "anna",
        "timestamp": "2026-03-02T10:00:00Z",
        "properties": {f"field_{number}": "a" * 256 for number in range(100)},
    }
    tried = api.post("/v1/rules/calculate", {"event": event, "rules": [rule]}).json()
    assert [one["outcome"] for one in tried["decisions"]] == ["condition_not_met"]
    refused = api.post(
        "/v1/rules", RULE | {"trigger": "forum.posted", "conditions": {"x": {"matches": "(?=a)"}}}
    )
    assert refused.status_code == 400
    assert refused.json()["details"]["field"] == "conditions.x.matches"


def test_a_pattern_of_an_earlier_release_stops_only_its_rule(api, store, portal, organisation):
    """A stored rule or badge with a pattern that isn't taken any more is off and says why; others go on."""
    conditions = {"title": {"matches": "(?x) a"}}
    definition = RULE | {"trigger": {"event": "forum.posted", "conditions": conditions}}
    api.post("/v1/badges", {"badge_id": "old", "name": "Old", "criteria": {"points": 1}})

    async def store_it():
        async with store.transaction() as conn:
            await conn.execute(
                "INSERT INTO rules (organisation_id, rule_id, version, definition, created_by)"
                " VALUES ($1, 'double_posts', 1, $2, 'tests')",
                organisation.organisation_id,
                definition,
            )
            await conn.execute(
                "UPDATE badges SET criteria = $2 WHERE organisation_id = $1 AND badge_id = 'old'",
                organisation.organisation_id,
                {"events": [{"event": "forum.posted", "count": 1, "conditions": conditions}]},
            )
            await conn.execute(
                "UPDATE organisations SET version = version + 1 WHERE organisation_id = $1",
                organisation.organisation_id,
            )

    portal.call(store_it)
    answer = api.event("forum.posted", properties={"course_id": "7", "title": "a"})
    assert (answer["points_awarded"], answer["badges"]) == (5, [])
    rule = api.get("/v1/rules/double_posts").json()
    assert rule["active"] is False
    assert "the flag x" in rule["fault"]
    assert "the flag x" in api.get("/v1/badges/old").json()["criteria_fault"]
    assert api.get("/v1/rules/double_posts/versions").status_code == 200
    mended = put(api, "/v1/rules/double_posts", RULE)
    assert (mended.status_code, "fault" in mended.json()) == (200, False)
    assert posted(api, 2)["points_awarded"] == 8


def test_changing_rules_needs_an_administrator(organisation, portal, store):
    """A key that may only read can't change a rule."""
    from rocket_server.organisations import keys

    async def work():
        async with store.transaction() as conn:
            return (await keys.create(conn, organisation.model, name="reader", scopes=["read"]))[0]

    reader = type(organisation.api)(organisation.server.client, portal.call(work))
    assert reader.get("/v1/rules").status_code == 200
    for response in (
        reader.post("/v1/rules", RULE),
        reader.request("PUT", "/v1/rules", json={"rules": [RULE]}),
        reader.request("PUT", "/v1/rules/forum_posted", json=RULE),
        reader.request("DELETE", "/v1/rules/forum_posted"),
    ):
        assert response.status_code == 403


def test_a_double_points_week(make_organisation, adds_up):
    """A multiplier doubles what the other rules give for the same event, by the time when it occurred, and
    says so; caps on points count what was really awarded; the ledger adds up."""
    from rocket_server.rules.parse import parse_rules

    organisation = make_organisation(
        timezone="Europe/Paris",
        rules=parse_rules(
            [
                {
                    "rule_id": "post",
                    "trigger": "forum.posted",
                    "actions": {"award_points": 5},
                    "constraints": {"max_points_per_day": 14},
                },
                {
                    "rule_id": "double",
                    "trigger": "forum.posted",
                    "actions": {"multiplier": 2.5},
                    "starts_at": "2026-03-02",
                    "ends_at": "2026-03-08",
                },
            ]
        ),
    )
    api = organisation.api
    times = [
        "2026-03-01T22:59:59Z", "2026-03-01T23:00:00Z", "2026-03-02T10:00:00Z",
        "2026-03-02T11:00:00Z", "2026-03-08T22:59:59Z", "2026-03-08T23:00:00Z",
    ]  # fmt: skip
    answers = [api.event("forum.posted", timestamp=time) for time in times]
    # 12.5 is rounded up; of the second only 1 fits the day.
    assert [answer["points_awarded"] for answer in answers] == [5, 13, 1, 0, 13, 5]
    early, first, _, full, _, late = ([*answer["decisions"]] for answer in answers)
    assert first[0]["detail"]["multiplies"] == {"factor": 2.5, "rules": ["post"]}
    assert first[1]["detail"]["multiplier"] == {
        "base": 5, "factor": 2.5, "rules": [{"rule_id": "double", "rule_version": 1, "factor": 2.5}],
    }  # fmt: skip
    assert (early[0]["outcome"], early[0]["detail"]["reason"]) == ("inactive", "not_yet")
    assert early[0]["detail"]["since"] == "2026-03-01T23:00:00Z"
    assert (late[0]["outcome"], late[0]["detail"]["until"]) == ("inactive", "2026-03-08T23:00:00Z")
    assert (full[0]["outcome"], full[0]["detail"]) == ("condition_not_met", {"reason": "nothing_to_multiply"})
    adds_up(organisation)


def test_a_multiplier_that_is_used_once(make_organisation, adds_up):
    """A multiplier's own cap counts its uses, and running an event again frees the use that it had."""
    from rocket_server.rules.parse import parse_rules

    organisation = make_organisation(
        rules=parse_rules(
            [
                {"rule_id": "post", "trigger": "forum.posted", "actions": {"award_points": 5}},
                {
                    "rule_id": "treble",
                    "trigger": "forum.posted",
                    "actions": {"multiplier": 3},
                    "constraints": {"max_per_day": 1},
                },
            ]
        )
    )
    api = organisation.api
    first, second = (api.event("forum.posted", event_id=f"e{number}") for number in range(2))
    assert (first["points_awarded"], second["points_awarded"]) == (15, 5)
    again = api.post(f"/v1/events/{first['event_id']}/retry").json()
    assert again["points_awarded"] == 15
    assert api.points("anna") == 20
    adds_up(organisation)


def test_a_lowered_cap_on_points_takes_nothing(make_organisation, adds_up):
    """Where more was given today than a new version allows, an event that is worth nothing gives nothing."""
    organisation = make_organisation(rules=[])
    api = organisation.api
    rule = {
        "rule_id": "by_score",
        "trigger": {"event": "quiz.completed"},
        "actions": {"award_points": {"from": "score", "min": 0}},
        "constraints": {"max_points_per_day": 30},
    }
    api.post("/v1/rules", rule)
    assert api.event("quiz.completed", properties={"score": 20})["points_awarded"] == 20
    put(api, "/v1/rules/by_score", {**rule, "constraints": {"max_points_per_day": 10}})
    answer = api.event("quiz.completed", properties={"score": 0})
    assert (answer["points_awarded"], answer["decisions"][0]["outcome"]) == (0, "awarded")
    assert api.points("anna") == 20
    adds_up(organisation)
