"""A setting of an organisation is one field; what else says something about it follows from there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from rocket_server.organisations import settings
from rocket_server.organisations.settings import OrganisationSettings, Rank, change_model

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "organisation.md"


def test_the_reference_says_what_the_fields_say():
    """Each setting's line has its name, its default and its sentence."""
    page = PAGE.read_text(encoding="utf-8").splitlines()
    assert [row for row in settings.reference_rows() if row not in page] == []


def test_what_was_not_set_is_as_delivered_and_not_stored():
    """Only what somebody chose is kept, so a new default of a later release counts for all others."""
    chosen = OrganisationSettings().with_changes({"weekly_goal": 80})
    assert (chosen.weekly_goal, chosen.grace_weeks, chosen.ranks[0].name) == (80, 0, "Explorer")
    assert chosen.chosen() == {"weekly_goal": 80}
    again = chosen.with_changes({"ranks": [{"name": "All", "weeks": 0}]})
    assert OrganisationSettings.model_validate(again.chosen()) == again
    assert again.ranks == (Rank("All", 0),)


def test_a_setting_of_a_newer_release_is_let_be():
    """Two releases work on one database during an upgrade."""
    assert OrganisationSettings.model_validate({"unheard_of": 1, "weekly_goal": 60}).weekly_goal == 60


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"weekly_goal": 0}, "weekly_goal", "greater than or equal to 1"),
        ({"weekly_goal": "50"}, "weekly_goal", "valid integer"),
        ({"grace_weeks": 5}, "grace_weeks", "less than or equal to 4"),
        ({"unknown_learner": "ask"}, "unknown_learner", "'create', 'hold' or 'refuse'"),
        ({"ranks": []}, "ranks", "one of them begins at 0 weeks"),
        ({"ranks": [{"name": "a", "weeks": 1}]}, "ranks", "one of them begins at 0 weeks"),
        ({"ranks": [{"name": n, "weeks": 0} for n in "ab"]}, "ranks", "each has weeks and a name"),
        ({"ranks": [{"name": "a", "weeks": w} for w in (0, 1)]}, "ranks", "each has weeks and a name"),
        ({"ranks": [{"name": "a", "weeks": 0, "colour": "red"}]}, "ranks", "Unexpected keyword"),
        ({"colour": "red"}, "colour", "Extra inputs"),
    ],
)
def test_a_change_has_the_bounds_of_the_fields(changes, field, sentence):
    """What is refused is named, in words for a person."""
    with pytest.raises(ValidationError) as caught:
        change_model("Change", "Settings to change.").model_validate(changes)
    (fault,) = caught.value.errors()
    assert fault["loc"][0] == field
    assert sentence in fault["msg"]


def test_a_new_setting_is_one_field(monkeypatch):
    """With the field alone it has a default, is changed within its bounds, is stored, and documented."""

    class Longer(OrganisationSettings):
        points_expire_after_days: int | None = Field(
            default=None, ge=1, le=3650, description="Days after which points that weren't spent go."
        )

    monkeypatch.setattr(settings, "OrganisationSettings", Longer)
    change = change_model("Change", "Settings to change.")
    assert change.model_validate({"points_expire_after_days": 30}).points_expire_after_days == 30
    with pytest.raises(ValidationError):
        change.model_validate({"points_expire_after_days": 0})
    assert Longer().with_changes({"points_expire_after_days": 30}).chosen() == {
        "points_expire_after_days": 30
    }
    assert settings.reference_rows()[-1] == (
        "| `points_expire_after_days` | null | Days after which points that weren't spent go. |"
    )
