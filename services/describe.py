"""A server as the panel, the API and the command line tell it: its configuration, where it stands, what it has handled."""

from collections.abc import Iterable
from typing import Any

from services import nodes
from services.models import Counters, Server, Status
from services.servers.clock import rfc3339
from services.servers.spec import UNIX, join_address

CONFIGURATION = (
    "name", "kind", "transport", "host", "port", "framing", "reply", "options", "limits", "tls",
    "restart", "autostart", "retention", "node", "notes",
)  # fmt: skip
ACTIVE = frozenset({"STARTING", "RUNNING", "BACKOFF", "STOPPING"})
NO_SUPERVISOR = "No supervisor runs on node {node}: start Sockpanel with manage.py up, or manage.py supervise."


def describe(servers: Iterable[Server]) -> list[dict[str, Any]]:
    """The SERVER objects of `servers`, in their order, without warnings."""
    wanted = list(servers)
    ids = [server.pk for server in wanted]
    statuses = Status.objects.in_bulk(ids)
    counters = Counters.objects.in_bulk(ids)
    alive = {node: nodes.alive(node) for node in {server.node for server in wanted}}
    return [
        {
            "id": server.pk,
            **{field: getattr(server, field) for field in CONFIGURATION},
            **standing(server, statuses.get(server.pk), alive[server.node]),
            "wanted": server.wanted,
            "warnings": [],
            "counters": count(counters.get(server.pk)),
        }
        for server in wanted
    ]


def standing(server: Server, status: Status | None, alive: bool) -> dict[str, Any]:
    """State and what belongs to it. Without a supervisor nothing runs, whatever was written last."""
    state = status.state if status else "STOPPED"
    reason = status.reason if status else ""
    gone = state in ACTIVE and not alive
    if gone:
        state = "STOPPED"
    if not alive and (gone or server.wanted == Server.Wanted.RUNNING):
        reason = NO_SUPERVISOR.format(node=server.node)
    serving = state in ("RUNNING", "STARTING", "STOPPING") and status is not None
    return {
        "state": state,
        "reason": reason,
        "since": rfc3339(status.since) if status else rfc3339(int(server.created_at.timestamp() * 1_000_000)),
        "pid": status.pid if serving and status else None,
        "address": address_of(server),
        "retry_at": rfc3339(status.retry_at) if status and status.retry_at and state == "BACKOFF" else None,
    }


def address_of(server: Server) -> str:
    """Where it serves, or would; of a broadcast sender, where it sends."""
    if destination := server.options.get("destination"):
        return str(destination)
    return server.host if server.transport in UNIX else join_address(server.host, server.port)


def count(row: Counters | None) -> dict[str, Any]:
    """The numbers of a server since it was created."""
    row = row or Counters()
    return {
        "connections": row.open_connections,
        "connections_ever": row.connections,
        "received": row.received,
        "stored": row.stored,
        "dropped": row.dropped,
        "sent": row.sent,
        "sent_stored": row.sent_stored,
        "sent_dropped": row.sent_dropped,
        "bytes_in": row.bytes_in,
        "bytes_out": row.bytes_out,
        "stored_bytes": row.stored_bytes,
        "dropped_bytes": row.dropped_bytes,
        "sent_stored_bytes": row.sent_stored_bytes,
        "sent_dropped_bytes": row.sent_dropped_bytes,
        "refused": row.refused,
        "last_seq": row.last_seq,
        "last_at": rfc3339(row.last_at) if row.last_at else None,
    }
