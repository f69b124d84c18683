"""OpenLMS is Moodle at heart and sends by the same Event Trigger plugin, so it is read the same way."""

from __future__ import annotations

from rocket_server.sources.moodle import check_mappings, merge, read, reread

__all__ = ["check_mappings", "merge", "read", "reread"]
