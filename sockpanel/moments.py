"""A moment of the database as every answer and page writes it: RFC 3339, in UTC."""

from datetime import datetime

from services.servers import clock


def rfc3339(at: datetime | None) -> str | None:
    """None where there is no moment."""
    return clock.rfc3339(round(at.timestamp() * 1_000_000)) if at else None
