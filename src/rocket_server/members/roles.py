"""What each role may do in the console. Pure."""

from __future__ import annotations

from typing import Final, Literal, get_args

Role = Literal["super_admin", "admin", "instructor", "viewer"]

Permission = Literal[
    "own",  # one's own account
    "look",  # what the organisation does and how it is set up
    "learners",  # who the learners are and what they have
    "tests",  # tests and reviews
    "points",  # give points and take them back
    "audit",  # who changed what
    "settings",  # change how the organisation is set up
    "people",  # say who else signs in
    "installation",  # all organisations
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
_ORGANISATIONS_OWN: Final[frozenset[Permission]] = frozenset(get_args(Permission)) - {"installation"}

_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    "super_admin": frozenset(get_args(Permission)),
    "admin": _ORGANISATIONS_OWN,
    "instructor": frozenset({"own", "look", "learners", "tests"}),
    "viewer": frozenset({"own", "look", "learners"}),
}


def may(role: Role, permission: Permission) -> bool:
    """Whether a role includes a permission."""
    return permission in _PERMISSIONS[role]


def may_give(role: Role) -> tuple[Role, ...]:
    """The roles that somebody of `role` may give to others: none that opens more than their own."""
    if not may(role, "people"):
        return ()
    return ROLES if role == "super_admin" else ROLES[1:]
