"""Why stored events earned what they did: every rule's decision about each of them, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rocket_server.configuration.snapshot import Configuration
from rocket_server.events.model import Event
from rocket_server.events.store import ShownEvent, as_event
from rocket_server.pace import Pace
from rocket_server.pipeline.model import BUDGET_S
from rocket_server.rules import store as rules_store
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import RuleSet
from rocket_server.rules.explain import Decided, counted_by, every_rule, in_words
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.of_mappings import PREFIX as MAPPING_PREFIX


async def reasons(
    conn: Any,
    configuration: Configuration,
    rows: Sequence[ShownEvent],
    now: datetime,
    *,
    then: RuleSet | None = None,
) -> list[list[dict[str, Any]]]:
    """For each event the decisions of all rules: stored ones as they were made, the others derived from the
    rules as they stood when the event was received.

    `then` are the rules that stood, where the caller knows. Rules of mappings whose versions weren't kept yet
    at that time are told as they are now.
    """
    if not rows:
        return []
    stood = (
        await _rules_then(conn, configuration, rows)
        if then is None
        else dict.fromkeys((row.received_at for row in rows), then)
    )
    made = await rules_store.latest(conn, configuration.organisation_id, configuration.rules.known())
    made_since = {stored.rule.rule_id: stored.first_created_at for stored in made}
    told: list[tuple[ShownEvent, Event, list[Decided]]] = []
    pace = Pace(BUDGET_S)
    for row in rows:
        event = as_event(row)
        decided = every_rule(
            event,
            row.decisions,
            status=row.status,
            reason=row.reason,
            then=stood[row.received_at],
            now=configuration.rules,
            made_since=made_since,
        )
        told.append((row, event, decided))
        if pace.is_due():
            await pace.rest()
    await _name_events(conn, configuration.organisation_id, told)
    calendar = Calendar(configuration.organisation.timezone)
    worded: list[list[dict[str, Any]]] = []
    for _, event, decided in told:
        worded.append([in_words(one, event, calendar, now) for one in decided])
        if pace.is_due():
            await pace.rest()
    return worded


async def _name_events(
    conn: Any, organisation_id: str, told: Sequence[tuple[ShownEvent, Event, list[Decided]]]
) -> None:
    """Put `by_event` into the details of decisions that an earlier award stood in the way of."""
    wanted: list[tuple[str, str, str, datetime]] = []
    details: list[tuple[Decided, str]] = []
    for row, event, decided in told:
        for one in decided:
            found = counted_by(one, event) if row.learner_id is not None else None
            if found is not None and row.learner_id is not None:
                wanted.append((row.learner_id, *found))
                details.append((one, row.event_id))
    by_event = await rules_store.awarded_by(conn, organisation_id, wanted)
    for place, event_id in by_event.items():
        one, own_id = details[place]
        if event_id != own_id:
            one.decision["detail"] = {**one.decision["detail"], "by_event": event_id}


async def _rules_then(
    conn: Any, configuration: Configuration, rows: Sequence[ShownEvent]
) -> dict[datetime, RuleSet]:
    """By time of receipt, the rules that stood then. Those that stand today are compiled already."""
    moments = {row.received_at for row in rows}
    known = configuration.rules.known()
    stood = await rules_store.in_force(conn, configuration.organisation_id, moments, known)
    today = {(rule.rule_id, rule.version) for rule in configuration.rules.rules}
    of_mappings = [
        RuleVersion(rule.rule, rule.version)
        for rule in configuration.rules.rules
        if rule.rule_id.startswith(MAPPING_PREFIX)
    ]
    compiled: dict[datetime | None, RuleSet] = {}
    for epoch, versions in stood.values():
        if epoch not in compiled:
            there = {one.rule.rule_id for one in versions}
            rules = [*versions, *(one for one in of_mappings if one.rule.rule_id not in there)]
            compiled[epoch] = (
                configuration.rules
                if {(one.rule.rule_id, one.version) for one in rules} == today
                else RuleSet(
                    rules,
                    configuration.organisation.timezone,
                    configuration.rules,
                    configuration.rules.resets,
                )
            )
    return {moment: compiled[epoch] for moment, (epoch, _) in stood.items()}
