"""Fresh organisations, as an administrator would make them, and short ways to call the server for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from rocket_server.badges import store as badges
from rocket_server.db.pool import Database
from rocket_server.organisations import keys, sources, store
from rocket_server.organisations import model as organisations
from rocket_server.rules import store as rules_store
from rocket_server.rules import templates
from rocket_server.rules.model import Rule
from support.server import Server

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Hook:
    """A source of an organisation and the token that it was made with."""

    source_id: str
    name: str
    kind: str
    slug: str
    token: str

    @property
    def path(self) -> str:
        return f"/api/public/hook/{self.kind}/event"


@dataclass(frozen=True, slots=True)
class Api:
    """Calls of one server with one key."""

    client: httpx.Client
    key: str

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.request("GET", path, params=params)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, json=body, **options)

    def patch(self, path: str, body: Any) -> httpx.Response:
        return self.request("PATCH", path, json=body)

    def event(self, event: str, user_id: str = "anna", **fields: Any) -> dict[str, Any]:
        """Send an event that has to be taken; the answer."""
        body = {"event": event, "user_id": user_id, "timestamp": "2026-03-02T10:00:00Z", **fields}
        response = self.post("/v1/events", body)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def points(self, user_id: str) -> int:
        """A learner's points; 0 for one who isn't known."""
        response = self.get(f"/v1/users/{user_id}/balance")
        return int(response.json()["points"]) if response.status_code == 200 else 0

    def read(self, event_id: str) -> dict[str, Any]:
        """An event as it is stored."""
        response = self.get(f"/v1/events/{event_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation with the default rules, an admin key and a Moodle source."""

    model: organisations.Organisation
    key: str
    moodle: Hook
    server: Server

    @property
    def organisation_id(self) -> str:
        return self.model.organisation_id

    @property
    def api(self) -> Api:
        return Api(self.server.client, self.key)

    def on(self, server: Server) -> Organisation:
        """The same organisation, called through another server process."""
        return Organisation(self.model, self.key, self.moodle, server)

    def hook(self, body: str | bytes, hook: Hook | None = None, **headers: str) -> httpx.Response:
        """Post a body to a source's hook, Moodle's where none is named."""
        hook = hook or self.moodle
        sent = {"Authorization": f"Bearer {hook.token}", "Content-Type": "application/json", **headers}
        return self.server.client.post(hook.path, content=body, headers=sent)


async def make(
    database: Database,
    server: Server,
    *,
    staff_ids: Sequence[str] = ("2", "5"),
    rules: Sequence[Rule] | None = None,
    **settings: Any,
) -> Organisation:
    """Make an organisation in the database. `settings` are those of `store.create`."""
    async with database.transaction() as conn:
        name = settings.pop("name", f"Organisation {next(_numbers)}")
        tenant_id = settings.pop("tenant_id", f"tenant-of-{name}".replace(" ", "-").lower())
        made = await store.create(conn, name=name, tenant_id=tenant_id, **settings)
        own_rules = templates.default_rules() if rules is None else rules
        await rules_store.save(conn, made.organisation_id, own_rules, "tests")
        await badges.define(conn, made.organisation_id, badges.STARTERS)
        key, _ = await keys.create(conn, made, name="tests")
        source = await sources.create(
            conn,
            organisations.Source(
                made.organisation_id, "", "moodle", "moodle", "", staff_ids=frozenset(staff_ids)
            ),
        )
        token = await sources.add_token(conn, source)
    hook = Hook(source.source_id, source.name, source.kind, source.slug, token)
    return Organisation(made, key, hook, server)
