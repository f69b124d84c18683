"""Keeps members: who they are, their passwords, second factors and links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rocket_server.db.queries import load
from rocket_server.errors import Conflict, NotFound
from rocket_server.ids import FIRST_ID, uuid7
from rocket_server.members.model import (
    INVITATION_LASTS,
    RESET_LASTS,
    LinkKind,
    Member,
    new_secret,
    secret_hash,
)
from rocket_server.members.roles import Role

SQL = load(__file__, "store.sql")


@dataclass(frozen=True, slots=True)
class Known:
    """Whose address was typed, and what is kept of the password."""

    member_id: str
    password_hash: str | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownOrganisation:
    """An organisation that a super_admin may look at."""

    organisation_id: str
    name: str
    tenant_id: str
    environment: str


async def add(
    conn: Any,
    organisation_id: str | None,
    role: Role,
    *,
    email: str | None,
    name: str = "",
    password_hash: str | None = None,
) -> Member:
    """Make a member. Raises Conflict where the address is somebody's."""
    if email is not None and await find(conn, email) is not None:
        raise Conflict("Somebody signs in with this address already.", {"field": "email"})
    member_id, now = uuid7(), datetime.now(UTC)
    await conn.execute(SQL["add"], member_id, organisation_id, role, email, name, password_hash, now)
    return Member(
        member_id, organisation_id, role, email, name, None, password_hash is not None, False, None, now
    )


async def read(conn: Any, member_id: str) -> Member:
    """A member. Raises NotFound."""
    row = await conn.fetchrow(SQL["read"], member_id)
    if row is None:
        raise NotFound("There is no such person.")
    return Member(*row)


async def locked(conn: Any, member_id: str) -> Member:
    """A member whom nobody else changes until the transaction ends. Raises NotFound."""
    await conn.execute(SQL["lock"], member_id)
    return await read(conn, member_id)


async def page(conn: Any, organisation_id: str | None, after: str | None, limit: int) -> list[Member]:
    """The members of an organisation, or where it is None the super_admins, in the order of their making."""
    return [Member(*row) for row in await conn.fetch(SQL["page"], organisation_id, after, limit)]


async def find(conn: Any, email: str) -> Known | None:
    """Whose address this is, whatever its case."""
    row = await conn.fetchrow(SQL["find"], email)
    return None if row is None else Known(*row)


async def change(
    conn: Any,
    member: Member,
    *,
    role: Role,
    email: str | None,
    name: str,
    language: str | None,
    disabled_at: datetime | None,
) -> Member:
    """Set who a locked member is and what they may do. Raises Conflict where the address is another's."""
    known = None if email is None else await find(conn, email)
    if known is not None and known.member_id != member.member_id:
        raise Conflict("Somebody signs in with this address already.", {"field": "email"})
    await conn.execute(SQL["change"], member.member_id, role, email, name, language, disabled_at)
    return await read(conn, member.member_id)


async def password_hash(conn: Any, member_id: str) -> str | None:
    """What is kept of a member's password."""
    found: str | None = await conn.fetchval(SQL["password_hash"], member_id)
    return found


async def set_password(conn: Any, member_id: str, hashed: str) -> None:
    """Give a member a new password."""
    await conn.execute(SQL["set_password"], member_id, hashed)


async def code_secret(conn: Any, member_id: str) -> tuple[bytes, bool] | None:
    """The secret of a member's second factor as it is kept, and whether it is encrypted."""
    row = await conn.fetchrow(SQL["code_secret"], member_id)
    return None if row is None else (row[0], row[1])


async def set_code(
    conn: Any, member_id: str, secret: tuple[bytes, bool] | None, step: int | None, recovery: Sequence[bytes]
) -> None:
    """Give a member a second factor and recovery codes, or take them away."""
    kept, sealed = secret or (None, None)
    await conn.execute(SQL["set_code_secret"], member_id, kept, sealed, step)
    await set_recovery_codes(conn, member_id, recovery)


async def set_recovery_codes(conn: Any, member_id: str, hashes: Sequence[bytes]) -> None:
    """Give a member recovery codes instead of those before."""
    await conn.execute(SQL["forget_recovery_codes"], member_id)
    await conn.execute(SQL["add_recovery_codes"], member_id, list(hashes))


async def use_code(conn: Any, member_id: str, step: int) -> bool:
    """Take the code of a step; False where it, or a later one, was used before."""
    return await conn.fetchval(SQL["use_code"], member_id, step) is not None


async def use_recovery_code(conn: Any, member_id: str, code_hash: bytes) -> bool:
    """Take a recovery code; False where there is none such."""
    return await conn.fetchval(SQL["use_recovery_code"], member_id, code_hash) is not None


async def recovery_codes_left(conn: Any, member_id: str) -> int:
    """How many recovery codes a member has left."""
    return int(await conn.fetchval(SQL["recovery_codes_left"], member_id))


async def new_link(conn: Any, member_id: str, kind: LinkKind) -> str:
    """What a new link for a member ends in; an earlier one is void."""
    secret = new_secret()
    ends_at = datetime.now(UTC) + (RESET_LASTS if kind == "reset" else INVITATION_LASTS)
    await conn.execute(SQL["put_link"], member_id, secret_hash(secret), kind, ends_at)
    return secret


async def link(conn: Any, secret: str) -> tuple[str, LinkKind] | None:
    """Whom a link lets in, and its kind; it stays good."""
    row = await conn.fetchrow(SQL["link"], secret_hash(secret))
    return None if row is None else (row[0], row[1])


async def use_link(conn: Any, secret: str) -> tuple[str, LinkKind] | None:
    """The same, once."""
    row = await conn.fetchrow(SQL["use_link"], secret_hash(secret))
    return None if row is None else (row[0], row[1])


async def forget_link(conn: Any, member_id: str) -> None:
    """Make a member's link void."""
    await conn.execute(SQL["forget_link"], member_id)


async def first(conn: Any) -> Any:
    """Who was made first: id, address, and whether they have a password; None before there is one."""
    return await conn.fetchrow(SQL["first"])


async def organisation_to_look_at(conn: Any, member: Member) -> str | None:
    """A member's own organisation; for a super_admin the one that was made first."""
    if member.organisation_id is not None:
        return member.organisation_id
    found: str | None = await conn.fetchval(SQL["first_organisation"])
    return found


async def organisation_name(conn: Any, organisation_id: str) -> str | None:
    """The name of an organisation; None where there is none."""
    found: str | None = await conn.fetchval(SQL["is_organisation"], organisation_id)
    return found


async def organisations(conn: Any, after: str | None, limit: int) -> list[ShownOrganisation]:
    """Organisations in the order of their making, behind one."""
    rows = await conn.fetch(SQL["organisations"], after or FIRST_ID, limit)
    return [ShownOrganisation(*row) for row in rows]
