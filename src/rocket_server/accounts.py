"""The kinds of accounts, and the ids of those that every organisation has."""

from __future__ import annotations

from typing import Final, Literal

AccountKind = Literal["learner", "issuance", "redemption"]

# Points come from issuance and, spent, go to redemption. The ids are the same in every organisation, whose id
# stands before them in every key.
ISSUANCE: Final = "00000000-0000-7000-8000-000000000001"
REDEMPTION: Final = "00000000-0000-7000-8000-000000000002"

# An organisation's own accounts.
OWN: Final[dict[str, AccountKind]] = {ISSUANCE: "issuance", REDEMPTION: "redemption"}
