"""All routes of tests and attempts, those of learners first: they are asked most."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from rocket_server.http.assessments import attempts, questions, rules, sections, tests

ROUTERS: Final[tuple[APIRouter, ...]] = (
    attempts.router,
    tests.router,
    tests.at_root,
    sections.router,
    questions.router,
    rules.router,
)
