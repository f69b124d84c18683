"""The organisation as an issuer of badges: what it says of itself, and the key that signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, changed, subject_of
from rocket_server.badges import issuers, store
from rocket_server.badges.issuers import Sealer, ShownKey
from rocket_server.badges.model import Issuer
from rocket_server.organisations import store as organisations
from rocket_server.usecases.acting import Services

_SUBJECT: Final = subject_of("issuer", "own")


@dataclass(frozen=True, slots=True)
class Profile:
    """What credentials say of their issuer. `png` is a new image; `keeps_image` says that none was named."""

    name: str | None
    url: str | None
    email: str | None
    png: bytes | None
    keeps_image: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The issuer and its keys, the latest first."""

    issuer: Issuer
    keys: list[ShownKey]


async def read(conn: Any, organisation_id: str) -> Shown:
    """The issuer as it is."""
    return Shown(await issuers.read(conn, organisation_id), await issuers.keys(conn, organisation_id))


async def change(services: Services, organisation_id: str, actor: Actor, profile: Profile) -> Shown:
    """Set the issuer's profile, whole. Credentials that were issued keep what they say."""

    async def work(conn: Any) -> Shown:
        await organisations.lock(conn, organisation_id)
        before = await issuers.read(conn, organisation_id)
        fields: dict[str, Any] = {"name": profile.name, "url": profile.url, "email": profile.email}
        if profile.png is not None:
            fields["image_id"] = await store.add_image(conn, organisation_id, "", profile.png)
        elif profile.keeps_image:
            fields["image_id"] = before.image_id
        kept = {name: value for name, value in fields.items() if value is not None}
        await issuers.set_profile(conn, organisation_id, kept)
        shown = await read(conn, organisation_id)
        acts = changed("issuer.changed", _SUBJECT, _state(before), _state(shown.issuer))
        await audit.add(conn, organisation_id, actor, acts)
        return shown

    return await services.database.run(work)


async def rotate_key(services: Services, organisation_id: str, actor: Actor, sealer: Sealer) -> Shown:
    """Sign with a new key from now on. The old one goes on to verify what it signed."""

    async def work(conn: Any) -> Shown:
        await organisations.lock(conn, organisation_id)
        await issuers.rotate(conn, organisation_id, sealer)
        shown = await read(conn, organisation_id)
        after = {"key_id": shown.keys[0].key_id, "did": shown.keys[0].did}
        await audit.add(conn, organisation_id, actor, [Act("issuer.key_rotated", _SUBJECT, None, after)])
        return shown

    return await services.database.run(work)


def _state(issuer: Issuer) -> dict[str, Any]:
    return {"name": issuer.name, "url": issuer.url, "email": issuer.email, "image_id": issuer.image_id}
