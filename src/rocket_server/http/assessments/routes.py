"""All routes of tests and attempts, those of learners first: they are asked most."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from rocket_server.http.assessments import (
    attempts,
    exchange,
    measures,
    questions,
    regrades,
    rules,
    sections,
    tests,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    attempts.router,
    tests.router,
    tests.at_root,
    measures.router,
    sections.router,
    exchange.router,  # before the paths of single questions
    questions.router,
    regrades.router,
    rules.router,
)
