"""What the audit log says of things that several acts make or change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rocket_server.audit.model import Act, subject_of
from rocket_server.organisations.keys import Key
from rocket_server.organisations.model import Organisation, Source
from rocket_server.organisations.sources import Credential


def key_state(key: Key) -> dict[str, Any]:
    """A key without its secret."""
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "for": "organisation" if key.organisation_id else "tenant",
    }


def key_made(key: Key) -> Act:
    """A new key."""
    return Act("key.created", subject_of("key", key.key_id), None, key_state(key))


def source_state(source: Source) -> dict[str, Any]:
    """A source's settings."""
    filters = asdict(source.filters)
    return {
        "kind": source.kind,
        "name": source.name,
        "staff_ids": sorted(source.staff_ids),
        "filters": {
            name: sorted(value) if isinstance(value, frozenset) else value for name, value in filters.items()
        },
        "unknown_learner": source.unknown_learner,
        "mappings": dict(source.mappings),
        "allowed_cidrs": list(source.allowed_cidrs),
        "site": source.site,
    }


def source_made(source: Source, credentials: Iterable[Credential]) -> list[Act]:
    """A new source, and its credentials."""
    subject = subject_of("source", source.source_id)
    made = Act("source.created", subject, None, source_state(source))
    return [made, *(credential_added(source, one) for one in credentials)]


def credential_added(source: Source, credential: Credential) -> Act:
    """A further token or secret of a source, by its beginning."""
    subject = subject_of("source", source.source_id)
    return Act("source.credential_added", subject, None, credential_state(credential))


def credential_state(credential: Credential) -> dict[str, Any]:
    """A token or secret by its beginning."""
    return {"id": credential.credential_id, "kind": credential.kind, "begins": credential.prefix}


def organisation_state(organisation: Organisation) -> dict[str, Any]:
    """An organisation as it is told."""
    return {
        "tenant_id": organisation.tenant_id,
        "name": organisation.name,
        "environment": organisation.environment,
        **organisation.settings.model_dump(mode="json"),
        "timezone_replaced": organisation.timezone_replaced,
    }
