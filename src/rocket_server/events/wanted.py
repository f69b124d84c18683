"""Which events a receiver's patterns mean: the same for webhooks and plugins. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

# What the server tells about itself. It goes only to receivers that name it: `*` means what learners do, and
# a receiver of everything shouldn't hear of another receiver's troubles.
OPERATIONAL: Final = ("endpoint.", "delivery.", "webhook.")


def wants(patterns: Collection[str], event: str) -> bool:
    """Whether `patterns` have an event: names, `quiz.*` for all that begin so, `*` for all of learners."""
    if event in patterns:
        return True
    domain = f"{event.partition('.')[0]}.*"
    return domain in patterns or ("*" in patterns and not event.startswith(OPERATIONAL))
