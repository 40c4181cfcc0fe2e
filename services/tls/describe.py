"""A certificate as pages, API and command line show it; its key is told to nobody."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from services.models import Certificate
from services.servers.clock import rfc3339
from services.tls import expiry, keyfiles, uses


def describe(rows: Iterable[Certificate]) -> list[dict[str, Any]]:
    """Each with who uses it and when it ends."""
    users = uses.users()
    now = datetime.now(UTC)
    return [_told(row, users, now) for row in rows]


def _told(row: Certificate, users: Mapping[str, list[str]], now: datetime) -> dict[str, Any]:
    days = expiry.left(row.ends_at, now)
    return {
        **{field: getattr(row, field) for field in ("name", "purpose", "is_own", "names", "subject", "issuer")},
        "fingerprint": row.fingerprint,
        "begins_at": _time(row.begins_at),
        "ends_at": _time(row.ends_at),
        "state": "valid" if days is None else "ending" if days else "ended",
        "used_by": users.get(row.name, []),
        "has_key": bool(row.public) and keyfiles.exists(row.public),
        "revision": row.revision,
        "created_by": row.created_by,
        "created_at": _time(row.created_at),
        "renewed_by": row.renewed_by,
        "renewed_at": _time(row.renewed_at),
        "chain": row.chain,
    }


def _time(at: datetime | None) -> str | None:
    return rfc3339(round(at.timestamp() * 1_000_000)) if at else None
