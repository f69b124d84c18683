"""Rules as API callers see and change them, their versions, and the catalogue's ready-made ones."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request

from rocket_server.db.pages import MAX_PAGE_BYTES
from rocket_server.errors import InvalidPayload, NotFound
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api.answers import rules as rule_answers
from rocket_server.http.aside import alone, aside
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.edge.body import decode_json
from rocket_server.http.paging import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    encode_cursor,
    number_after,
    part,
    text_after,
)
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.rules import store, templates
from rocket_server.rules.model import Rule, RuleVersion
from rocket_server.rules.of_mappings import BY_CATALOGUE
from rocket_server.rules.store import MAX_VERSION, StoredVersion
from rocket_server.times import rfc3339
from rocket_server.usecases import rules as acts

router = APIRouter(prefix="/v1/rules", tags=["rules"], responses=openapi.CHANGE_ERRORS)

# A rule's id in a path: another can't exist, and NUL can't be asked for.
_is_id = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}").fullmatch
_NO_NUL = r"^[^\x00]*$"

RuleId = Annotated[str, Path(max_length=400)]
Version = Annotated[
    int | None, Query(ge=1, le=MAX_VERSION, description="The version that is to be changed; 409 otherwise.")
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=100, description="As `version`: its `ETag`.")
]
Status = Literal["draft", "active", "inactive"]


@router.get("", response_model=rule_answers.RulePage)
async def list_rules(
    request: Request,
    principal: ReadKey,
    active: bool | None = None,
    status: Status | None = None,
    event: Annotated[str | None, Query(max_length=100, pattern=_NO_NUL)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """The latest version of each rule, switched off ones and drafts included, by priority and then by id.

    Rules made by a source's mappings are among them; they are changed with their source.
    """
    services = services_of(request)
    after = text_after(cursor)
    async with alone(), services.database.connection() as conn:
        configuration = await services.configurations.current(conn, principal.organisation_id)
        known = configuration.rules.known()
        latest = await store.latest(conn, principal.organisation_id, known)
        of_mappings = await store.latest(conn, principal.organisation_id, known, of_mappings=True)
    own = {stored.rule.rule_id: stored for stored in (*latest, *of_mappings)}
    rules = [stored.rule for stored in own.values()]
    unkept = {one.rule.rule_id: one for one in configuration.unkept}
    rules += [one.rule for one in unkept.values() if one.rule.rule_id not in own]
    wanted = sorted(
        (
            (_position(rule), rule)
            for rule in rules
            if active in (None, rule.active)
            if status in (None, rule.status)
            if event in (None, rule.trigger.event)
        ),
        key=lambda found: found[0],
    )
    rest = [(position, rule) for position, rule in wanted if after is None or position > after]
    shown: list[dict[str, Any]] = []
    size = 0
    for _, rule in rest[:limit]:
        shown.append(
            own[rule.rule_id].as_dict() if rule.rule_id in own else _of_mapping(unkept[rule.rule_id])
        )
        size += len(msgspec.json.encode(shown[-1]))
        if size >= MAX_PAGE_BYTES:
            break
    following = encode_cursor(rest[len(shown) - 1][0]) if len(rest) > len(shown) else None
    return Json({"rules": shown, "next_cursor": following})


@router.get("/templates", response_model=rule_answers.TemplateList)
async def list_templates(request: Request, principal: ReadKey) -> Json:
    """Ready-made rules for everything that the catalogue knows, and which of them are switched on."""
    services = services_of(request)
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, principal.organisation_id)
    active = {rule.rule_id for rule in configuration.rules.rules if rule.active}
    shown: list[dict[str, Any]] = [
        {
            "rule_id": template.rule.rule_id,
            "title": template.title,
            "default": template.is_default,
            "enabled": template.rule.rule_id in active,
            "rule": template.rule.as_dict(),
        }
        for template in templates.templates(configuration.activities.values())
    ]
    return Json({"templates": shown, "next_cursor": None})


@router.get("/{rule_id}", response_model=rule_answers.StoredRule)
async def read_rule(
    request: Request,
    principal: ReadKey,
    rule_id: RuleId,
    version: Annotated[int | None, Query(ge=1, le=MAX_VERSION)] = None,
) -> Json:
    """A rule as it is, or as it was in a version."""
    services = services_of(request)
    async with services.database.connection() as conn:
        found = (
            await store.read_version(conn, principal.organisation_id, rule_id, version)
            if _is_id(rule_id)
            else None
        )
        configuration = await services.configurations.current(conn, principal.organisation_id)
    if found is not None:
        return _answer(found)
    for unkept in configuration.unkept:
        if unkept.rule.rule_id == rule_id and version in (None, unkept.version):
            return Json(_of_mapping(unkept))
    raise NotFound("There is no such rule, or no such version of it.", {"field": "rule_id"})


@router.get("/{rule_id}/versions", response_model=rule_answers.VersionPage)
async def list_versions(
    request: Request, principal: ReadKey, rule_id: RuleId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """Every version of a rule, the latest first: who made it, when, and what it says."""
    before = number_after(cursor) or MAX_VERSION
    async with services_of(request).database.connection() as conn:
        found, more = (
            await store.page_of_versions(conn, principal.organisation_id, rule_id, before, limit)
            if _is_id(rule_id)
            else ([], False)
        )
    if not found and cursor is None:
        raise NotFound("There is no such rule.", {"field": "rule_id"})
    versions = [
        {
            "rule_id": one.rule.rule_id,
            "version": one.version,
            "created_at": rfc3339(one.created_at),
            "created_by": one.created_by,
            "withdrawn": one.withdrawn,
            "rule": one.rule.as_dict(),
        }
        for one in found
    ]
    return Json(part("versions", versions, more, "version"))


@router.post("", status_code=201, openapi_extra=openapi.RULE, response_model=rule_answers.StoredRule)
async def create_rule(request: Request, principal: AdminKey) -> Json:
    """Make a rule; it counts from the next event on."""
    services = services_of(request)
    body = decode_json(await request.body())
    if isinstance(body, list) or (isinstance(body, dict) and "rules" in body):
        raise InvalidPayload.field("rules", "expected one rule; a set of rules goes to PUT /v1/rules")
    rule = templates.read_rule(body, services.configurations.activities)
    made = await acts.create(*acting(request, principal), rule)
    return _answer(made, 201)


@router.put("", openapi_extra=openapi.RULES, response_model=rule_answers.Plan)
async def put_rules(
    request: Request, principal: AdminKey, prune: bool = False, dry_run: bool = False
) -> Json:
    """Make several rules as they are written here, at once or not at all; with `prune`, no others stay.

    Rules that say the same as before get no new version. With `dry_run` nothing is written.
    """
    services, organisation_id = services_of(request), principal.organisation_id
    body = decode_json(await request.body())
    rules = await aside(lambda: templates.read_rules(body, services.configurations.activities))
    if dry_run:
        plan = await acts.plan(services, organisation_id, rules, prune=prune)
        return Json(plan.as_dict() | {"rules": [], "dry_run": True})
    applied = await acts.apply(*acting(request, principal), rules, prune=prune)
    shown = [stored.as_dict() for stored in applied.rules]
    return Json(applied.plan.as_dict() | {"rules": shown, "dry_run": False})


@router.put("/{rule_id}", openapi_extra=openapi.RULE, response_model=rule_answers.StoredRule)
async def put_rule(
    request: Request,
    principal: AdminKey,
    rule_id: RuleId,
    version: Version = None,
    if_match: IfMatch = None,
) -> Json:
    """A new version of a rule; the same rule again makes none."""
    services, organisation_id = services_of(request), principal.organisation_id
    body = decode_json(await request.body())
    expected = _expected(version, if_match)
    await acts.must_be_changeable(services, organisation_id, rule_id)
    rule = templates.read_rule(body, services.configurations.activities, rule_id=rule_id)
    if rule.rule_id != rule_id:
        raise InvalidPayload.field("rule_id", f"expected {rule_id}, as in the path, or nothing")
    return _answer(await acts.change(*acting(request, principal), rule, expected))


@router.delete("/{rule_id}", response_model=rule_answers.StoredRule)
async def delete_rule(
    request: Request,
    principal: AdminKey,
    rule_id: RuleId,
    version: Version = None,
    if_match: IfMatch = None,
) -> Json:
    """Withdraw a rule. Its versions, and the points that it gave, stay; its id may be used again."""
    expected = _expected(version, if_match)
    gone = await acts.withdraw(*acting(request, principal), rule_id, expected)
    return Json(gone.as_dict() | {"withdrawn": True})


def _expected(version: int | None, if_match: str | None) -> int | None:
    """The version that the caller has seen; None where any will do."""
    if if_match is None or if_match.strip() == "*":
        return version
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9 or version not in (None, int(text)):
        raise InvalidPayload.field("If-Match", 'expected the rule\'s ETag, such as "3"')
    return int(text)


def _answer(stored: StoredVersion, status_code: int = 200) -> Json:
    shown = stored.as_dict() | ({"withdrawn": True} if stored.withdrawn else {})
    return Json(shown, status_code, {"ETag": f'"{stored.version}"'})


def _of_mapping(unkept: RuleVersion) -> dict[str, Any]:
    """A mapping's rule of which no event has needed a stored version yet."""
    told = {"version": unkept.version, "created_at": None, "updated_at": None, "created_by": BY_CATALOGUE}
    return {**unkept.rule.as_dict(), **told}


def _position(rule: Rule) -> str:
    """Where a rule stands in the list, as text that sorts: the highest priority first, then by id."""
    return f"{5000 - rule.priority:04d} {rule.rule_id}"
