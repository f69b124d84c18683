"""Administrators say who signs in to the console, and as what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, changed, subject_of
from rocket_server.db.pool import Database
from rocket_server.errors import Conflict, FieldError, InvalidPayload, NotFound
from rocket_server.ids import parse_uuid
from rocket_server.members import sessions, store
from rocket_server.members.model import Member
from rocket_server.members.roles import ROLES, Role

# Enough to tell a slip of the finger; whether somebody reads there only a message can tell.
_PART: Final = r"[^\s@,;<>\"\x00-\x1f\x7f]"
_EMAIL: Final = re.compile(rf"{_PART}{{1,64}}@{_PART}+\.{_PART}{{2,}}")
_MAX_EMAIL: Final = 254  # RFC 5321, 4.5.3.1.3
_MAX_NAME: Final = 200


class Services(Protocol):
    """The parts of a process that these acts need."""

    @property
    def database(self) -> Database: ...


@dataclass(frozen=True, slots=True)
class NewMember:
    """Somebody who is to sign in; `organisation_id` is None for a super_admin. With `password_hash` they can
    at once, else by a link."""

    organisation_id: str | None
    role: Role
    email: str
    name: str = ""
    password_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """A member, and what the link ends in by which they sign in once; None where they have a password."""

    member: Member
    link: str | None


def state(member: Member) -> dict[str, Any]:
    """A member as the audit log has them."""
    return {
        "role": member.role,
        "email": member.email,
        "name": member.name,
        "language": member.language,
        "disabled": member.disabled_at is not None,
    }


def checked_email(email: str) -> str:
    """An address as it is kept. Raises InvalidPayload."""
    email = email.strip()
    if len(email) > _MAX_EMAIL or _EMAIL.fullmatch(email) is None:
        raise InvalidPayload.from_fields(
            [FieldError("email", "must be an e-mail address, such as ada@example.org")]
        )
    return email


def checked_name(name: str) -> str:
    """A name as it is kept. Raises InvalidPayload."""
    name = name.strip()
    if len(name) > _MAX_NAME or not name.isprintable():
        raise InvalidPayload.from_fields(
            [FieldError("name", f"must have at most {_MAX_NAME} characters, in one line")]
        )
    return name


def role_of(text: str, among: tuple[Role, ...] = ROLES) -> Role:
    """A role by its name. Raises InvalidPayload where it is none of these."""
    for role in among:
        if role == text:
            return role
    raise InvalidPayload.from_fields([FieldError("role", f"must be one of {', '.join(among)}")])


async def create(services: Services, actor: Actor, new: NewMember) -> Invited:
    """Let somebody sign in from now on. Raises InvalidPayload, or Conflict for another's address."""
    email, name = checked_email(new.email), checked_name(new.name)

    async def work(conn: Any) -> Invited:
        member = await store.add(
            conn,
            new.organisation_id,
            new.role,
            email=email,
            name=name,
            password_hash=new.password_hash,
        )
        acts = [Act("member.created", subject_of("member", member.member_id), None, state(member))]
        await audit.add(conn, member.log, actor, acts)
        link = await store.new_link(conn, member.member_id, "invitation") if not new.password_hash else None
        return Invited(member, link)

    return await services.database.run(work)


async def change_role(
    services: Services, actor: Actor, organisation_id: str | None, member_id: str, role: Role
) -> Member:
    """Give a member of this organisation another role: they are signed out everywhere, and sign in anew with
    it. Raises NotFound, or Conflict where it is the actor's own or would make them a super_admin."""

    async def work(conn: Any) -> Member:
        before = await _of(conn, organisation_id, member_id)
        _not_own(actor, before)
        if (role == "super_admin") != (before.role == "super_admin"):
            raise Conflict(
                "A super_admin belongs to no organisation: make another account.", {"field": "role"}
            )
        after = await _changed(conn, before, role=role, disabled_at=before.disabled_at)
        if after.role != before.role:
            await sessions.end_all(conn, after.member_id)
        await _note(conn, actor, before, after)
        return after

    return await services.database.run(work)


async def set_disabled(
    services: Services, actor: Actor, organisation_id: str | None, member_id: str, *, disabled: bool
) -> Member:
    """Let a member sign in no more, from the next request on, or again. Raises NotFound, or Conflict for the
    actor's own account."""

    async def work(conn: Any) -> Member:
        before = await _of(conn, organisation_id, member_id)
        _not_own(actor, before)
        if (before.disabled_at is not None) == disabled:
            return before
        at = datetime.now(UTC) if disabled else None
        after = await _changed(conn, before, role=before.role, disabled_at=at)
        if disabled:
            await sessions.end_all(conn, after.member_id)
            await store.forget_link(conn, after.member_id)
        await _note(conn, actor, before, after)
        return after

    return await services.database.run(work)


async def reset(
    services: Services,
    actor: Actor,
    organisation_id: str | None,
    member_id: str,
    *,
    second_factor: bool = False,
    password_hash: str | None = None,
) -> str | None:
    """What a link ends in by which a member signs in once and sets another password; the old one and open
    sessions stay good until then. With `password_hash` that is set at once, and everything ends.
    With `second_factor` theirs is removed. Raises NotFound, or Conflict for who is switched off."""

    async def work(conn: Any) -> str | None:
        member = await _of(conn, organisation_id, member_id)
        if member.disabled_at is not None:
            raise Conflict("This account is switched off: switch it on first.")
        subject = subject_of("member", member.member_id)
        acts = []
        if second_factor and member.has_code:
            await store.set_code(conn, member.member_id, None, None, [])
            acts.append(Act("member.second_factor_off", subject, None, {"by": "administrator"}))
        link = None
        if password_hash is not None:
            await store.set_password(conn, member.member_id, password_hash)
            await store.forget_link(conn, member.member_id)
            await sessions.end_all(conn, member.member_id)
            await sessions.forget_browsers(conn, member.member_id)
            acts.append(Act("member.password_changed", subject, None, {"by": "administrator"}))
        else:
            link = await store.new_link(conn, member.member_id, "reset" if member.email else "first")
            acts.append(Act("member.link_made", subject, None, None))
        await audit.add(conn, member.log, actor, acts)
        return link

    return await services.database.run(work)


async def first_link(conn: Any, actor: Actor) -> str | None:
    """What the link ends in by which the first administrator signs in, while nobody has a password: they are
    made where there is nobody yet. In a transaction of the caller's, who is alone; None afterwards."""
    there = await store.first(conn)
    if there is None:
        member = await store.add(conn, None, "super_admin", email=None)
        act = Act("member.created", subject_of("member", member.member_id), None, state(member))
        await audit.add(conn, member.log, actor, [act])
        return await store.new_link(conn, member.member_id, "first")
    if there["email"] is not None or there["has_password"]:
        return None
    return await store.new_link(conn, there["member_id"], "first")


async def _of(conn: Any, organisation_id: str | None, member_id: str) -> Member:
    known = parse_uuid(member_id)
    member = await store.locked(conn, known) if known else None
    if member is None or member.organisation_id != organisation_id:
        raise no_such_person()
    return member


def no_such_person() -> NotFound:
    """The answer where nobody of this organisation is meant."""
    return NotFound("There is no such person in this organisation.")


async def _changed(conn: Any, member: Member, *, role: Role, disabled_at: datetime | None) -> Member:
    return await store.change(
        conn,
        member,
        role=role,
        email=member.email,
        name=member.name,
        language=member.language,
        disabled_at=disabled_at,
    )


def _not_own(actor: Actor, member: Member) -> None:
    """So there is always somebody left who can let others in."""
    if actor.kind == "person" and actor.id == member.member_id:
        raise Conflict("You can't change your own role or switch yourself off: somebody else has to.")


async def _note(conn: Any, actor: Actor, before: Member, after: Member) -> None:
    acts = changed("member.changed", subject_of("member", after.member_id), state(before), state(after))
    await audit.add(conn, after.log, actor, acts)
