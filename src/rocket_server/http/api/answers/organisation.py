"""Answers about an organisation: its settings, sources, badges, issuer and plugins."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from rocket_server.organisations.settings import OrganisationSettings, UnknownLearner


class Organisation(OrganisationSettings):
    """An organisation and its settings."""

    organisation_id: str
    tenant_id: str
    name: str
    environment: Literal["production", "staging"]
    timezone_replaced: str | None = Field(
        default=None, description="A zone that isn't known any more, in whose place UTC stands."
    )


class Filters(BaseModel):
    """Which of a source's events count."""

    course_ids: list[str]
    category_ids: list[str]
    role_ids: list[str]
    context_levels: list[str]
    visible: bool | None
    exclude_suspended: bool
    course_resets: bool


class Credential(BaseModel):
    """A token or secret by its beginning."""

    credential_id: str
    kind: str
    prefix: str
    created_at: str
    revoked_at: str | None


class Source(BaseModel):
    """A platform that sends events: to `url` with a token, to `signed_url` where it only signs."""

    source_id: str
    kind: str
    name: str
    slug: str
    url: str
    signed_url: str
    allowed_cidrs: list[str]
    staff_ids: list[str]
    filters: Filters
    unknown_learner: UnknownLearner | None
    mappings: dict[str, Any]
    site: str | None
    credentials: list[Credential]


class SourceMade(Source):
    """A new source with its secrets, which are shown now and never again."""

    token: str | None = None
    hmac_secret: str | None = None


class SourceList(BaseModel):
    """All sources."""

    sources: list[Source]
    next_cursor: None


class CredentialAdded(BaseModel):
    """A further credential, shown now and never again."""

    source_id: str
    token: str | None = None
    hmac_secret: str | None = None


class LoggedRequest(BaseModel):
    """A request of a source's and what was answered; secrets in the body are masked."""

    request_id: str
    received_at: str
    status: int
    outcome: str
    reason: str | None
    address: str | None
    content_type: str | None
    event_id: str | None
    body: str


class RequestPage(BaseModel):
    """Requests, the latest first."""

    requests: list[LoggedRequest]
    next_cursor: str | None


class Badge(BaseModel):
    """A badge. `criteria_fault` says why stored criteria can't be used any more."""

    badge_id: str
    name: str
    description: str
    criteria_text: str
    tags: list[str]
    active: bool
    repeatable: bool
    expires_after_days: int | None
    criteria: dict[str, Any] | None
    criteria_fault: str | None = None
    image_url: str
    created_at: str
    updated_at: str


class BadgePage(BaseModel):
    """Badges, in the order of their ids."""

    badges: list[Badge]
    next_cursor: str | None


class IssuerKey(BaseModel):
    """A key that signs credentials, without its private half."""

    key_id: str
    did: str
    encrypted: bool
    issued: int
    created_at: str
    retired_at: str | None


class Issuer(BaseModel):
    """What credentials say of their issuer."""

    issuer_id: str
    name: str
    url: str | None
    email: str | None
    image_url: str | None
    public_url: str
    keys: list[IssuerKey]


class Hook(BaseModel):
    """An event that a plugin hears."""

    name: str
    priority: int
    failures: int
    last_error: str | None


class PluginWebhook(BaseModel):
    """Where a plugin's service is called; only what every organisation may know of it."""

    url: str
    method: str
    headers: dict[str, str]
    timeout: int
    retries: int
    events: list[str]


class PluginService(BaseModel):
    """A plugin's external service."""

    type: Literal["webhook"]
    webhook: PluginWebhook


class PluginError(BaseModel):
    """How the last call ended; `code` is null where it ended well."""

    at: str
    code: str | None
    message: str


class Plugin(BaseModel):
    """A plugin that is installed."""

    id: str
    name: str
    version: str
    description: str
    author: str
    type: Literal["internal", "external"]
    is_active: bool
    entry_point: str | None
    status: Literal["active", "inactive", "disabled"]
    enabled: bool
    disabled_reason: str | None
    hooks: list[Hook]
    external_service: PluginService | None
    waiting: int
    exhausted: int
    failures: int
    last_error: PluginError | None


class FailedPlugin(BaseModel):
    """A plugin that could not be loaded, and why."""

    id: None
    entry_point: str
    status: Literal["failed"]
    error: str


class PluginList(BaseModel):
    """The installed plugins."""

    plugins: list[Plugin | FailedPlugin]
    registered_events: list[str]
    external_service_count: int
    next_cursor: None
