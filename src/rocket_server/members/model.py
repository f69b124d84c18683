"""A person of the console and where they are signed in. Pure."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from rocket_server.ids import FIRST_ID
from rocket_server.members.roles import Permission, Role, may

IDLE: Final = timedelta(hours=2)  # without a request, after which a session has ended
LASTS: Final = timedelta(hours=12)  # a session, whatever happens
INVITATION_LASTS: Final = timedelta(days=7)
RESET_LASTS: Final = timedelta(days=1)
MAX_SESSIONS: Final = 20  # and known browsers, of one person: the oldest go
# In whose audit log stands what is about no organisation: acts about a super_admin.
INSTALLATION: Final = FIRST_ID

LinkKind = Literal["first", "invitation", "reset"]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who signs in. `email` is None for the first administrator until they have said theirs."""

    member_id: str
    organisation_id: str | None  # None: a super_admin
    role: Role
    email: str | None
    name: str
    language: str | None
    has_password: bool
    has_code: bool  # a second factor
    disabled_at: datetime | None
    created_at: datetime

    @property
    def label(self) -> str:
        """How others are shown who this is."""
        return self.email or "first administrator"

    @property
    def log(self) -> str:
        """The organisation in whose audit log stands what is done about this person."""
        return self.organisation_id or INSTALLATION


@dataclass(frozen=True, slots=True)
class Session:
    """Where a member is signed in. `organisation_id` is the one that is looked at."""

    session_id: str
    organisation_id: str | None
    organisation_name: str | None
    awaits_code: bool  # the password was right, the second factor is still to come
    by_link: bool  # entered by a link: the password may be set without the old one
    address: str | None
    browser: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, and for which organisation."""

    member: Member
    session: Session

    def may(self, permission: Permission) -> bool:
        """Whether the member's role includes it."""
        return may(self.member.role, permission)


def new_secret() -> str:
    """What a browser or a link holds: 256 random bits."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> bytes:
    """What is kept of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
