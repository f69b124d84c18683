"""A small HTTP client for the running server: connections that stay open, a bounded number of threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from rocket_server.demo.recording import Message

AT_ONCE: Final = 8  # requests
_TIMEOUT_S: Final = 30
_PAGE: Final = 500  # events


class DemoError(Exception):
    """The demo can't go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hook answered. `points` are those that this very request moved."""

    status: str
    points: int


class Client:
    """Talks to the server at `url`, which may have a path. One connection for each thread that uses it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/")
        self._own = threading.local()
        self._open: list[HTTPConnection] = []

    def check(self) -> None:
        """Raise DemoError unless the server answers and says that it is well."""
        status, answer = self._request("GET", "/v1/health")
        if status != 200 or not isinstance(answer, dict) or "parts" not in answer:
            raise DemoError(
                f"What answers at {self.url} is no healthy Rocket server (status {status}). "
                f"Open {self.url}/v1/health to see which part doesn't work."
            )

    def send(self, messages: Sequence[Message], token: str, on_answer: Callable[[], None]) -> list[Answer]:
        """Send all messages to Moodle's hook, AT_ONCE at a time; their answers in the order of `messages`.

        `on_answer` is called after each, from this thread. Raises DemoError at the first that isn't taken.
        """
        answers = []
        executor = ThreadPoolExecutor(AT_ONCE)
        try:
            for answer in executor.map(lambda message: self._send_one(message, token), messages):
                answers.append(answer)
                on_answer()
        finally:
            executor.shutdown(cancel_futures=True)
        return answers

    def events(self, key: str, since: str, until: str) -> Iterator[dict[str, Any]]:
        """The events that occurred in a span of time (RFC 3339), with their decisions."""
        cursor = ""
        while True:
            query = {"since": since, "until": until, "limit": _PAGE} | ({"cursor": cursor} if cursor else {})
            page = self._read(f"/v1/events?{urlencode(query)}", key)
            yield from page["events"]
            cursor = page["next_cursor"]
            if not cursor:
                return

    def balance(self, key: str, user_id: str) -> int:
        """A learner's points as the ledger has them."""
        return int(self._read(f"/v1/users/{quote(user_id, safe='')}/balance", key)["points"])

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open:
            connection.close()

    def _send_one(self, message: Message, token: str) -> Answer:
        status, answer = self._request(
            "POST",
            "/api/public/hook/moodle/event",
            message.body.encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": message.content_type},
        )
        if status == 401:
            raise DemoError(
                f"The server at {self.url} doesn't know the demo's token, so it works on another database. "
                "Give this command the server's ROCKET_DATABASE_URL or ROCKET_DATA_DIR."
            )
        if status != 200:
            raise self._refused(status, answer)
        return Answer(str(answer["status"]), int(answer["points_awarded"]))

    def _read(self, path: str, key: str) -> Any:
        status, answer = self._request("GET", path, headers={"Authorization": f"Bearer {key}"})
        if status != 200:
            raise self._refused(status, answer)
        return answer

    def _refused(self, status: int, answer: Any) -> DemoError:
        said = answer.get("message", "") if isinstance(answer, dict) else ""
        return DemoError(f"The server at {self.url} answered {status}: {said}")

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        connection = self._connection()
        # A server closes connections that were idle; one that was open before deserves a second try. That is
        # safe for the hook too: what it took already is a duplicate.
        for last_try in (connection.sock is None, True):
            try:
                connection.request(method, self._path + path, body, headers or {})
                response = connection.getresponse()
                return response.status, _decoded(response.read())
            except (OSError, HTTPException) as error:
                connection.close()
                if last_try:
                    raise DemoError(
                        f"No server answers at {self.url} ({error}). Start it with `rocket up`, or name "
                        "another with --url or ROCKET_PUBLIC_URL."
                    ) from error
        raise AssertionError("unreachable")

    def _connection(self) -> HTTPConnection:
        """This thread's own connection, which opens itself when it is used."""
        connection: HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            kind = HTTPSConnection if self._secure else HTTPConnection
            connection = self._own.connection = kind(self._host, self._port, timeout=_TIMEOUT_S)
            self._open.append(connection)
        return connection


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
