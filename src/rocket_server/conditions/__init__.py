"""Conditions on the fields of an event: how they are written, checked and judged. Pure."""
