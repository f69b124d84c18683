"""Learners: found, looked at, given points by hand, and entries taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from rocket_server.badges import awards
from rocket_server.console.drawing import link
from rocket_server.console.routes import Ask, Routes
from rocket_server.errors import RocketError
from rocket_server.events import store as events
from rocket_server.http.aside import alone
from rocket_server.ids import parse_uuid, uuid4
from rocket_server.learners import people
from rocket_server.learners.people import Filter, Person
from rocket_server.learners.store import known_learner
from rocket_server.ledger import store as ledger
from rocket_server.rules import cap_use
from rocket_server.rules.calendar import Calendar
from rocket_server.usecases import points
from rocket_server.usecases.points import Points, Reversal

routes = Routes()

MAX_POINTS: Final = 1_000_000
_PAGE: Final = 50
_ENTRIES: Final = 25
_EVENTS: Final = 20
_CAPS: Final = 30
_LATEST: Final = 2**62


@routes.page("/console/learners", "learners")
async def learners(ask: Ask) -> Response:
    """Learners, the latest made first, or those whose name, address or an id begins so."""
    wanted, before = ask.query("q", 255), parse_uuid(ask.query("before"))
    async with ask.services.database.connection() as conn:
        if wanted:
            found = await people.search(conn, ask.organisation_id, wanted, _PAGE)
            more = False
        else:
            found, more = await people.page(conn, ask.organisation_id, Filter(before=before), _PAGE)
        balances = await ledger.balances(conn, ask.organisation_id, [one.learner_id for one in found])
    return await ask.page(
        "learners.html",
        people=found,
        balances=balances,
        q=wanted,
        before=before,
        more=found[-1].learner_id if more and found else None,
        is_full=bool(wanted) and len(found) == _PAGE,
    )


@routes.page("/console/learners/{user_id}", "learners")
async def learner(ask: Ask) -> Response:
    """One learner: what they have, why, and what is still to be had."""
    organisation_id, now = ask.organisation_id, datetime.now(UTC)
    number, before = ask.query("number"), parse_uuid(ask.query("before"))
    async with alone(), ask.services.database.connection() as conn:
        person = await _person(ask, conn)
        whose = person.learner_id
        account = await ledger.read_account(conn, organisation_id, whose)
        joint = await ledger.has_merged(conn, organisation_id, whose)
        if joint:
            entries, more = await ledger.joint_history(conn, organisation_id, whose, before, _ENTRIES)
        else:
            below = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else _LATEST
            entries, more = await ledger.history(conn, organisation_id, whose, below, _ENTRIES)
        shown, _ = await events.page(conn, organisation_id, events.EventFilter(learner_id=whose), _EVENTS)
        badges, _ = await awards.history(conn, organisation_id, whose, None, _PAGE, revoked=True)
        configuration = await ask.services.configurations.current(conn, organisation_id)
        caps = await cap_use.cap_use(
            conn,
            organisation_id,
            whose,
            configuration.rules,
            Calendar(configuration.organisation.timezone),
            now,
            cap_use.place_of(None),
            _CAPS,
        )
    following = None
    if more and entries:
        last = entries[-1]
        following = {"before": last["entry_id"]} if joint else {"number": last["number"]}
    return await ask.page(
        "learner.html",
        person=person,
        account=account,
        entries=entries,
        events=shown,
        badges=badges,
        caps=[one.as_dict() for one in caps if one.constraint is not None],
        is_first=not number and before is None,
        more=following,
    )


@routes.page("/console/learners/{user_id}/points", "points")
async def points_page(ask: Ask) -> Response:
    """The form to give or take points by hand."""
    return await _points_page(ask)


@routes.form("/console/learners/{user_id}/points", "points")
async def move_points(ask: Ask) -> Response:
    """Give or take points by hand: once, however often the form is sent."""
    form = ask.form
    try:
        async with ask.services.database.connection() as conn:
            person = await _person(ask, conn)
        amount = form.whole_number("points", 1, MAX_POINTS)
        command = Points(person.user_id, amount, form.text("reason", 1_000))
        act = points.deduct if form["direction"] == "take" else points.award
        key = parse_uuid(form["once"])
        await act(*ask.acting, command, f"console:{key}" if key else None)
    except RocketError as error:
        form.refused(error)
        return await _points_page(ask, error.status)
    said = "points_taken" if form["direction"] == "take" else "points_given"
    return ask.see(link("learners", person.user_id), said)


@routes.page("/console/learners/{user_id}/entries/{entry_id}/reverse", "points")
async def reverse_page(ask: Ask) -> Response:
    """What a reversal will do, before it is done."""
    return await _reverse_page(ask)


@routes.form("/console/learners/{user_id}/entries/{entry_id}/reverse", "points")
async def reverse(ask: Ask) -> Response:
    """Undo an entry of this learner by a new one."""
    form = ask.form
    try:
        person, _ = await _entry(ask)
        command = Reversal(ask.request.path_params["entry_id"], form.text("reason", 1_000))
        await points.reverse(*ask.acting, command)
    except RocketError as error:
        form.refused(error)
        return await _reverse_page(ask, error.status)
    return ask.see(link("learners", person.user_id), "reversed")


async def _person(ask: Ask, conn: Any) -> Person:
    """The learner in the address. Raises NotFound."""
    found = await known_learner(conn, ask.organisation_id, ask.request.path_params["user_id"])
    (person,) = await people.read(conn, ask.organisation_id, [found.learner_id])
    return person


async def _entry(ask: Ask) -> tuple[Person, Any]:
    """The learner and the entry in the address. Raises NotFound where it is another's."""
    entry_id = parse_uuid(ask.request.path_params["entry_id"])
    async with ask.services.database.connection() as conn:
        person = await _person(ask, conn)
        found = await ledger.find_entries(conn, ask.organisation_id, [entry_id] if entry_id else [])
    entry = next(iter(found.values()), None)
    if entry is None or entry.learner_id != person.learner_id:
        raise points.no_such_entry()
    return person, entry


async def _points_page(ask: Ask, status: int = 200) -> Response:
    async with ask.services.database.connection() as conn:
        person = await _person(ask, conn)
        account = await ledger.read_account(conn, ask.organisation_id, person.learner_id)
    once = ask.form["once"] or uuid4()
    return await ask.page("points.html", status, person=person, account=account, once=once)


async def _reverse_page(ask: Ask, status: int = 200) -> Response:
    person, entry = await _entry(ask)
    return await ask.page("reverse.html", status, person=person, entry=entry)
