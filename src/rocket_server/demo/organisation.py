"""The organisation that the demo plays in: its own, so that nothing of it mixes with real learners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rocket_server.audit.model import Actor
from rocket_server.organisations import keys, sources, store
from rocket_server.usecases import keys as key_acts
from rocket_server.usecases import sources as source_acts
from rocket_server.usecases.acting import Services
from rocket_server.usecases.new_organisation import create

TENANT: Final = store.DEMO_TENANT
NAME: Final = "Demo"
# The administrator and the teacher of the recording (`site.json` beside the fixtures).
STAFF_IDS: Final = frozenset({"2", "5"})

_SOURCE: Final = "moodle"
_KEY_NAME: Final = "rocket demo"


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demo works with; `key` and `token` are good until the next run."""

    organisation_id: str
    key: str
    token: str


async def prepare(services: Services, actor: Actor) -> Stage:
    """The Demo organisation, made on the first run, with a new key and a new token for its Moodle source.

    Secrets can't be read back, so those of the last run are replaced.
    """
    async with services.database.transaction() as conn:
        organisation_id = await store.find(conn, TENANT, NAME)
        if organisation_id is None:
            made = await create(
                conn, actor, name=NAME, tenant=TENANT, staff_ids=STAFF_IDS, key_name=_KEY_NAME
            )
            return Stage(made.organisation.organisation_id, made.api_key, made.moodle_token)
        source = next(
            found for found in await sources.all_sources(conn, organisation_id) if found.name == _SOURCE
        )
        credentials = await sources.credentials(conn, source)
        earlier_keys = await _earlier_keys(conn, organisation_id)
    for credential in credentials:
        if credential.revoked_at is None:
            await source_acts.revoke(
                services, organisation_id, actor, source.source_id, credential.credential_id
            )
    for key_id in earlier_keys:
        await key_acts.revoke(services, organisation_id, actor, key_id)
    rotation = source_acts.Rotation()
    rotated = await source_acts.rotate(services, organisation_id, actor, source.source_id, rotation)
    key = await key_acts.create(services, organisation_id, actor, key_acts.NewKey(_KEY_NAME))
    return Stage(organisation_id, key.secret, rotated.secrets["token"])


async def _earlier_keys(conn: Any, organisation_id: str) -> list[str]:
    organisation = await store.read(conn, organisation_id)
    found: list[str] = []
    after: str | None = None
    while page := await keys.page(conn, organisation, after, 100):
        after = page[-1].key_id
        found += [key.key_id for key in page if key.name == _KEY_NAME and key.revoked_at is None]
    return found
