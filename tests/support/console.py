"""People of the console: made in the database, and signed in over HTTP as a browser does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal

from rocket_server.audit.model import Actor
from rocket_server.db.pool import Database
from rocket_server.members.passwords import Passwords
from rocket_server.members.roles import Role
from rocket_server.usecases import members
from support.organisation import Organisation
from support.server import Server

PASSWORD = "four plain words here"
_TESTS = Actor("command", "tests", "tests")
_numbers = count(1)
_hashes: dict[str, str] = {}
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Acts:
    """What use cases about members need."""

    database: Database


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in."""

    member_id: str
    email: str
    password: str


async def make(
    database: Database, organisation_id: str | None, role: Role = "admin", name: str = ""
) -> Person:
    """Let somebody sign in by password. All have the same one: hashing takes its time."""
    if PASSWORD not in _hashes:
        _hashes[PASSWORD] = await Passwords().hash(PASSWORD)
    whose = None if role == "super_admin" else organisation_id
    email = f"{role}-{next(_numbers)}@example.org"
    new = members.NewMember(whose, role, email, name, _hashes[PASSWORD])
    made = await members.create(Acts(database), _TESTS, new)
    return Person(made.member.member_id, email, PASSWORD)


async def link(database: Database, person: Person, organisation_id: str | None) -> str:
    """What a link for a person ends in."""
    made = await members.reset(Acts(database), _TESTS, organisation_id, person.member_id)
    assert made is not None
    return made


class Browser:
    """A browser without scripts: keeps cookies, and sends the forms of the pages that it was shown."""

    def __init__(self, server: Server) -> None:
        self.client = httpx.Client(base_url=server.url, timeout=60, trust_env=False)
        self.token = ""

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page; its forms' token is kept."""
        return self._kept(self.client.get(path, headers=headers))

    def post(self, path: str, *, token: str | None = None, **fields: Any) -> httpx.Response:
        """Send a form, with the token of the last page unless another is given."""
        data = {"token": self.token if token is None else token, **fields}
        return self._kept(self.client.post(path, data=data, headers={"Origin": str(self.client.base_url)}))

    def sign_in(self, person: Person, password: str | None = None) -> httpx.Response:
        """Sign in; the answer to the form."""
        self.get("/console/sign-in")
        return self.post("/console/sign-in", email=person.email, password=password or person.password)

    @property
    def session(self) -> str | None:
        """What the browser holds of its session."""
        return self.client.cookies.get("rocket_session")

    def _kept(self, response: httpx.Response) -> httpx.Response:
        if found := _TOKEN.search(response.text):
            self.token = found.group(1)
        return response


@dataclass(frozen=True, slots=True)
class House:
    """An organisation, and ways to let people in."""

    organisation: Organisation
    database: Database
    portal: BlockingPortal

    def person(self, role: Role = "admin", name: str = "") -> Person:
        """Somebody of this organisation."""
        return self.portal.call(make, self.database, self.organisation.organisation_id, role, name)

    def link(self, person: Person) -> str:
        """A link for somebody of this organisation."""
        return self.portal.call(link, self.database, person, self.organisation.organisation_id)

    def browser(self, role: Role | None = "admin") -> Browser:
        """A browser, in which somebody of that role is signed in."""
        made = Browser(self.organisation.server)
        if role is not None:
            answer = made.sign_in(self.person(role))
            assert answer.status_code == 303, answer.text
            made.get("/console")
        return made
