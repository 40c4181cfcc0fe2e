"""Whether a node's supervisor is alive: by its lock where that lies in our data directory, else by its last sign of life."""

from django.conf import settings

from services.models import Node
from services.servers import clock
from services.supervisor import lock

SILENT_AFTER = 15_000_000  # microseconds; a supervisor writes its row every 5 s


def alive(node: str) -> bool:
    """Whether somebody supervises `node`."""
    return supervisor_pid(node) is not None


def supervisor_pid(node: str) -> int | None:
    """The process id of the supervisor of `node`; None when none is alive.

    A lock that nobody holds tells only of a supervisor on this machine: another one may have taken the node over.
    """
    pid, record, _ = lock.look(settings.SOCKPANEL_DATA_DIR, node)
    if pid is not None:
        return pid
    row = Node.objects.filter(pk=node, seen_at__gt=clock.now() - SILENT_AFTER).first()
    return row.pid if row and row.started_at != record.started_at else None
