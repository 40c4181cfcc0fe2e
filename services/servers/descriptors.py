"""How many files and sockets this process may have open."""

import resource

RESERVED = 64  # for the link, the listener, the loop and what Python opens


def raise_limit() -> None:
    """Allow as many as the hard limit allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def for_connections() -> int:
    """Connections that can be open without ever running out."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - RESERVED) if soft != resource.RLIM_INFINITY else 1_000_000
