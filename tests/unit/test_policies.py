"""The edge's table: which policy holds for a path."""

from __future__ import annotations

import pytest

from rocket_server.http.edge.policies import Policies, Policy


async def anybody(scope: object) -> None:
    """Lets everybody's body in."""


def policy(number: int) -> Policy:
    return Policy(number, anybody)


POLICIES = Policies(
    policy(0),
    {
        "/v1/events": policy(1),
        "/v1/rules": policy(2),
        "/v1/rules/*": policy(3),
        "/v1/*": policy(4),
        "/hook/{source}/event": policy(5),
        "/hook/test/event": policy(6),
        "/v1/users/{id}": policy(7),
    },
)


@pytest.mark.parametrize(
    ("path", "number", "as_in_table", "variables"),
    [
        ("/v1/events", 1, "/v1/events", {}),
        ("/v1/events/", 4, "/v1/*", {}),
        ("/v1/rules", 2, "/v1/rules", {}),
        ("/v1/rules/templates", 3, "/v1/rules/*", {}),
        ("/v1/rulesets", 4, "/v1/*", {}),
        ("/hook/moodle/event", 5, "/hook/{source}/event", {"source": "moodle"}),
        ("/hook/test/event", 6, "/hook/test/event", {}),
        ("/hook//event", 0, "(none)", {}),
        ("/hook/event", 0, "(none)", {}),
        ("/hook/a/b/event", 0, "(none)", {}),
        ("/hook/a/events", 0, "(none)", {}),
        ("/v1/users/anna", 7, "/v1/users/{id}", {"id": "anna"}),
        ("/v1/users/anna/balance", 4, "/v1/*", {}),
        ("/v1", 0, "(none)", {}),
        ("", 0, "(none)", {}),
    ],
)
def test_a_path_has_the_nearest_policy(path, number, as_in_table, variables):
    """The path itself comes first, then a pattern with one part open, then the longest path above, then what
    holds for all."""
    found = POLICIES.find(path)
    assert (found.policy.max_body_bytes, found.path, dict(found.variables)) == (
        number,
        as_in_table,
        variables,
    )
