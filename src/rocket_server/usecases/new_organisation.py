"""An organisation made ready for its first event. Apart from the rest, so that a first start loads little."""

from __future__ import annotations

from typing import Any

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.configuration.new_organisation import NewOrganisation, create_organisation
from rocket_server.organisations import sources
from rocket_server.usecases import told


async def create(conn: Any, actor: Actor, **settings: Any) -> NewOrganisation:
    """An organisation with the default rules and badges, a key and a Moodle source; `settings` are those of
    `create_organisation`. In a transaction of the caller's, who may have to look first if there is one."""
    made = await create_organisation(conn, **settings)
    organisation = made.organisation
    subject = subject_of("organisation", organisation.organisation_id)
    acts = [
        Act("organisation.created", subject, None, told.organisation_state(organisation)),
        told.key_made(made.key),
        *told.source_made(made.source, await sources.credentials(conn, made.source)),
    ]
    await audit.add(conn, organisation.organisation_id, actor, acts)
    return made
