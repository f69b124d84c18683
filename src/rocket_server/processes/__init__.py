"""Processes: the supervisor, one server, one worker, and what `rocket up` does once."""
