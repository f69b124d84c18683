"""Fields of bodies whose whole is small, each fault named by its path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rocket_server.assessments.fields import Fields
from rocket_server.conditions.reading import Problems
from rocket_server.errors import InvalidPayload

MAX_ITEMS: Final = 500
MAX_ORDER: Final = 1_000_000


class Body:
    """A JSON object of known fields."""

    def __init__(self, data: Mapping[str, Any], known: Iterable[str]) -> None:
        self.fields = Fields(data, "", Problems())
        self.fields.refuse_unknown(known)

    def done(self) -> None:
        """Raise InvalidPayload where something was wrong."""
        if self.fields.problems.errors:
            raise InvalidPayload.from_fields(self.fields.problems.errors)

    def required(self, name: str) -> str:
        """A text that must be there."""
        return self.fields.text(name, 255, required=True) or ""

    def items(self, name: str) -> list[Fields]:
        """A list of objects that must be there."""
        if self.fields.data.get(name) is None:
            self.fields.fault(name, "is required: a list")
        return self.fields.objects(name, MAX_ITEMS)


def place(fields: Fields) -> dict[str, Any]:
    """A question that is to be put into a section."""
    return {
        "questionId": fields.text("questionId", 255, required=True),
        "ordering": fields.whole("ordering", 0, MAX_ORDER),
        "isCompulsory": fields.flag("isCompulsory", False),
    }
