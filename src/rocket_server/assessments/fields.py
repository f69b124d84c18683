"""Reads fields of a JSON object; what is wrong is gathered under the field's path, and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from rocket_server.assessments.model import MEDIA, Media
from rocket_server.conditions.reading import Problems, join

MAX_ID: Final = 255  # characters
_MAX_URL: Final = 2_000
# What JSON in PostgreSQL can't hold.
unstorable: Final = re.compile("[\x00\ud800-\udfff]").search

_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True)
class Fields:
    """An object from outside, where it stands, and where faults go."""

    data: Mapping[str, Any]
    path: str
    problems: Problems

    def at(self, name: str) -> str:
        return join(self.path, name)

    def fault(self, name: str, message: str) -> None:
        self.problems.add(self.at(name), message)

    def refuse_unknown(self, known: Iterable[str]) -> None:
        names = tuple(known)
        for name in self.data:
            if name not in names:
                self.problems.unknown(self.path, name, names)

    def text(self, name: str, most: int, *, required: bool = False, none_empty: bool = True) -> str | None:
        """A string of at most `most` characters; null and, with `none_empty`, "" count as absent."""
        value = self.data.get(name)
        if value is None or (value == "" and none_empty):
            if required:
                self.fault(name, "is required")
            return None
        if not isinstance(value, str):
            self.fault(name, "must be a string")
        elif len(value) > most:
            self.fault(name, f"must have at most {most} characters, has {len(value)}")
        elif unstorable(value):
            self.fault(name, "must not contain NUL or halves of surrogate pairs")
        elif required and not value.strip():
            self.fault(name, "must not be blank")
        else:
            return value
        return None

    def identifier(self, name: str) -> str | None:
        return self.text(name, MAX_ID)

    def flag(self, name: str, default: bool) -> bool:
        value = self.data.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(name, "must be true or false")
            return default
        return value

    def whole(self, name: str, least: int, most: int) -> int | None:
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            self.fault(name, "must be a whole number")
        elif not least <= value <= most:
            self.fault(name, f"must be {least} to {most}")
        else:
            return int(value)
        return None

    def decimal(self, name: str, least: Decimal, most: Decimal, places: int) -> Decimal | None:
        """A number of at most `places` decimals, exactly as it was written; None where absent or faulty."""
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            self.fault(
                name,
                "must be a number; send it without quotes" if isinstance(value, str) else "must be a number",
            )
            return None
        exact = Decimal(str(value)) if not isinstance(value, Decimal) else value
        if not exact.is_finite() or not least <= exact <= most:
            self.fault(name, f"must be {least:f} to {most:f}")
        elif round(exact, places) != exact:
            self.fault(name, f"must have at most {places} decimals")
        else:
            return exact
        return None

    def one_of(self, name: str, words: tuple[_Word, ...], default: _Word | None = None) -> _Word | None:
        value = self.data.get(name)
        if value is None:
            if default is None:
                self.fault(name, f"is required; one of {', '.join(words)}")
            return default
        if not isinstance(value, str) or value not in words:
            self.fault(name, f"must be one of {', '.join(words)}")
            return default
        return value

    def objects(self, name: str, most: int) -> list[Fields]:
        """A list of objects; whatever isn't one is named and left out."""
        value = self.data.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(name, "must be a list")
            return []
        if len(value) > most:
            self.fault(name, f"must have at most {most} entries, has {len(value)}")
            return []
        found = []
        for index, entry in enumerate(value):
            path = f"{self.at(name)}[{index}]"
            if isinstance(entry, Mapping):
                found.append(Fields(entry, path, self.problems))
            else:
                self.problems.add(path, "must be an object")
        return found

    def object(self, name: str) -> Fields | None:
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.fault(name, "must be an object")
            return None
        return Fields(value, self.at(name), self.problems)

    def media(self, name: str) -> Media | None:
        """Links by medium: `{"image": "https://…"}`."""
        links = self.object(name)
        if links is None:
            return None
        links.refuse_unknown(MEDIA)
        found: dict[str, str] = {}
        for medium in MEDIA:
            url = links.text(medium, _MAX_URL)
            if url is None:
                continue
            if is_web_address(url):
                found[medium] = url
            else:
                links.fault(medium, "must be a URL that begins with https:// or http://")
        return found or None


def is_web_address(url: str) -> bool:
    """An absolute http or https URL: nothing that a browser would run."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s<>\"]", url)
    except ValueError:
        return False
