"""Acts tried against the audit log: requests of a scenario, and the lines that they leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from support.organisation import Organisation

Route = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A request that changes something, after others that make it possible; `{…}` are ids of the stage."""

    actions: tuple[str, ...]
    body: Any = None
    before: tuple[tuple[Any, ...], ...] = ()  # method, path, body; and content
    again: tuple[str, ...] = ()  # what the very same request does when it is sent once more
    refused_again: bool = False
    content: str | None = None  # instead of a body in JSON
    query: str = ""


@dataclass(slots=True)
class Stage:
    """An organisation with something of everything."""

    organisation: Organisation
    ids: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any, content: str | None = None, **headers: str) -> Any:
        """Send a request of a scenario; secrets that are answered are kept."""
        options: dict[str, Any] = {} if body is None else {"json": filled(body, self.ids)}
        if content is not None:
            options = {"content": content}
        response = self.organisation.api.request(method, filled(path, self.ids), headers=headers, **options)
        if response.status_code == 201:
            told = response.json()
            self.secrets += [told[name] for name in ("token", "hmac_secret", "secret") if name in told]
        if response.status_code == 202:
            told = response.json()
            self.ids |= {name: told[name] for name in ("job_id", "import_id") if name in told}
        return response

    def try_twice(self, route: Route, scenario: Scenario) -> None:
        """Do an act, which leaves the lines that are listed for it, of its key and request; and once more."""
        for request in scenario.before:
            response = self.ask(*request)
            assert response.status_code < 300, response.text
        before = self.lines()
        method, path = route
        path += scenario.query
        response = self.ask(method, path, scenario.body, content=scenario.content)
        assert response.status_code < 300, response.text
        lines = self.lines()[len(before) :]
        assert tuple(sorted(line["action"] for line in lines)) == scenario.actions
        for line in lines:
            assert line["request_id"] == response.headers["x-request-id"]
            assert line["actor"].startswith("key:")
            assert line["address"] == "127.0.0.1"
            told = line["before"] != line["after"]
            assert told or line["action"].startswith(("plugin.", "user.anonymised"))

        once_more = self.ask(method, path, scenario.body, content=scenario.content)
        assert (once_more.status_code >= 400) == scenario.refused_again, once_more.text
        lines = self.lines()[len(before) + len(lines) :]
        assert tuple(line["action"] for line in lines) == scenario.again

    def lines(self) -> list[dict[str, Any]]:
        """All lines of the log, the earliest first."""
        response = self.organisation.api.get("/v1/audit", limit=500)
        assert response.status_code == 200, response.text
        return list(reversed(response.json()["audit"]))


def filled(template: Any, ids: dict[str, str]) -> Any:
    if isinstance(template, dict):
        return {name: filled(value, ids) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, ids) for value in template]
    return template.format_map(ids) if isinstance(template, str) and "{" in template else template
