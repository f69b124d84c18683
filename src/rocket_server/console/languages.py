"""The console's words: one file for each language in `texts/`, and how each writes numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

_FOLDER: Final = files("rocket_server.console") / "texts"
_MOST_TAGS: Final = 20  # of a browser's list


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its texts by name. `{…}` in a text is filled in, and escaped by the page."""

    code: str
    texts: dict[str, str]

    def __call__(self, name: str, /, **values: Any) -> str:
        """A text. With `count`, `name.one` is taken for one thing. Numbers are written as usual there."""
        if values.get("count") == 1 and f"{name}.one" in self.texts:
            name = f"{name}.one"
        text = self.texts[name]
        if not values:
            return text
        said = {
            key: self.number(value) if isinstance(value, int | float) else value
            for key, value in values.items()
        }
        return text.format(**said)

    def has(self, name: str) -> bool:
        """Whether there is a text of this name."""
        return name in self.texts

    def number(self, value: float) -> str:
        """A number with the language's own marks: 1,234.5 or 1.234,5."""
        marks = str.maketrans({",": self.texts["number.thousands"], ".": self.texts["number.decimal"]})
        return f"{value:,}".translate(marks).replace("-", "\N{MINUS SIGN}")


def _read() -> dict[str, Language]:
    found = {}
    for file in sorted(_FOLDER.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".json"):
            code = file.name.removesuffix(".json")
            found[code] = Language(code, json.loads(file.read_text(encoding="utf-8")))
    return found


LANGUAGES: Final = _read()
DEFAULT: Final = LANGUAGES["en"]


def chosen(own: str | None, accepted: str) -> Language:
    """The language that somebody chose, else the first of their browser's list (`Accept-Language`) that there
    is, else English."""
    if own in LANGUAGES:
        return LANGUAGES[own]
    wanted: list[tuple[float, str]] = []
    for tag in accepted.split(",")[:_MOST_TAGS]:
        name, _, weight = tag.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), name.partition("-")[0].lower()))
        except ValueError:
            continue
    for _, code in sorted(wanted, key=lambda one: one[0]):
        if code in LANGUAGES:
            return LANGUAGES[code]
    return DEFAULT
