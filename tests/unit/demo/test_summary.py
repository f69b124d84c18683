"""Counting who got what and why."""

from __future__ import annotations

from typing import Any

from rocket_server.demo.summary import Earned, summarise


def event(user_id: str | None, *decisions: tuple[str, str, int], **changed: Any) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "source": "moodle",
        "status": "processed",
        "reason": None,
        "metadata": {},
        "decisions": [
            {"rule_id": rule_id, "outcome": outcome, "points": points}
            for rule_id, outcome, points in decisions
        ],
        **changed,
    }


def test_awards_are_counted_by_learner_and_rule():
    """Awards add up, one that was taken back doesn't stand, and who earned most comes first."""
    found = summarise(
        [
            event("moodle:7", ("login", "awarded", 5)),
            event("moodle:3", ("lesson", "awarded", 10)),
            event("moodle:3", ("lesson", "reversed", -10)),
            event("moodle:3", ("lesson", "awarded", 10), ("bonus", "awarded", 1)),
        ]
    )
    assert list(found.learners) == ["moodle:3", "moodle:7"]
    assert found.learners["moodle:3"] == [Earned("lesson", 1, 10), Earned("bonus", 1, 1)]
    assert found.points("moodle:3") == 11
    assert found.nothing == []


def test_reasons_for_nothing_are_in_words_with_the_commonest_first():
    """Ignored events give their reason, others what kept their rule from awarding."""
    found = summarise(
        [
            event("moodle:3", ("lesson", "already_awarded", 0)),
            event("moodle:3"),
            event("moodle:3"),
            event(None, status="ignored", reason="staff: user 5 is listed as staff on this source."),
            event("moodle:3", status="held", reason="unknown learner"),
        ]
    )
    assert found.nothing[0] == ("an event for which no rule is switched on", 2)
    assert {count for _, count in found.nothing[1:]} == {1}
    assert {words.split()[0] for words, _ in found.nothing[1:]} == {"awarded", "done", "held"}


def test_an_unknown_reason_is_shown_as_it_is():
    """A reason that has no words yet isn't hidden."""
    found = summarise([event(None, status="ignored", reason="brand_new: because")])
    assert found.nothing == [("brand_new", 1)]


def test_a_name_counts_only_for_the_person_it_was_sent_for():
    """What was looked up about another person than the learner names nobody."""
    personal = {"learner_id": "3", "learner_fullname": "Maria Lopez"}
    found = summarise(
        [
            event("moodle:3", ("login", "awarded", 5), metadata={"personal": personal}),
            event("moodle:4", ("login", "awarded", 5), metadata={"personal": personal}),
        ]
    )
    assert found.names == {"moodle:3": "Maria Lopez"}
