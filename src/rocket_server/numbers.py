"""Whole numbers in bodies: `25` and `25.0` are the same number in JSON, `"25"` and `true` are none."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


# Some languages write every number with a point.
Whole = Annotated[int, Field(strict=True), BeforeValidator(_whole)]
