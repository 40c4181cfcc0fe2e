"""Which certificates end soon: those that servers use, the panel's own authority, and the panel's own. Told 21, 7 and 1 day before.

for one in ending():
    print(one.sentence)
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from django.conf import settings

from services.models import Certificate
from services.tls import facts, uses

DAYS = (21, 7, 1)  # before the end
PANEL = "the panel's own certificate"
MAX_FILE = 1024 * 1024


class Ending(NamedTuple):
    """A certificate that ends soon, or has ended."""

    ends_at: datetime
    name: str
    fingerprint: str
    days: int  # the least of DAYS that it is within; 0: it has ended
    sentence: str


def ending(now: datetime | None = None) -> list[Ending]:
    """Those that end within 21 days, the nearest first. Raises the database's Error when that does not answer."""
    now = now or datetime.now(UTC)
    found = [*_of_servers(now), *_of_panel(now)]
    return sorted(found)


def left(ends_at: datetime, now: datetime | None = None) -> int | None:
    """The least of DAYS that the end is within, 0 when it is over, None when there is time."""
    rest = ends_at - (now or datetime.now(UTC))
    if rest <= timedelta(0):
        return 0
    return next((days for days in sorted(DAYS) if rest <= timedelta(days=days)), None)


def _of_servers(now: datetime) -> list[Ending]:
    rows = list(Certificate.objects.filter(ends_at__lte=now + timedelta(days=max(DAYS))))
    users = uses.users() if rows else {}
    return [
        _told(row.name, row.fingerprint, row.ends_at, now, _whose(row, users.get(row.name, [])), _remedy(row))
        for row in rows
        if row.name in users or row.purpose == Certificate.Purpose.AUTHORITY
    ]


def _whose(row: Certificate, users: list[str]) -> str:
    if row.purpose == Certificate.Purpose.AUTHORITY:
        return "The panel's own certificate authority"
    more = f" and {len(users) - 3} more" if len(users) > 3 else ""
    return f"The certificate {row.name} of {', '.join(users[:3])}{more}"


def _remedy(row: Certificate) -> str:
    if row.purpose == Certificate.Purpose.AUTHORITY:
        return "make it anew with manage.py certificates ca --new, and have clients trust the new one."
    if row.is_own:
        return f"renew it on the page Certificates, or with manage.py certificates renew {row.name}."
    return "upload the renewed one on the page Certificates, under the same name."


def _of_panel(now: datetime) -> list[Ending]:
    if settings.SOCKPANEL_TLS is None:
        return []
    path = Path(settings.SOCKPANEL_TLS[0])
    try:
        certificate = _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return []  # the panel goes on with what it had, and its log says so
    remedy = f"put the renewed one in the place of {path}; it is taken up without a restart."
    whose, print_ = "The panel's own certificate", facts.of([certificate]).fingerprint
    if left(certificate.not_valid_after_utc, now) is None:
        return []
    return [_told(PANEL, print_, certificate.not_valid_after_utc, now, whose, remedy)]


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> x509.Certificate:
    with path.open("rb") as file:
        return x509.load_pem_x509_certificates(file.read(MAX_FILE))[0]


def _told(name: str, fingerprint: str, ends_at: datetime, now: datetime, whose: str, remedy: str) -> Ending:
    days = left(ends_at, now) or 0
    when = f"{ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if not days:
        sentence = f"{whose} has ended on {when}, and clients refuse it: {remedy}"
    else:
        sentence = f"{whose} ends {_in(ends_at - now)} ({when}): {remedy}"
    return Ending(ends_at, name, fingerprint, days, sentence)


def _in(rest: timedelta) -> str:
    if rest.days > 1:
        return f"in {rest.days} days"
    hours = max(1, round(rest.total_seconds() / 3600))
    return f"in {hours} hour{'s' if hours != 1 else ''}"
