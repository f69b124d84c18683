"""Alembic's way in. Run through `rocket migrate`, which opens the transaction and holds the lock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo


def _note(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    context.config.attributes["applied"].append(step.up_revision_id)


connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("migrations are run by `rocket migrate`")
# The transaction is the caller's: Alembic neither begins nor commits one.
context.configure(connection=connection, target_metadata=None, on_version_apply=_note)
context.run_migrations()
