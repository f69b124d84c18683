"""Background work: one shape for all of it, and the jobs that people start, kept in a table."""

from rocket_server.jobs.runner import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    PAGE,
    Job,
    Key,
    Rests,
    Runner,
    run_all,
    the_process,
)

__all__ = [
    "FIRST_WAIT_S",
    "LONGEST_WAIT_S",
    "PAGE",
    "Job",
    "Key",
    "Rests",
    "Runner",
    "run_all",
    "the_process",
]
