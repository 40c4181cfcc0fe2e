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
    """The process id of the supervisor of `node`; None when none is alive."""
    if lock.lock_path(settings.SOCKPANEL_DATA_DIR, node).exists():
        return lock.holder(settings.SOCKPANEL_DATA_DIR, node)
    row = Node.objects.filter(pk=node, seen_at__gt=clock.now() - SILENT_AFTER).first()
    return row.pid if row else None
