"""Who holds an address: the one place that knows psutil, asked after a bind has failed. A worker never loads it.

What cannot be seen (another user's process, without the privilege) is "another program".
"""

import os

import psutil

from services.servers.socket_options import WILDCARDS

UNSEEN = "another program"


def of_port(host: str, port: int, *, stream: bool) -> str:
    """`pid 812 (nginx)`, for whoever holds `port` on `host` or on all addresses."""
    try:
        found = psutil.net_connections(kind="tcp" if stream else "udp")
    except (psutil.Error, OSError):
        return UNSEEN
    holders = [
        connection
        for connection in found
        if connection.laddr
        and connection.laddr.port == port
        and (not stream or connection.status == psutil.CONN_LISTEN)
        and (connection.laddr.ip == host or connection.laddr.ip in WILDCARDS or host in WILDCARDS)
    ]
    return _named(next((connection.pid for connection in holders if connection.pid), None))


def of_path(path: str) -> str:
    """`pid 812 (nginx)`, for whoever holds the UNIX socket at `path`."""
    try:
        found = psutil.net_connections(kind="unix")
    except (psutil.Error, OSError):
        return UNSEEN
    return _named(
        next((connection.pid for connection in found if str(connection.laddr) == path and connection.pid), None)
    )


def _named(pid: int | None) -> str:
    if pid is None:
        return UNSEEN
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            ours = os.getpid() in (pid, process.ppid())
            return f"pid {pid} ({process.name()})" + (", another server of this panel" if ours else "")
    except psutil.Error:
        return f"pid {pid}"
