"""Ports that nobody holds right now, for servers that a test configures."""

import errno
import socket


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A free port of `host`; for datagrams pass socket.SOCK_DGRAM."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port


def free_port_of_localhost() -> int:
    """One that is free at both addresses, as a panel needs it."""
    while True:
        port = free_port()
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", port))
        except OSError as error:  # of a machine without IPv6 the other kinds: nobody has it there
            if error.errno == errno.EADDRINUSE:
                continue
        return port


def addresses_of_localhost() -> list[str]:
    """One on a machine without IPv6, else both."""
    try:
        free_port(host="::1")
    except OSError:
        return ["127.0.0.1"]
    return ["127.0.0.1", "::1"]
