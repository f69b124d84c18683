"""Rules and the catalogue's ready-made ones, as API callers see them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from rocket_server.http import openapi
from rocket_server.http.auth import ReadKey
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.rules import templates

router = APIRouter(prefix="/v1/rules", tags=["rules"], responses=openapi.ERRORS)


@router.get("")
async def list_rules(request: Request, principal: ReadKey) -> Json:
    """The organisation's rules as they are in force, switched off ones included."""
    services = services_of(request)
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, principal.organisation_id)
    rules = [{**rule.rule.as_dict(), "version": rule.version} for rule in configuration.rules.rules]
    return Json({"rules": rules, "next_cursor": None})


@router.get("/templates")
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
