"""How many files and sockets this process may have open."""

from __future__ import annotations

import resource

# Where there is no hard limit; more than a machine's kernel usually gives one process.
_ENOUGH = 1_048_576


def raise_limit() -> int:
    """Raise the soft limit to the hard one, as `ulimit -n hard` does; the limit that now holds.

    Most systems start processes with 1,024, out of care for programs that use select(2); none of ours does.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS: the kernel's own bound is below the hard limit
            return soft
        return wanted
    return _ENOUGH if soft == resource.RLIM_INFINITY else soft
