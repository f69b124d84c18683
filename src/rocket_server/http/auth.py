"""Who sends a request, and what this key or token opens."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Coroutine, MutableMapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_network
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from rocket_server.caches import Cache
from rocket_server.db.pool import Database
from rocket_server.errors import AuthenticationFailed, Forbidden, RocketError
from rocket_server.http.edge.context import Address, RequestContext, address_block, context_of
from rocket_server.http.edge.lookups import Turns
from rocket_server.http.rate_limits import RateLimit
from rocket_server.ids import parse_uuid
from rocket_server.metrics import AUTHENTICATION_FAILURES
from rocket_server.organisations import keys, sources
from rocket_server.organisations.admission import Credential
from rocket_server.organisations.credentials import MAX_TOKEN_LENGTH, credential_hash
from rocket_server.organisations.keys import Key
from rocket_server.organisations.model import Source
from rocket_server.presence import acting_for
from rocket_server.sources import KINDS, scheme_at, signatures

_REMEMBERED = 10_000  # keys and tokens
# Of credentials that this process hasn't seen. They take few of its connections to the database, so that
# those who try keys keep nobody from it.
_LOOKUPS = 2
_WAITING_LOOKUPS = 512
_TENANT_HEADERS = ("x-tenant-id", "tenantid", "tenant-id")
_ORGANISATION_HEADERS = ("x-organisation-id", "organisationid", "organisation-id")
_NAMING_HEADERS = frozenset(name.encode() for name in (*_TENANT_HEADERS, *_ORGANISATION_HEADERS))
_UNSIGNED = "Send `Authorization: Bearer <token>`, or sign the body where the source has a secret."


@dataclass(frozen=True, slots=True)
class Principal:
    """A key that was accepted for an organisation."""

    key: Key
    organisation_id: str
    credential: Credential

    @property
    def tenant_id(self) -> str:
        return self.key.tenant_id

    def needs(self, *scopes: str) -> None:
        """Raise Forbidden where the key has none of `scopes`; `admin` includes all."""
        if self.key.scopes.isdisjoint((*scopes, "admin")):
            raise Forbidden(f"This key lacks the scope {' or '.join(scopes)}.", {"scope": scopes[0]})


@dataclass(frozen=True, slots=True)
class AcceptedSource:
    """A source whose token or signature was accepted."""

    source: Source
    credential: Credential


class Authenticator:
    """Finds keys and tokens. What it remembers is only used where the transaction checks it again."""

    def __init__(
        self, database: Database, *, failures_per_minute: int, key_limit: int, source_limit: int
    ) -> None:
        self._database = database
        self._failures = RateLimit("failed authentications from this address", failures_per_minute)
        self._key_limit = RateLimit("requests with this key", key_limit)
        self._source_limit = RateLimit("requests from this source", source_limit)
        self._principals: Cache[tuple[bytes, str | None], Principal] = Cache(_REMEMBERED)
        self._senders: Cache[bytes, AcceptedSource] = Cache(_REMEMBERED)
        self._turns = Turns(_LOOKUPS, _WAITING_LOOKUPS)
        self._suspect_turns = Turns(1, _WAITING_LOOKUPS)

    async def principal(self, request: Request, *, remembered: bool = False) -> Principal:
        """The key of a request. `remembered` allows an answer from memory, for callers whose transaction
        checks the credential itself. Raises AuthenticationFailed, Forbidden or RateLimitExceeded."""
        context = context_of(request)
        if context.principal is not None:  # it was asked for before the body was read
            return cast(Principal, context.principal)
        key_hash = credential_hash(self._bearer(request, context))
        tenant_id, organisation_id = _named_organisation(request)
        found = self._principals.get((key_hash, organisation_id))
        if found is None or not remembered:
            async with self._turn(context, seen=found is not None):
                found = await self._find_principal(key_hash, organisation_id, context)
            self._principals.put((key_hash, organisation_id), found)
        _check_organisation(found, tenant_id, organisation_id)
        self._key_limit.hit(found.key.key_id, context)
        context.principal, context.sender = found, found.organisation_id
        acting_for.set(found.organisation_id)
        return found

    async def sender(
        self, request: Request, addressed: str | None, *, remembered: bool = False
    ) -> AcceptedSource:
        """The source of a hook request, by bearer token or, where it is addressed by its slug, by signature.
        `addressed` is the kind or slug in the URL; None takes any source's token. `remembered` as above."""
        context = context_of(request)
        if "authorization" in request.headers:
            token_hash = credential_hash(self._token(request, context))
            found = self._senders.get(token_hash)
            if found is None or not remembered:
                async with self._turn(context, seen=found is not None):
                    found = await self._find_sender(token_hash, context)
                self._senders.put(token_hash, found)
            if addressed not in (None, found.source.kind, found.source.slug):
                raise Forbidden(
                    f"This token belongs to a source of kind {found.source.kind}; its URL ends in "
                    f"/hook/{found.source.kind}/event."
                )
        else:
            found = await self._sender_by_signature(request, addressed, context)
        self._source_limit.hit(found.source.source_id, context)
        context.sender = found.source.organisation_id
        acting_for.set(found.source.organisation_id)
        return found

    def revoked(self, request: Request, credential: Credential) -> RocketError:
        """The answer where a transaction found that the credential was revoked: a failure as any other. The
        next request finds nothing in memory, and takes part in no transaction."""
        self._senders.forget(credential.hash)
        for known in [known for known in self._principals if known[0] == credential.hash]:
            self._principals.forget(known)
        return self._failed(context_of(request), "This key or token was revoked.")

    async def _find_principal(
        self, key_hash: bytes, organisation_id: str | None, context: RequestContext
    ) -> Principal:
        async with self._database.connection() as conn:
            access = await keys.find(conn, key_hash, organisation_id)
        if access is None:
            self._principals.forget((key_hash, organisation_id))
            raise self._failed(context, "No such key, or it was revoked.")
        if access.organisation_id is None:
            raise Forbidden(
                "A key of the whole tenant needs X-Tenant-ID and X-Organisation-ID to name an organisation."
            )
        credential = Credential("key", key_hash, access.version)
        return Principal(access.key, access.organisation_id, credential)

    async def _find_sender(self, token_hash: bytes, context: RequestContext) -> AcceptedSource:
        async with self._database.connection() as conn:
            row = await sources.find_by_token(conn, token_hash)
        if row is None:
            self._senders.forget(token_hash)
            raise self._failed(context, "No such token, or it was revoked.")
        return AcceptedSource(row[0], Credential("token", token_hash, row[1]))

    async def _sender_by_signature(
        self, request: Request, addressed: str | None, context: RequestContext
    ) -> AcceptedSource:
        if not signatures.may_be_signed(scheme_at(addressed), request.headers):
            raise self._failed(context, _UNSIGNED)
        async with self._turn(context, seen=False), self._database.connection() as conn:
            source = await sources.find_by_slug(conn, addressed) if addressed else None
            secrets = await sources.hmac_secrets(conn, source) if source else []
        # The body is read only where there is something to compare it with.
        if (
            source is None
            or not secrets
            or not signatures.is_signed(
                KINDS[source.kind].scheme, await request.body(), request.headers, secrets
            )
        ):
            raise self._failed(context, "The signature doesn't fit the body and this source's secrets.")
        return AcceptedSource(source, Credential("signature", b"", 0))

    def _token(self, request: Request, context: RequestContext) -> str:
        """The token of a source: a bearer's, or the password of clients that know only user and password, as
        those of learning record stores do."""
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or len(credential) > 2 * MAX_TOKEN_LENGTH:
            return self._bearer(request, context)
        try:
            decoded = base64.b64decode(credential.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            decoded = ""
        token = decoded.partition(":")[2]
        if not 0 < len(token) <= MAX_TOKEN_LENGTH:
            raise self._failed(context, "Send `Authorization: Bearer <token>`, or the token as a password.")
        return token

    def _bearer(self, request: Request, context: RequestContext) -> str:
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not 0 < len(credential) <= MAX_TOKEN_LENGTH:
            raise self._failed(context, "Send `Authorization: Bearer <key>`.")
        return credential

    def _turn(self, context: RequestContext, *, seen: bool) -> AbstractAsyncContextManager[None]:
        """A credential that was good before is looked up at once. One that wasn't seen waits for its turn,
        and behind its own kind where it comes from an address that has failed too often."""
        if seen:
            return nullcontext()
        suspect = self._failures.is_used_up(address_block(context.address))
        return (self._suspect_turns if suspect else self._turns).one()

    def _failed(self, context: RequestContext, message: str) -> RocketError:
        """401, or 429 where the address has failed too often: that limits failures, and never a credential
        that is good, whoever else is behind the same address."""
        AUTHENTICATION_FAILURES.inc()
        exceeded = self._failures.exceeded(address_block(context.address))
        return exceeded or AuthenticationFailed(message)


def check_address(source: Source, address: Address | None) -> None:
    """Raise Forbidden where a source has address ranges and `address` is in none of them."""
    if source.allowed_cidrs and not any(
        address is not None and address.version == network.version and address in network
        for network in map(_network, source.allowed_cidrs)
    ):
        raise Forbidden(f"This source takes no requests from {address}.", {"field": "allowed_cidrs"})


# Asked for each event of a source, of up to two hundred ranges.
_network = lru_cache(maxsize=10_000)(partial(ip_network, strict=False))


def _named(request: Request, names: tuple[str, ...], path: str) -> str | None:
    """What a header says in all its spellings. Raises Forbidden where they don't say the same."""
    said = {value for name in names for value in request.headers.getlist(name) if value}
    if len(said) > 1:
        raise Forbidden(f"{path} is sent more than once, and says different things.", {"field": path})
    return said.pop() if said else None


def _named_organisation(request: Request) -> tuple[str | None, str | None]:
    """Tenant and organisation that the headers name, in either spelling. One that is no id can't be ours."""
    if _NAMING_HEADERS.isdisjoint(name for name, _ in request.scope["headers"]):
        return None, None  # as nearly always
    tenant_id = _named(request, _TENANT_HEADERS, "X-Tenant-ID")
    organisation = _named(request, _ORGANISATION_HEADERS, "X-Organisation-ID")
    if organisation is None:
        return tenant_id, None
    organisation_id = parse_uuid(organisation)
    if organisation_id is None:
        raise Forbidden(
            "X-Organisation-ID names no organisation of this key.", {"field": "X-Organisation-ID"}
        )
    return tenant_id, organisation_id


def _check_organisation(principal: Principal, tenant_id: str | None, organisation_id: str | None) -> None:
    if tenant_id is not None and tenant_id != principal.tenant_id:
        raise Forbidden("X-Tenant-ID names another tenant than this key's.", {"field": "X-Tenant-ID"})
    if organisation_id is not None and organisation_id != principal.organisation_id:
        raise Forbidden(
            "X-Organisation-ID names another organisation than this key's.", {"field": "X-Organisation-ID"}
        )
    if principal.key.organisation_id is None and tenant_id is None:
        raise Forbidden("A key of the whole tenant needs X-Tenant-ID as well.", {"field": "X-Tenant-ID"})


# The scopes that each dependency of `key_with` demands.
_needed: dict[Any, tuple[str, ...]] = {}

_bearer_scheme = HTTPBearer(auto_error=False, description="An API key: `rk_live_…` or `rk_test_…`.")


def key_with(*scopes: str) -> Callable[..., Coroutine[Any, Any, Principal]]:
    """A dependency that answers the request's principal and demands one of `scopes`."""

    async def dependency(
        request: Request,
        _documented: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer_scheme)],
    ) -> Principal:
        authenticator: Authenticator = request.app.state.services.authenticator
        principal = await authenticator.principal(request)
        principal.needs(*scopes)
        return principal

    _needed[dependency] = scopes
    return dependency


async def guard(scope: MutableMapping[str, Any]) -> None:
    """Refuse a request from its head, before its body is read, where its route asks for a key. The framework
    would read and parse the body first."""
    dependant = getattr(scope.get("route"), "dependant", None)
    for dependency in dependant.dependencies if dependant else ():
        if needed := _needed.get(dependency.call):
            request = Request(scope)
            authenticator: Authenticator = request.app.state.services.authenticator
            (await authenticator.principal(request)).needs(*needed)


ReadKey = Annotated[Principal, Depends(key_with("read"))]
EventsKey = Annotated[Principal, Depends(key_with("events:write"))]
PointsKey = Annotated[Principal, Depends(key_with("points:write"))]
AdminKey = Annotated[Principal, Depends(key_with("admin"))]
