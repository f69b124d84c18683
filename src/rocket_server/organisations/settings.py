"""What an organisation may set. A setting is one field here: its default, its bounds, and the sentence that
the API's document and the reference say of it. It is stored as data and needs no migration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, create_model
from pydantic_core import PydanticCustomError

from rocket_server.numbers import Whole

UnknownLearner = Literal["create", "hold", "refuse"]


@dataclass(frozen=True, slots=True)
class Rank:
    """What a learner is called whose streak has `weeks` or more. `multiplier` is for rules that ask for it,
    `discount_pct` for what points are spent on."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f]+$")]
    weeks: Annotated[Whole, Field(ge=0, le=520)]
    multiplier: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] = 1.0
    discount_pct: Annotated[Whole, Field(ge=0, le=100)] = 0


def _in_order(ranks: tuple[Rank, ...]) -> tuple[Rank, ...]:
    """By their weeks. Refused where not everybody has one, or somebody has two."""
    ordered = tuple(sorted(ranks, key=lambda rank: rank.weeks))
    if not ordered or ordered[0].weeks != 0:
        raise PydanticCustomError("ranks", "one of them begins at 0 weeks, so that everybody has a rank")
    if any(len({one[part] for one in map(_key, ordered)}) < len(ordered) for part in (0, 1)):
        raise PydanticCustomError("ranks", "each has weeks and a name of its own")
    return ordered


def _key(rank: Rank) -> tuple[int, str]:
    return rank.weeks, rank.name


# As delivered; the first begins at no weeks, so that everybody has a rank.
DEFAULT_RANKS: Final = (Rank("Explorer", 0), Rank("Pilot", 4), Rank("Commander", 7))

Ranks = Annotated[
    tuple[Rank, ...], Field(max_length=20, json_schema_extra={"minItems": 1}), AfterValidator(_in_order)
]


class OrganisationSettings(BaseModel):
    """An organisation's settings."""

    # What a newer release has set is let be, while both are running.
    model_config = ConfigDict(frozen=True, extra="ignore")

    timezone: Annotated[str, Field(max_length=100)] = Field(
        default="UTC", description="Where days, weeks and months begin: the name of a time zone."
    )
    unknown_learner: UnknownLearner = Field(
        default="create",
        description="What an event of somebody unknown does: `create` a learner, be put on `hold`, or be "
        "refused (`refuse`); a source may have its own.",
    )
    weekly_goal: Annotated[Whole, Field(ge=1, le=1_000_000)] = Field(
        default=50, description="Points a week that keep a streak, 1 to 1,000,000."
    )
    ranks: Ranks = Field(
        default=DEFAULT_RANKS,
        description='Up to 20: `{"name", "weeks", "multiplier", "discount_pct"}`, the first from 0 weeks on.',
    )
    grace_weeks: Annotated[Whole, Field(ge=0, le=4)] = Field(
        default=0, description="Weeks in a row, up to 4, that may miss the goal without ending a streak."
    )

    def chosen(self) -> dict[str, Any]:
        """What was set, as it is stored; what wasn't keeps the default of whatever release reads it."""
        return self.model_dump(mode="json", exclude_unset=True)

    def with_changes(self, changes: Mapping[str, Any]) -> OrganisationSettings:
        """These settings, some of them set anew."""
        return type(self).model_validate({**self.chosen(), **changes})


def _one_or_none(name: str) -> Any:
    field = OrganisationSettings.model_fields[name]
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return (kind | None, Field(None, description=field.description))


def change_model(name: str, sentence: str, /, **more: Any) -> Any:
    """A model of some settings, each of which may be left out; `more` fields are those of `create_model`."""
    fields = {setting: _one_or_none(setting) for setting in OrganisationSettings.model_fields}
    config = ConfigDict(extra="forbid")
    return create_model(name, __config__=config, __doc__=sentence, **more, **fields)


def reference_rows() -> list[str]:
    """The settings as rows of the reference's table: name, default, sentence."""
    rows = []
    for name, field in OrganisationSettings.model_fields.items():
        default = field.default
        if name == "ranks":
            shown = ", ".join(rank.name for rank in default)
        else:
            shown = f"`{default}`" if isinstance(default, str) else msgspec.json.encode(default).decode()
        rows.append(f"| `{name}` | {shown} | {field.description} |")
    return rows
