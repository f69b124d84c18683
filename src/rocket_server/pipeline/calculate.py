"""What an event would be worth if it came now: it runs through the whole pipeline, and nothing stays."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from rocket_server.configuration.snapshot import Configuration
from rocket_server.db.pool import Database
from rocket_server.events import store as events_store
from rocket_server.events.model import Event
from rocket_server.pipeline.ingest import ingest
from rocket_server.pipeline.model import Result
from rocket_server.pipeline.reasons import reasons
from rocket_server.rules.compile import RuleSet
from rocket_server.rules.model import Rule, RuleVersion

_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Calculated:
    """What became of an event that isn't stored, and every rule's decision in words."""

    result: Result
    decisions: list[dict[str, Any]]


async def calculate(
    database: Database,
    configuration: Configuration,
    event: Event,
    rules: RuleSet | None,
    now: datetime,
) -> Calculated:
    """What `event` gives its learner, with their counters as they are, by `rules` (see `candidates`) or else
    by those in force.

    A learner nobody knows counts as new, and an event that was stored before counts as another one.
    """
    trial = replace(
        configuration,
        organisation=replace(
            configuration.organisation,
            settings=configuration.organisation.settings.with_changes({"unknown_learner": "create"}),
        ),
        rules=rules or configuration.rules,
        endpoints=(),
        unkept=(),
        _sources={},  # no source's own rule for unknown learners
    )
    another = msgspec.structs.replace(event, dedupe_key=secrets.token_bytes(_KEY_BYTES))

    async def attempt(conn: Any) -> Calculated:
        (result,) = await ingest(conn, trial, [another], now)
        row = await events_store.show(conn, trial.organisation_id, result.event_id or "")
        assert row is not None
        (decisions,) = await reasons(conn, trial, [row], now, then=trial.rules)
        return Calculated(result, decisions)

    return await database.dry_run(attempt, ingest=True)


def candidates(configuration: Configuration, rules: Sequence[Rule]) -> RuleSet:
    """`rules` as if they were in force, drafts included; one that says what the present version says has its
    number, another the next one."""
    present: Mapping[str, Any] = {rule.rule_id: rule for rule in configuration.rules.rules}
    versions: list[RuleVersion] = []
    for rule in rules:
        known = present.get(rule.rule_id)
        version = 1 if known is None else known.version + (known.rule != rule)
        versions.append(RuleVersion(replace(rule, active=True) if rule.draft else rule, version))
    versions.sort(key=lambda version: version.rule.rule_id)
    return RuleSet(versions, configuration.organisation.timezone, resets=configuration.rules.resets)
