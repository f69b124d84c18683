"""Makes the two files of a new migration: `make migration NAME=add_streaks`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

from rocket_server.db.migrate import VERSIONS, head


def main(name: str) -> int:
    """Writes `<number>_<name>.py` from the template and an empty `.sql` beside it."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        print("say what it does: make migration NAME=add_streaks")
        return 2
    number = f"{int(head()) + 1:04}"
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    command.revision(config, name.replace("_", " ").capitalize(), rev_id=number)
    script = VERSIONS / f"{number}_{name}.py"
    script.with_suffix(".sql").write_text(f"-- {name.replace('_', ' ').capitalize()}.\n")
    print(f"now write {script.with_suffix('.sql').relative_to(Path.cwd())}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else ""))
