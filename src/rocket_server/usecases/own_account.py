"""What people of the console change about their own account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Action, changed, subject_of
from rocket_server.errors import AuthenticationFailed, Conflict, FieldError, InvalidPayload
from rocket_server.members import codes, failures, sessions, store
from rocket_server.members.model import Member, Visit
from rocket_server.members.passwords import fault_of
from rocket_server.usecases.members import checked_email, checked_name, state
from rocket_server.usecases.signing_in import Came, Services, actor_of


@dataclass(frozen=True, slots=True)
class Details:
    """Who one is. `language` None: as the browser asks."""

    email: str
    name: str
    language: str | None


async def change_details(services: Services, visit: Visit, came: Came, details: Details) -> Member:
    """Change one's own address, name and language. Raises InvalidPayload, or Conflict."""
    email, name = checked_email(details.email), checked_name(details.name)

    async def work(conn: Any) -> Member:
        before = await store.locked(conn, visit.member.member_id)
        after = await store.change(
            conn,
            before,
            role=before.role,
            email=email,
            name=name,
            language=details.language,
            disabled_at=before.disabled_at,
        )
        acts = changed("member.changed", subject_of("member", after.member_id), state(before), state(after))
        await audit.add(conn, after.log, actor_of(before, came), acts)
        return after

    return await services.database.run(work)


async def change_password(services: Services, visit: Visit, came: Came, old: str, new: str) -> str:
    """Set another password; the browser's new secret is answered, and all other sessions end. Who came by a
    link needs no old one. Raises InvalidPayload for either, RateLimitExceeded after too many wrong ones."""
    member = visit.member
    if member.email is None:
        raise InvalidPayload.field("email", "your e-mail address first: it is what you sign in with")
    if fault := fault_of(new, member.email, "new_password"):
        raise InvalidPayload.from_fields([fault])
    if member.has_password and not visit.session.by_link:
        await _check_old(services, visit, old)
    hashed = await services.passwords.hash(new)

    async def work(conn: Any) -> str:
        await store.locked(conn, member.member_id)
        await store.set_password(conn, member.member_id, hashed)
        await store.forget_link(conn, member.member_id)
        await sessions.end_all(conn, member.member_id, but=visit.session.session_id)
        await _note(conn, member, came, "member.password_changed", {"by": "own"})
        secret = await sessions.renew(conn, visit.session.session_id, awaits_code=False, by_link=False)
        if secret is None:
            raise AuthenticationFailed("You were signed out meanwhile.")
        return secret

    return await services.database.run(work)


async def add_code(services: Services, visit: Visit, came: Came, secret: str, code: str) -> list[str]:
    """Switch the second factor on, once the app shows the right code: the recovery codes are answered now and
    never again. Raises InvalidPayload for a wrong code, Conflict where it is on."""
    now = datetime.now(UTC)
    step = codes.fitting_step(secret, code, now) if codes.is_secret(secret) else None
    if step is None:
        raise InvalidPayload.from_fields([codes.wrong_code()])
    kept = services.sealer.seal(secret.encode(), visit.member.member_id)
    fresh = codes.new_recovery_codes()

    async def work(conn: Any) -> None:
        member = await store.locked(conn, visit.member.member_id)
        if member.has_code:
            raise Conflict("The second factor is on already.")
        hashes = [codes.recovery_hash(one) for one in fresh]
        await store.set_code(conn, member.member_id, kept, step, hashes)
        await sessions.end_all(conn, member.member_id, but=visit.session.session_id)
        await _note(conn, member, came, "member.second_factor_on", None)

    await services.database.run(work)
    return fresh


async def remove_code(services: Services, visit: Visit, came: Came, password: str) -> None:
    """Switch the second factor off. Raises InvalidPayload where the password is wrong."""
    await _check_old(services, visit, password, "password")

    async def work(conn: Any) -> None:
        member = await store.locked(conn, visit.member.member_id)
        if member.has_code:
            await store.set_code(conn, member.member_id, None, None, [])
            await _note(conn, member, came, "member.second_factor_off", {"by": "own"})

    await services.database.run(work)


async def end_other_sessions(services: Services, visit: Visit, came: Came) -> int:
    """Sign out everywhere else; how many sessions that were."""

    async def work(conn: Any) -> int:
        ended = await sessions.end_all(conn, visit.member.member_id, but=visit.session.session_id)
        if ended:
            await _note(conn, visit.member, came, "session.ended", {"sessions": ended})
        return ended

    return await services.database.run(work)


async def _check_old(services: Services, visit: Visit, password: str, field: str = "old_password") -> None:
    """Who sits at somebody's open browser can't guess the password there."""
    member, now = visit.member, datetime.now(UTC)
    counted = [failures.of_code(visit.session.session_id, None)]

    async def look(conn: Any) -> Any:
        return await failures.count(conn, counted, now), await store.password_hash(conn, member.member_id)

    refusal, kept = await services.database.run(look)
    if refusal is not None:
        raise refusal
    if not await services.passwords.fits(kept, password):
        raise InvalidPayload.from_fields([FieldError(field, "your password as it is now")])

    async def forgive(conn: Any) -> None:
        await failures.was_good(conn, counted)

    await services.database.run(forgive)


async def _note(conn: Any, member: Member, came: Came, action: Action, after: dict[str, Any] | None) -> None:
    act = Act(action, subject_of("member", member.member_id), None, after)
    await audit.add(conn, member.log, actor_of(member, came), [act])
