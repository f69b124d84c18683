"""Settings: who signs in, keys, and which organisation is looked at."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from rocket_server.console.routes import Ask, Routes
from rocket_server.errors import Forbidden, RocketError
from rocket_server.ids import parse_uuid
from rocket_server.members import store
from rocket_server.members.model import Member
from rocket_server.members.roles import may_give
from rocket_server.organisations import keys
from rocket_server.organisations import store as organisations
from rocket_server.organisations.credentials import SCOPES
from rocket_server.usecases import keys as key_acts
from rocket_server.usecases import members, signing_in

routes = Routes()

_PATH = "/console/settings/people"
_KEYS = "/console/settings/keys"
_PAGE = 50


@routes.page("/console/settings/people", "people")
async def people(ask: Ask) -> Response:
    """Who signs in for this organisation; super_admins see each other, too."""
    return await _people(ask)


@routes.form("/console/settings/people", "people")
async def invite(ask: Ask) -> Response:
    """Let somebody sign in: shows the link by which they do, once."""
    try:
        role = members.role_of(ask.form["role"], may_give(ask.visit.member.role))
        whose = None if role == "super_admin" else ask.organisation_id
        new = members.NewMember(whose, role, ask.form["email"], ask.form["name"])
        invited = await members.create(ask.services, ask.actor, new)
    except RocketError as error:
        ask.form.refused(error)
        return await _people(ask, error.status)
    return await _link(ask, invited.member, invited.link)


@routes.form("/console/settings/people/{member_id}/role", "people")
async def change_role(ask: Ask) -> Response:
    """Give somebody another role."""
    try:
        member = await _member(ask)
        role = members.role_of(ask.form["role"], may_give(ask.visit.member.role))
        await members.change_role(ask.services, ask.actor, member.organisation_id, member.member_id, role)
    except RocketError as error:
        return await _refused(ask, error)
    return ask.see(_PATH, "role_changed")


@routes.form("/console/settings/people/{member_id}/disable", "people")
async def disable(ask: Ask) -> Response:
    """Let somebody sign in no more, or again."""
    try:
        member = await _member(ask)
        disabled = ask.form["disabled"] == "yes"
        await members.set_disabled(
            ask.services, ask.actor, member.organisation_id, member.member_id, disabled=disabled
        )
    except RocketError as error:
        return await _refused(ask, error)
    return ask.see(_PATH, "switched_off" if disabled else "switched_on")


@routes.form("/console/settings/people/{member_id}/reset", "people")
async def reset(ask: Ask) -> Response:
    """Make a link by which somebody sets another password: shown once."""
    try:
        member = await _member(ask)
        made = await members.reset(
            ask.services,
            ask.actor,
            member.organisation_id,
            member.member_id,
            second_factor=ask.form["second_factor"] == "yes",
        )
    except RocketError as error:
        return await _refused(ask, error)
    return await _link(ask, member, made)


@routes.page("/console/settings/keys", "settings")
async def key_list(ask: Ask) -> Response:
    """The organisation's API keys."""
    return await _keys(ask)


@routes.form("/console/settings/keys", "settings")
async def make_key(ask: Ask) -> Response:
    """Make a key: its secret is shown once."""
    scopes = [scope for scope in SCOPES if ask.form[f"scope.{scope}"]]
    try:
        new = key_acts.NewKey(ask.form.text("name", 200), scopes)
        made = await key_acts.create(*ask.acting, new)
    except RocketError as error:
        ask.form.refused(error)
        return await _keys(ask, error.status)
    return await _keys(ask, made=made)


@routes.form("/console/settings/keys/{key_id}/revoke", "settings")
async def revoke_key(ask: Ask) -> Response:
    """Revoke a key: it fails from the next request on."""
    key_id = parse_uuid(ask.request.path_params["key_id"])
    async with ask.services.database.connection() as conn:
        organisation = await organisations.read(conn, ask.organisation_id)
        known = await keys.page(conn, organisation, None, 1_000)
    wide = {key.key_id for key in known if key.organisation_id is None}
    if key_id in wide and not ask.visit.may("installation"):
        raise Forbidden("This key is for all organisations of the tenant.", {"text": "error.role"})
    await key_acts.revoke(*ask.acting, key_id or "-")
    return ask.see(_KEYS, "key_revoked")


@routes.page("/console/settings/organisations", "installation")
async def organisation_list(ask: Ask) -> Response:
    """All organisations, one of which is looked at."""
    after = parse_uuid(ask.query("after"))
    async with ask.services.database.connection() as conn:
        found = await store.organisations(conn, after, _PAGE + 1)
    more = found[_PAGE - 1].organisation_id if len(found) > _PAGE else None
    return await ask.page("organisations.html", organisations=found[:_PAGE], more=more)


@routes.form("/console/settings/organisations", "installation")
async def look_at(ask: Ask) -> Response:
    """Look at another organisation."""
    await signing_in.look_at(ask.services, ask.visit, ask.form["organisation_id"])
    return RedirectResponse("/console", 303)


async def _member(ask: Ask) -> Member:
    """The member that a form is about: of this organisation, or for super_admins one of them."""
    found = None
    if member_id := parse_uuid(ask.request.path_params["member_id"]):
        async with ask.services.database.connection() as conn:
            found = await store.read(conn, member_id)
    allowed = {ask.organisation_id} | ({None} if ask.visit.may("installation") else set())
    if found is None or found.organisation_id not in allowed:
        raise members.no_such_person()
    return found


async def _people(ask: Ask, status: int = 200) -> Response:
    after = parse_uuid(ask.query("after"))
    async with ask.services.database.connection() as conn:
        found = await store.page(conn, ask.organisation_id, after, _PAGE + 1)
        everywhere = (
            await store.page(conn, None, None, _PAGE) if ask.visit.may("installation") and not after else []
        )
    more = found[_PAGE - 1].member_id if len(found) > _PAGE else None
    roles = may_give(ask.visit.member.role)
    return await ask.page(
        "people.html", status, members=[*everywhere, *found[:_PAGE]], more=more, roles=roles
    )


async def _refused(ask: Ask, error: RocketError) -> Response:
    ask.form.fault = error.message
    ask.form.values = {}
    return await _people(ask, error.status)


async def _link(ask: Ask, member: Member, secret: str | None) -> Response:
    address = f"{ask.services.settings.public_url}/console/link/{secret}"
    return await ask.page("shown_link.html", member=member, address=address)


async def _keys(ask: Ask, status: int = 200, made: key_acts.MadeKey | None = None) -> Response:
    after = parse_uuid(ask.query("after"))
    async with ask.services.database.connection() as conn:
        organisation = await organisations.read(conn, ask.organisation_id)
        found = await keys.page(conn, organisation, after, _PAGE + 1)
    more = found[_PAGE - 1].key_id if len(found) > _PAGE else None
    return await ask.page("keys.html", status, keys=found[:_PAGE], more=more, scopes=SCOPES, made=made)
