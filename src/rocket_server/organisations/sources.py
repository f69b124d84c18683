"""Sources: made, changed, found by token or slug, and their credentials rotated without a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from rocket_server.db.queries import load
from rocket_server.errors import Conflict, NotFound
from rocket_server.ids import uuid7
from rocket_server.organisations import store
from rocket_server.organisations.credentials import credential_hash, new_slug, new_token, shown_prefix
from rocket_server.organisations.model import Filters, Source

SQL = load(__file__, "sources.sql")

MAX_SOURCES = 200  # of one organisation
MAX_CREDENTIALS = 20  # of one source, that work
_REVOKED_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Credential:
    """A token or HMAC secret of a source, without what must not be shown."""

    credential_id: str
    kind: Literal["token", "hmac_secret"]
    prefix: str
    created_at: datetime
    revoked_at: datetime | None


def hook_url(public_url: str, addressed: str) -> str:
    """Where a source of that kind, or with that slug, sends its events."""
    return f"{public_url.rstrip('/')}/api/public/hook/{addressed}/event"


async def create(conn: Any, source: Source) -> Source:
    """Store a new source; its id and slug are made here. Its first credential is added apart.

    Raises Conflict where the organisation has MAX_SOURCES already: lists and every process hold all of them.
    """
    await store.touch(conn, source.organisation_id)  # also the lock under which they are counted
    if await conn.fetchval(SQL["count"], source.organisation_id) >= MAX_SOURCES:
        raise Conflict(f"An organisation has at most {MAX_SOURCES} sources.", {"limit": MAX_SOURCES})
    stored = replace(source, source_id=uuid7(), slug=new_slug(source.kind))
    await conn.execute(
        SQL["add"],
        stored.organisation_id,
        stored.source_id,
        stored.kind,
        stored.name,
        stored.slug,
        *_settings(stored),
    )
    await conn.execute(SQL["add_slug"], stored.slug, stored.organisation_id, stored.source_id)
    return stored


async def change(conn: Any, source: Source) -> None:
    """Store a source's new settings, all of them: the caller read it holding the organisation's row."""
    await conn.execute(SQL["change"], source.organisation_id, source.source_id, *_settings(source))
    await store.touch(conn, source.organisation_id)


async def settle_site(conn: Any, source: Source, site: str) -> str:
    """The site that the source belongs to: `site`, unless another was named first."""
    settled: str = await conn.fetchval(SQL["settle_site"], source.organisation_id, source.source_id, site)
    await store.touch(conn, source.organisation_id)
    return settled


async def set_site(conn: Any, source: Source, site: str | None) -> Source:
    """The source as that of another site; None: of the next that is named."""
    await conn.execute(SQL["set_site"], source.organisation_id, source.source_id, site)
    await store.touch(conn, source.organisation_id)
    return replace(source, site=site)


async def all_sources(conn: Any, organisation_id: str) -> list[Source]:
    """The organisation's sources, in the order of their making."""
    return [_source(row) for row in await conn.fetch(SQL["all"], organisation_id)]


async def read(conn: Any, organisation_id: str, source_id: str) -> Source:
    """One source. Raises NotFound where the organisation has none of that id."""
    row = await conn.fetchrow(SQL["read"], organisation_id, source_id)
    if row is None:
        raise NotFound("There is no such source.")
    return _source(row)


async def find_by_token(conn: Any, token_hash: bytes) -> tuple[Source, int] | None:
    """The source that a token belongs to, unless the token was revoked, and its organisation's version."""
    row = await conn.fetchrow(SQL["find_by_token"], token_hash)
    return None if row is None else (_source(row), row["version"])


async def find_by_slug(conn: Any, slug: str) -> Source | None:
    """The source that a slug leads to."""
    row = await conn.fetchrow(SQL["find_by_slug"], slug)
    return None if row is None else await read(conn, row["organisation_id"], row["source_id"])


async def live_tokens(conn: Any, hashes: Sequence[bytes]) -> set[bytes]:
    """Which of these hashes belong to tokens that weren't revoked."""
    return {row[0] for row in await conn.fetch(SQL["live_tokens"], list(hashes))}


async def add_token(conn: Any, source: Source, token: str | None = None) -> str:
    """Add a bearer token, one of the administrator's own or a new one; it is answered now and never again."""
    await _check_room(conn, source)
    token = token or new_token()
    added = await conn.fetchval(
        SQL["add_token"],
        credential_hash(token),
        uuid7(),
        source.organisation_id,
        source.source_id,
        shown_prefix(token),
    )
    if added is None:
        raise Conflict("This token is taken; bring another or let the server make one.", {"field": "token"})
    await store.touch(conn, source.organisation_id)
    return token


async def add_hmac_secret(conn: Any, source: Source, secret: str | None = None) -> str:
    """Add an HMAC secret, with which the platform signs its requests."""
    await _check_room(conn, source)
    secret = secret or new_token()
    await conn.execute(SQL["add_hmac_secret"], source.organisation_id, source.source_id, uuid7(), secret)
    await store.touch(conn, source.organisation_id)
    return secret


async def hmac_secrets(conn: Any, source: Source) -> list[str]:
    """The source's active HMAC secrets."""
    return [row[0] for row in await conn.fetch(SQL["hmac_secrets"], source.organisation_id, source.source_id)]


async def credentials(conn: Any, source: Source) -> list[Credential]:
    """The source's credentials as they may be shown: the active ones, and of those revoked the latest."""
    rows = await conn.fetch(
        SQL["credentials"], source.organisation_id, source.source_id, MAX_CREDENTIALS + _REVOKED_SHOWN
    )
    return [Credential(*row.values()) for row in rows]


async def revoke(conn: Any, source: Source, credential: str) -> None:
    """Revoke a token (by id or shown prefix) or an HMAC secret (by id).

    Raises Conflict where several tokens begin alike; the caller's transaction then has to be rolled back.
    """
    arguments = (source.organisation_id, source.source_id, credential)
    tokens = await conn.fetch(SQL["revoke_token"], *arguments)
    if len(tokens) > 1:
        raise Conflict(f"{len(tokens)} tokens begin with {credential!r}: name one by its id.")
    if not tokens and not await conn.fetch(SQL["revoke_hmac_secret"], *arguments):
        raise NotFound(f"The source has no active credential {credential!r}.")
    await store.touch(conn, source.organisation_id)


async def _check_room(conn: Any, source: Source) -> None:
    """Raise Conflict where the source has MAX_CREDENTIALS already."""
    active = await conn.fetchval(SQL["active_credentials"], source.organisation_id, source.source_id)
    if active >= MAX_CREDENTIALS:
        raise Conflict(
            f"A source has at most {MAX_CREDENTIALS} active credentials. Revoke one that isn't used.",
            {"limit": MAX_CREDENTIALS},
        )


def _settings(source: Source) -> tuple[Any, ...]:
    filters = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in asdict(source.filters).items()
    }
    return (
        sorted(source.staff_ids),
        filters,
        source.unknown_learner,
        dict(source.mappings),
        list(source.allowed_cidrs),
    )


def filters_of(data: Mapping[str, Any]) -> Filters:
    """Filters from their stored or posted form."""
    return Filters(
        course_ids=frozenset(data.get("course_ids") or ()),
        category_ids=frozenset(data.get("category_ids") or ()),
        role_ids=frozenset(data.get("role_ids") or ()),
        context_levels=frozenset(data.get("context_levels") or ()),
        visible=data.get("visible"),
        exclude_suspended=bool(data.get("exclude_suspended")),
        course_resets=bool(data.get("course_resets", True)),
    )


def _source(row: Any) -> Source:
    return Source(
        row["organisation_id"],
        row["source_id"],
        row["kind"],
        row["name"],
        row["slug"],
        frozenset(row["staff_ids"]),
        filters_of(row["filters"]),
        row["unknown_learner"],
        row["mappings"],
        tuple(row["allowed_cidrs"]),
        row["site"],
        row["created_at"],
    )
