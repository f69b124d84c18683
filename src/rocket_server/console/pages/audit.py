"""Audit: who changed what, with filters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final, get_args

from starlette.responses import Response

from rocket_server.audit import store as audit
from rocket_server.audit.model import Action
from rocket_server.console.routes import Ask, Routes
from rocket_server.ids import parse_uuid
from rocket_server.learners import store as learners
from rocket_server.members.model import INSTALLATION

routes = Routes()

_PAGE: Final = 50
_LEARNER: Final = "user:"


@routes.page("/console/audit", "audit")
async def acts(ask: Ask) -> Response:
    """Acts, the latest first; a super_admin may look at those of no organisation, too."""
    action, actor, subject = ask.query("action"), ask.query("actor", 300), ask.query("subject", 400)
    everywhere = ask.query("log") == "installation" and ask.visit.may("installation")
    whose = INSTALLATION if everywhere else ask.organisation_id
    async with ask.services.database.connection() as conn:
        configuration = await ask.services.configurations.current(conn, ask.organisation_id)
        zone = configuration.organisation.timezone
        since, until = _day(ask.query("since")), _day(ask.query("until"))
        wanted = audit.Wanted(
            actor or None,
            action or None,
            [subject] if subject else None,
            datetime.combine(since, time(), zone) if since else None,
            datetime.combine(until + timedelta(days=1), time(), zone) if until else None,
            parse_uuid(ask.query("before")),
        )
        if subject.startswith(_LEARNER) and not everywhere:
            found = await learners.find_one(conn, whose, subject.removeprefix(_LEARNER))
            if found is not None:
                ids = await learners.merged_into(conn, whose, found.learner_id)
                wanted = replace(wanted, subjects=[f"{_LEARNER}{one}" for one in ids])
        lines = await audit.page(conn, whose, wanted, _PAGE + 1)
        about = {line.subject.removeprefix(_LEARNER) for line in lines if line.subject.startswith(_LEARNER)}
        known = [] if everywhere else [one for one in about if parse_uuid(one)]
        named = await learners.user_ids(conn, whose, known)
    more = lines[_PAGE - 1].audit_id if len(lines) > _PAGE else None
    return await ask.page(
        "audit.html",
        lines=lines[:_PAGE],
        named=named,
        more=more,
        actions=get_args(Action),
        is_filtered=any((action, actor, subject, since, until)),
        everywhere=everywhere,
    )


def _day(text: str) -> date | None:
    """A day as a form sends it; what is none filters nothing."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None
