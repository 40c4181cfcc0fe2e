"""What the remote-command servers of this panel ran, and for whom, as their workers told it before and after."""

from services.models import Execution

LIMIT, MAX_LIMIT = 50, 200


def of(server: int, before: int | None = None, limit: int = LIMIT) -> list[Execution]:
    """The newest of one server first; `before`: older than this id."""
    rows = Execution.objects.filter(server_id=server)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[: min(limit, MAX_LIMIT)])
