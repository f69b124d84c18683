"""The play is for machines that have a Moodle; without one there is nothing to collect."""

from __future__ import annotations

import os

collect_ignore = [] if os.environ.get("ROCKET_TEST_MOODLE") else ["test_play.py"]
