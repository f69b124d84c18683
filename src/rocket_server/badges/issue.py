"""Issues credentials when they are asked for, and lists of what was revoked; kept once signed."""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from rocket_server.badges import credentials, images, issuers, signing, store
from rocket_server.badges.addresses import PublicUrls
from rocket_server.badges.credentials import LIST_LENGTH, Facts
from rocket_server.badges.issuers import Sealer
from rocket_server.caches import Cache
from rocket_server.db.queries import load
from rocket_server.errors import NotFound

SQL = load(__file__, "issue.sql")

_REMEMBERED_LISTS = 100
_SIGN_AGAIN_AFTER = timedelta(days=1)


async def facts(conn: Any, issuer_id: str, public_id: str) -> Facts | None:
    """An award by its public ids."""
    row = await conn.fetchrow(SQL["facts"], issuer_id, public_id)
    return None if row is None else Facts(**{**row, "tags": tuple(row["tags"])})


async def credential(conn: Any, award: Facts, public_url: str, sealer: Sealer) -> str:
    """The signed credential of an award, as JSON text: always the same once it was issued.

    `conn` is in a transaction. Raises NotFound where the award was revoked before anybody had it.
    """
    kept = await conn.fetchval(SQL["issued"], award.organisation_id, award.award_id)
    if kept is not None:
        return str(kept)
    if award.status == "revoked" or award.learner_status == "anonymised":
        raise NotFound("There is no credential for this award: it was revoked, or its learner is gone.")
    issuer = await issuers.read(conn, award.organisation_id)
    key = await issuers.take_place(conn, award.organisation_id, sealer)
    # Under the lock of the key: who asked for the same at the same moment has committed by now. The place
    # that was taken in vain stays empty.
    kept = await conn.fetchval(SQL["issued"], award.organisation_id, award.award_id)
    if kept is not None:
        return str(kept)
    public = PublicUrls(public_url, issuer.issuer_id)
    document = credentials.open_badge(
        award,
        issuer,
        key.did,
        public,
        public.status_list(key.key_id, key.number // LIST_LENGTH),
        key.number,
        secrets.token_hex(16),
    )
    signed = await asyncio.to_thread(signing.sign, document, key.private_key, datetime.now(UTC))
    text = json.dumps(signed, ensure_ascii=False, separators=(",", ":"))
    await conn.execute(
        SQL["keep"], award.organisation_id, award.award_id, key.key_id, key.number, award.learner_id, text
    )
    return text


async def forget(conn: Any, organisation_id: str, learner_id: str) -> None:
    """Remove a learner's credentials, which hold a hash of their address. Copies in other hands can't be."""
    await conn.execute(SQL["forget"], organisation_id, learner_id)


async def picture(conn: Any, award: Facts, issuer_id: str) -> bytes:
    """The badge's image, or its medal."""
    png = await store.image(conn, issuer_id, award.image_id) if award.image_id else None
    return png if png is not None else await asyncio.to_thread(images.drawn, award.badge_id)


class StatusLists:
    """Signed status lists that this process remembers; each is signed anew when something was revoked, and
    before it is a day old."""

    def __init__(self) -> None:
        self._signed: Cache[tuple[str, int], tuple[tuple[int, ...], datetime, str]] = Cache(_REMEMBERED_LISTS)

    async def get(
        self, conn: Any, issuer_id: str, key_id: str, number: int, public_url: str, sealer: Sealer
    ) -> str:
        """A list as it stands, as JSON text. Raises NotFound."""
        organisation_id = await issuers.find(conn, issuer_id)
        key = await issuers.key(conn, organisation_id, key_id, sealer) if organisation_id else None
        if key is None or number > max(0, key.number - 1) // LIST_LENGTH:
            raise NotFound("There is no such status list.")
        first = number * LIST_LENGTH
        rows = await conn.fetch(SQL["revoked"], organisation_id, key_id, first, first + LIST_LENGTH)
        revoked = tuple(row[0] - first for row in rows)
        now = datetime.now(UTC)
        remembered = self._signed.get((key_id, number))
        if remembered and remembered[0] == revoked and now - remembered[1] < _SIGN_AGAIN_AFTER:
            return remembered[2]
        address = PublicUrls(public_url, issuer_id).status_list(key_id, number)
        document = credentials.status_list(address, key.did, revoked, now)
        signed = await asyncio.to_thread(signing.sign, document, key.private_key, now)
        text = json.dumps(signed, ensure_ascii=False, separators=(",", ":"))
        self._signed.put((key_id, number), (revoked, now, text))
        return text
