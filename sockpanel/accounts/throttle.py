"""Guessing passwords is slow: refused before anything is hashed, for one hash costs a quarter of a second of a core.

At most 10 failures in 5 minutes for an account from an address, 30 for an address, and 2 hashes at once. It knows no page.

What is counted is the address and the hash of the name, for people type passwords there by mistake; nothing else of a request is kept.
"""

import ipaddress
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.crypto import salted_hmac

from services.errors import TooManyAttempts
from sockpanel import problems

PER_ADDRESS = 30  # failures within AXES_COOLOFF_TIME
AT_ONCE = 2
WAITING = 20
PATIENCE = 10.0  # seconds

_places = threading.BoundedSemaphore(AT_ONCE + WAITING)
_running = threading.BoundedSemaphore(AT_ONCE)


class Throttle(AxesDatabaseHandler):
    """Axes counts per account and address; this counts per address too. Axes would keep the forms: this shows it none."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        return super().is_locked(request, credentials) or self._failures_from_address(request) >= PER_ADDRESS

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **more: Any) -> None:
        if request is None:
            return
        get, post = request.GET, request.POST
        request.axes_user_agent = request.axes_path_info = request.axes_http_accept = ""
        request.GET = request.POST = QueryDict()
        try:
            super().user_login_failed(sender, credentials, request, **more)
        finally:
            request.GET, request.POST = get, post

    def reset_attempts(self, *, username: str | None = None, **more: Any) -> int:
        return int(super().reset_attempts(username=_hash(username) if username else None, **more))

    def _failures_from_address(self, request: Any) -> int:
        attempts = AccessAttempt.objects.filter(
            ip_address=request.axes_ip_address, attempt_time__gte=get_cool_off_threshold(request)
        )
        return attempts.aggregate(failures=Sum("failures_since_start"))["failures"] or 0


def address_of(request: HttpRequest) -> str:
    """The address that failures are counted for: of IPv6 the /64, which one person has whole."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "0.0.0.0"  # noqa: S104 (a client without an address, of a test)
    return (
        str(ipaddress.ip_network((int(parsed), 64), strict=False).network_address) if parsed.version == 6 else address
    )


def name_of(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """By which the failures of an account are counted."""
    return _hash((credentials or {}).get("username") or request.POST.get("username", ""))


def _hash(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    return salted_hmac("sockpanel.accounts.throttle", folded, algorithm="sha256").hexdigest()


def locked_out(request: HttpRequest, *_: object) -> HttpResponse:
    """The answer to who has guessed too often."""
    sentence = "Too many wrong passwords: wait 5 minutes. Whoever forgot it gets a link from manage.py setup_token --reset USER."
    return refuse(request, sentence, seconds=300)


def refuse(request: HttpRequest, sentence: str, seconds: int) -> HttpResponse:
    response = problems.problem(request, TooManyAttempts(sentence))
    response["Retry-After"] = str(seconds)
    return response


@contextmanager
def hashing() -> Iterator[None]:
    """A place for one hash. Raises TooManyAttempts when 20 wait already, or after 10 s of waiting."""
    busy = TooManyAttempts("Too many people sign in at this moment: try again in some seconds.")
    if not _places.acquire(blocking=False):
        raise busy
    try:
        if not _running.acquire(timeout=PATIENCE):
            raise busy
        try:
            yield
        finally:
            _running.release()
    finally:
        _places.release()
