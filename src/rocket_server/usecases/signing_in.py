"""People sign in to the console: by password, by the code of a second factor, by a link; and out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.badges.issuers import Sealer
from rocket_server.db.pool import Database
from rocket_server.errors import (
    AuthenticationFailed,
    Forbidden,
    InvalidPayload,
    NotFound,
    RateLimitExceeded,
)
from rocket_server.ids import parse_uuid
from rocket_server.members import codes, failures, sessions, store
from rocket_server.members.failures import Counted
from rocket_server.members.model import LinkKind, Member, Visit
from rocket_server.members.passwords import Passwords, fault_of, must_be_hashed_anew
from rocket_server.members.sessions import From
from rocket_server.metrics import AUTHENTICATION_FAILURES

log = structlog.get_logger(__name__)

_SEEN_EACH: Final = timedelta(minutes=1)
_WRONG: Final = "The e-mail address or the password is wrong."


class Services(Protocol):
    """The parts of a process that signing in needs."""

    @property
    def database(self) -> Database: ...

    @property
    def passwords(self) -> Passwords: ...

    @property
    def sealer(self) -> Sealer: ...


@dataclass(frozen=True, slots=True)
class Came:
    """Where somebody comes from: `network` is what tries are counted for, `known` what a browser holds in
    which somebody has signed in before."""

    where: From
    network: str
    known: str | None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the browser is to hold: the session's secret and, where it wasn't known, its own."""

    session: str
    browser: str | None
    awaits_code: bool


def actor_of(member: Member, came: Came) -> Actor:
    """A member, as the audit log names them."""
    return Actor("person", member.member_id, member.label, member.name, came.where.address, came.request_id)


async def visit(services: Services, secret: str) -> Visit:
    """Who shows this. Raises AuthenticationFailed where nobody is signed in by it any more."""
    now = datetime.now(UTC)
    async with services.database.connection() as conn:
        found = await sessions.visit(conn, secret, now)
        if found is None:
            raise AuthenticationFailed("Sign in.")
        if now - found.session.seen_at >= _SEEN_EACH:
            await sessions.seen(conn, found.session.session_id, now)
    return found


async def sign_in(services: Services, email: str, password: str, came: Came) -> SignedIn:
    """Sign in by password. Raises AuthenticationFailed, or RateLimitExceeded after too many failures."""
    now = datetime.now(UTC)

    async def look(conn: Any) -> tuple[RateLimitExceeded | None, store.Known | None, str | None]:
        known = await store.find(conn, email.strip())
        browser = await sessions.known_browser(conn, known.member_id, came.known) if known else None
        return await failures.count(conn, _counted(email, browser, came), now), known, browser

    refusal, known, browser = await services.database.run(look)
    if refusal is not None:
        raise refusal
    kept = known.password_hash if known and known.disabled_at is None else None
    if not await services.passwords.fits(kept, password) or known is None or kept is None:
        AUTHENTICATION_FAILURES.inc()
        log.info("sign_in_refused", address=came.where.address)
        raise AuthenticationFailed(_WRONG)
    anew = await services.passwords.hash(password) if must_be_hashed_anew(kept) else None

    async def begin(conn: Any) -> SignedIn:
        member = await store.locked(conn, known.member_id)
        if member.disabled_at is not None or await store.password_hash(conn, member.member_id) != kept:
            raise AuthenticationFailed(_WRONG)  # changed while this was compared
        if anew is not None:
            await store.set_password(conn, member.member_id, anew)
        await failures.was_good(conn, _counted(email, browser, came))
        return await _begin(conn, member, came, browser, awaits_code=member.has_code)

    return await services.database.run(begin)


async def enter_code(services: Services, visit: Visit, code: str, came: Came) -> SignedIn:
    """Finish signing in, by a code of the app or a recovery code. Raises InvalidPayload for a wrong one, and
    RateLimitExceeded after too many."""
    now, member = datetime.now(UTC), visit.member

    async def count(conn: Any) -> tuple[RateLimitExceeded | None, str | None]:
        browser = await sessions.known_browser(conn, member.member_id, came.known)
        return await failures.count(conn, [failures.of_code(member.member_id, browser)], now), browser

    refusal, browser = await services.database.run(count)
    if refusal is not None:
        raise refusal

    async def finish(conn: Any) -> SignedIn:
        await store.locked(conn, member.member_id)
        if not await _takes(conn, services.sealer, member.member_id, code, now):
            raise InvalidPayload.from_fields([codes.wrong_code()])
        await failures.was_good(conn, [failures.of_code(member.member_id, browser)])
        secret = await sessions.renew(conn, visit.session.session_id, awaits_code=False, by_link=False)
        if secret is None:
            raise AuthenticationFailed("This took too long. Sign in again.")
        fresh = await sessions.remember_browser(conn, member.member_id, browser, now)
        await _note(conn, member, "session.started", visit.session.session_id, came)
        return SignedIn(secret, fresh, False)

    return await services.database.run(finish)


async def kind_of_link(services: Services, secret: str) -> LinkKind:
    """What a link is for; it stays good. Raises NotFound where it was used or has ended."""
    async with services.database.connection() as conn:
        found = await store.link(conn, secret)
    if found is None:
        raise NotFound("This link was used already, or has ended. Ask for another one.")
    return found[1]


async def follow_link(services: Services, secret: str, came: Came, password: str | None = None) -> SignedIn:
    """Sign in by a link, once, and set the password where one is given. The second factor is asked for all
    the same. Raises NotFound where the link is good no more, InvalidPayload for the password."""
    async with services.database.connection() as conn:
        found = await store.link(conn, secret)
        member = await store.read(conn, found[0]) if found else None
    if found is None or member is None:
        raise NotFound("This link was used already, or has ended. Ask for another one.")
    if password is None and found[1] != "first":
        raise InvalidPayload.field("password", "a new password")
    if password is not None and (fault := fault_of(password, member.email)):
        raise InvalidPayload.from_fields([fault])
    hashed = await services.passwords.hash(password) if password is not None else None

    async def enter(conn: Any) -> SignedIn:
        used = await store.use_link(conn, secret)
        if used is None:
            raise NotFound("This link was used already, or has ended. Ask for another one.")
        entering = await store.locked(conn, used[0])
        if entering.disabled_at is not None:
            raise Forbidden("This account is switched off.")
        if hashed is not None:
            await store.set_password(conn, entering.member_id, hashed)
            await sessions.end_all(conn, entering.member_id)
            await sessions.forget_browsers(conn, entering.member_id)
            subject = subject_of("member", entering.member_id)
            act = Act("member.password_changed", subject, None, {"by": used[1]})
            await audit.add(conn, entering.log, actor_of(entering, came), [act])
        return await _begin(conn, entering, came, None, awaits_code=entering.has_code, by_link=hashed is None)

    return await services.database.run(enter)


async def sign_out(services: Services, visit: Visit, came: Came) -> None:
    """End the session."""
    await end_session(services, visit, visit.session.session_id, came)


async def end_session(services: Services, visit: Visit, session_id: str, came: Came) -> None:
    """End one of one's own sessions. Raises NotFound."""
    known = parse_uuid(session_id)

    async def work(conn: Any) -> None:
        if known is None or not await sessions.end(conn, visit.member.member_id, known):
            raise NotFound("There is no such session.")
        await _note(conn, visit.member, "session.ended", known, came)

    await services.database.run(work)


async def look_at(services: Services, visit: Visit, organisation_id: str) -> None:
    """Let one's session look at another organisation. Raises Forbidden for all but super_admins, NotFound."""
    known = parse_uuid(organisation_id)
    if not visit.may("installation"):
        raise Forbidden("You belong to one organisation.")

    async def work(conn: Any) -> None:
        if known is None or await store.organisation_name(conn, known) is None:
            raise NotFound("There is no such organisation.")
        await sessions.look_at(conn, visit.session.session_id, known)

    await services.database.run(work)


def _counted(email: str, browser: str | None, came: Came) -> list[Counted]:
    if browser is not None:
        return [failures.of_browser(browser)]
    return [failures.of_network(came.network), failures.of_address(email)]


async def _begin(
    conn: Any, member: Member, came: Came, browser: str | None, *, awaits_code: bool, by_link: bool = False
) -> SignedIn:
    now = datetime.now(UTC)
    seen = await store.organisation_to_look_at(conn, member)
    secret, session_id = await sessions.begin(
        conn, member, seen, came.where, now, awaits_code=awaits_code, by_link=by_link
    )
    if awaits_code:
        return SignedIn(secret, None, True)
    fresh = await sessions.remember_browser(conn, member.member_id, browser, now)
    await _note(conn, member, "session.started", session_id, came)
    return SignedIn(secret, fresh, False)


async def _note(conn: Any, member: Member, action: Any, session_id: str, came: Came) -> None:
    where = replace(came.where, browser=came.where.browser[:200])
    state = {"session_id": session_id, "browser": where.browser}
    before, after = (None, state) if action == "session.started" else (state, None)
    act = Act(action, subject_of("member", member.member_id), before, after)
    await audit.add(conn, member.log, actor_of(member, came), [act])


async def _takes(conn: Any, sealer: Sealer, member_id: str, code: str, now: datetime) -> bool:
    """Whether a code is good now, which it is once."""
    kept = await store.code_secret(conn, member_id)
    if kept is not None:
        secret = sealer.open(kept[0], kept[1], member_id).decode()
        step = codes.fitting_step(secret, code, now)
        if step is not None:
            return await store.use_code(conn, member_id, step)
    return await store.use_recovery_code(conn, member_id, codes.recovery_hash(code))
