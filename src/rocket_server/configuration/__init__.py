"""Whole organisations: what one has set, remembered by version; a new one made ready."""
