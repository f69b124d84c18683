"""Awards are found by their ids, know their versions, and deliveries are due by the clock of the database."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from rocket_server.db.migrate import run_script

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
