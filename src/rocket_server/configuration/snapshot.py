"""What an organisation has set: read once, remembered by version, the same in every process from the next
transaction on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rocket_server import catalogue
from rocket_server.badges import store as badges_store
from rocket_server.badges.criteria import Thresholds
from rocket_server.badges.model import Badge
from rocket_server.caches import Cache
from rocket_server.catalogue import Activity
from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Endpoint
from rocket_server.organisations import sources as sources_store
from rocket_server.organisations import store as organisations
from rocket_server.organisations.model import Organisation, Source
from rocket_server.organisations.settings import UnknownLearner
from rocket_server.plugins import store as plugins_store
from rocket_server.plugins.dispatch import Subscription
from rocket_server.rules import of_mappings, templates
from rocket_server.rules import store as rules_store
from rocket_server.rules.compile import RuleSet
from rocket_server.rules.model import RuleVersion
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.withdrawals import Withdrawals

_REMEMBERED = 1_000  # organisations


@dataclass(slots=True)
class Configuration:
    """One organisation's settings, sources, rules, badges and endpoints as of one version."""

    organisation: Organisation
    rules: RuleSet
    endpoints: tuple[Endpoint, ...]
    activities: Mapping[str, Activity]  # the catalogue of Moodle events, an administrator's own included
    badges: Mapping[str, Badge]  # by id, without deleted ones
    thresholds: Thresholds
    withdrawals: Withdrawals
    _sources: dict[str, Source] = field(default_factory=dict)  # by name
    # Rules of mappings that were never stored: the pipeline does before it decides by them.
    unkept: tuple[RuleVersion, ...] = ()

    @property
    def organisation_id(self) -> str:
        return self.organisation.organisation_id

    @property
    def version(self) -> int:
        return self.organisation.version

    @property
    def weight(self) -> int:
        """What one event costs at the most, in comparisons of values: its rules, criteria and filters."""
        filters = sum(endpoint.weight for endpoint in self.endpoints)
        return self.rules.weight + self.thresholds.weight + filters

    def source_named(self, name: str) -> Source | None:
        """The source of that name."""
        return self._sources.get(name)

    def source(self, source_id: str) -> Source | None:
        """The source of that id."""
        return next((source for source in self._sources.values() if source.source_id == source_id), None)

    def source_of_kind(self, kind: str) -> Source | None:
        """The first source of that kind."""
        return next((source for source in self._sources.values() if source.kind == kind), None)

    def reading(self, source: Source, received_at: datetime, max_ahead_s: int) -> ReadingContext:
        """What the adapter of `source` may know of a body that came at that time (aware)."""
        return ReadingContext(source, self.organisation.timezone, received_at, max_ahead_s, self.activities)

    def unknown_learner(self, source: str) -> UnknownLearner:
        """What to do with a learner of `source` whom nobody knows."""
        own = self._sources.get(source)
        return (own.unknown_learner if own else None) or self.organisation.settings.unknown_learner


async def load(
    conn: Any,
    organisation_id: str,
    activities: Mapping[str, Activity],
    before: Configuration | None = None,
) -> Configuration:
    """Read an organisation's configuration. What stayed as it was `before` isn't read and compiled anew.

    Raises NotFound where there is no such organisation.
    """
    organisation = await organisations.read(conn, organisation_id)
    sources = {source.name: source for source in await sources_store.all_sources(conn, organisation_id)}
    rules_before = None if before is None else before.rules
    versions = await rules_store.current(
        conn, organisation_id, {} if rules_before is None else rules_before.known()
    )
    of_mappings_now = await of_mappings.numbered(
        conn,
        organisation_id,
        [
            rule
            for source in sources.values()
            for rule in templates.rules_of_mappings(source.name, source.mappings, activities)
        ],
        {} if rules_before is None else rules_before.known(),
    )
    versions += of_mappings_now.versions
    badges = await badges_store.all_badges(conn, organisation_id)
    return Configuration(
        organisation,
        RuleSet(
            versions,
            organisation.timezone,
            rules_before,
            await rules_store.resets(conn, organisation_id),
        ),
        await outbox.endpoints(conn, organisation_id),
        activities,
        {badge.badge_id: badge for badge in badges},
        Thresholds(badges, organisation.timezone),
        Withdrawals(activities, {source.name: source.mappings for source in sources.values()}),
        sources,
        of_mappings_now.unkept,
    )


class Configurations:
    """The configurations that this process remembers."""

    def __init__(
        self, activities_file: Path | None = None, subscriptions: Sequence[Subscription] = ()
    ) -> None:
        """`activities_file` is an administrator's own catalogue, laid over the bundled one; `subscriptions`
        are those of this process's plugins."""
        self.activities = catalogue.load(activities_file)
        self.subscriptions = tuple(subscriptions)
        self._remembered: Cache[str, Configuration] = Cache(_REMEMBERED)
        self._equipped: Cache[str, bool] = Cache(_REMEMBERED)  # organisations that have their rows

    def remembered(self, organisation_id: str) -> Configuration | None:
        """The configuration that was right when it was last used; None where nobody used it lately."""
        return self._remembered.get(organisation_id)

    async def current(self, conn: Any, organisation_id: str) -> Configuration:
        """The configuration as `conn` sees it now: one small read where it is remembered and still right."""
        remembered = self._remembered.get(organisation_id)
        version = await organisations.version(conn, organisation_id)
        if remembered is None or remembered.version != version:
            remembered = await load(conn, organisation_id, self.activities, remembered)
            self._remembered.put(organisation_id, remembered)
        return remembered

    async def equipped(self, conn: Any, organisation_id: str) -> Configuration:
        """As `current`, after giving the organisation the rows of this process's plugins that it lacks; for
        those who write anyway. What was undone is made good by the worker, which looks for such
        organisations."""
        if self.subscriptions and organisation_id not in self._equipped:
            await plugins_store.add_missing(conn, organisation_id, self.subscriptions)
            self._equipped.put(organisation_id, True)
        return await self.current(conn, organisation_id)
