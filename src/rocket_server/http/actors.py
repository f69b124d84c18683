"""Who acts by a request, as the audit log names them."""

from __future__ import annotations

from typing import Any

from rocket_server.audit.model import Actor
from rocket_server.http.auth import Principal
from rocket_server.http.edge.context import context_of
from rocket_server.http.services import Services, services_of


def actor_of(request: Any, principal: Principal) -> Actor:
    """The key that a request was sent with, from where, and the request's id."""
    context, key = context_of(request), principal.key
    address = None if context.address is None else context.client
    return Actor("key", key.key_id, key.prefix, key.name, address, context.request_id)


def acting(request: Any, principal: Principal) -> tuple[Services, str, Actor]:
    """What every use case is given first: the parts of this process, whose organisation, and who acts."""
    return services_of(request), principal.organisation_id, actor_of(request, principal)
