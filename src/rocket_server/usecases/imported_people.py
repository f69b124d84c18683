"""Rows of files of people taken in: made, or brought up to date; never two of them made one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from rocket_server.configuration.snapshot import Configuration
from rocket_server.errors import RocketError
from rocket_server.ids import uuid7
from rocket_server.imports import files
from rocket_server.imports.people import Named, PersonRow, read
from rocket_server.imports.reading import Record
from rocket_server.imports.troubles import Trouble
from rocket_server.jobs.table import StoredJob
from rocket_server.learners import people
from rocket_server.learners import store as learners
from rocket_server.learners.people import Person
from rocket_server.learners.store import Learner
from rocket_server.usecases.imported_events import lost_zeros
from rocket_server.usecases.imports import form_of

_IN_FILE: Final = Trouble("duplicate_in_file", "an earlier row of this file has the same id")
_IN_STORE: Final = Trouble("duplicate_in_store", "this person is known, with all that the row says")


class _TriedOut(Exception):
    """Undoes what a trial did."""


class PeopleTaker:
    """Takes rows of one import in, each by itself: what is refused of one is nothing to the others."""

    def __init__(self, job: StoredJob) -> None:
        self._job = job
        self._form = form_of(job)
        self._source: str = job.arguments["source"]
        self._dry_run: bool = job.arguments["dry_run"]

    async def __call__(
        self, conn: Any, found: Sequence[Record], configuration: Configuration, now: datetime
    ) -> tuple[Sequence[PersonRow], int]:
        """What became of each row; people give no points."""
        rows = [read(record, self._form, self._source) for record in found]
        await self._check_zeros(conn, rows)
        await self._check_repeated(conn, rows)
        try:
            async with conn.transaction():
                for row in rows:
                    if row.person is not None and not row.is_over:
                        await self._take(conn, row, row.person, now)
                if self._dry_run:
                    raise _TriedOut
        except _TriedOut:
            pass
        return rows, 0

    async def _check_zeros(self, conn: Any, rows: Sequence[PersonRow]) -> None:
        ids = {one for row in rows if row.person is not None for one in row.person.identities}
        lost = await lost_zeros(conn, self._job.organisation_id, ids)
        for row in rows:
            for one in row.person.identities if row.person is not None else ():
                if one in lost:
                    said = f"{one} is known by nobody, {lost[one]} is: a spreadsheet drops zeros"
                    row.troubles.append(Trouble("leading_zeros_lost", said))

    async def _check_repeated(self, conn: Any, rows: Sequence[PersonRow]) -> None:
        """Note which rows are about somebody about whom an earlier one was."""
        keys = {_key(row.person.user_id): row for row in reversed(rows) if row.person is not None}
        new = await files.first_seen(conn, self._job.organisation_id, self._job.job_id, list(keys))
        first = {row.record.after.offset for key, row in keys.items() if key in new}
        for row in rows:
            if row.person is not None and row.record.after.offset not in first:
                row.troubles.append(_IN_FILE)

    async def _take(self, conn: Any, row: PersonRow, person: Named, now: datetime) -> None:
        try:
            async with conn.transaction():
                if not await self._write(conn, row, person, now):
                    row.troubles.append(_IN_STORE)
        except _Two as two:
            row.troubles.append(Trouble("two_people", str(two)))
        except RocketError as error:
            if error.status >= 500:
                raise
            row.troubles.append(Trouble("refused", error.message))

    async def _write(self, conn: Any, row: PersonRow, person: Named, now: datetime) -> bool:
        """Make a person, or bring them up to date; whether anything changed."""
        organisation_id, actor = self._job.organisation_id, self._job.created_by
        learner = await self._known(conn, person)
        if learner is None:
            made = Person(
                uuid7(),
                person.user_id,
                person.email,
                person.name,
                "active",
                None,
                person.metadata or None,
                now,
                list(person.identities),
            )
            await people.create(conn, organisation_id, made, actor, now)
            return True
        (before,) = await people.read(conn, organisation_id, [learner.learner_id])
        changes: dict[str, Any] = {"metadata": {**(before.metadata or {}), **person.metadata} or None}
        if person.name is not None:
            changes["name"] = person.name
        if person.email is not None:
            changes["email"] = person.email
        known = await learners.find(conn, organisation_id, person.identities)
        new = [one for one in person.identities if one not in known]
        if not new and all(getattr(before, name) == value for name, value in changes.items()):
            return False
        await people.change(conn, organisation_id, learner, changes, actor, now)
        if new:
            await learners.link(conn, organisation_id, new, learner.user_id)
        return True

    async def _known(self, conn: Any, person: Named) -> Learner | None:
        """Who the row is about. Raises _Two where it names two who are known."""
        organisation_id = self._job.organisation_id
        found = await learners.find(conn, organisation_id, person.identities)
        known = {learner.learner_id: learner for learner in found.values()}
        if person.email is not None:
            holders = await people.by_email(conn, organisation_id, person.email)
            known |= {
                one.learner_id: Learner(one.learner_id, one.user_id, one.status, one.email) for one in holders
            }
        if len(known) > 1:
            named = " and ".join(sorted(one.user_id for one in known.values())[:5])
            raise _Two(
                f"{named} are known apart, and the row says that they are one: merge them first"
                " (POST /v1/users/{id}/merge), or mend the row"
            )
        return next(iter(known.values()), None)


class _Two(Exception):
    """A row names two people who are known."""


def _key(user_id: str) -> bytes:
    return blake2b(user_id.encode(), digest_size=16).digest()
