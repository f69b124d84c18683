"""The organisation that the demo plays in: its own, so that nothing of it mixes with real learners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rocket_server.configuration.new_organisation import create_organisation
from rocket_server.organisations import keys, sources, store
from rocket_server.organisations.model import Organisation, Source

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


async def prepare(conn: Any) -> Stage:
    """The Demo organisation, made on the first run, with a new key and a new token for its Moodle source.

    Secrets can't be read back, so those of the last run are replaced.
    """
    organisation_id = await store.find(conn, TENANT, NAME)
    if organisation_id is None:
        made = await create_organisation(
            conn, name=NAME, tenant=TENANT, staff_ids=STAFF_IDS, key_name=_KEY_NAME
        )
        return Stage(made.organisation.organisation_id, made.api_key, made.moodle_token)
    organisation = await store.read(conn, organisation_id)
    source = next(
        found
        for found in await sources.all_sources(conn, organisation.organisation_id)
        if found.name == _SOURCE
    )
    await _revoke_earlier(conn, organisation, source)
    token = await sources.add_token(conn, source)
    key, _ = await keys.create(conn, organisation, name=_KEY_NAME)
    return Stage(organisation.organisation_id, key, token)


async def _revoke_earlier(conn: Any, organisation: Organisation, source: Source) -> None:
    for credential in await sources.credentials(conn, source):
        if credential.revoked_at is None:
            await sources.revoke(conn, source, credential.credential_id)
    after: str | None = None
    while page := await keys.page(conn, organisation, after, 100):
        after = page[-1].key_id
        for key in page:
            if key.name == _KEY_NAME and key.revoked_at is None:
                await keys.revoke(conn, organisation, key.key_id)
