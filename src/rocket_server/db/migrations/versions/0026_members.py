"""People who sign in to the console, and what lets them in."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from rocket_server.db.migrate import run_script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("go back by restoring a backup")
