"""How long a session lasts: 24 hours from the sign-in, and 12 without a sign of life. An open page is one. It knows no view.

With a higher role it gets another key: whoever knew the one of an operator does not know the one of an admin.

In the database a session goes by the hash of its key (`digest`): the key itself is in the person's cookie alone.
"""

import hashlib
import time
from datetime import timedelta
from typing import cast

from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.middleware.csrf import CSRF_SESSION_KEY, rotate_token
from django.utils import timezone

from services.servers.redaction import clean_text
from sockpanel.accounts.models import Session, User, includes

LASTS = timedelta(hours=24)
IDLE = timedelta(hours=12).total_seconds()
SEEN_EVERY = timedelta(minutes=5).total_seconds()  # a sign of life is written at most this often
LONGEST = 200  # characters that are kept of what a browser says it is

# What a session remembers. Times are seconds since 1970: they must outlast a restart of the machine.
SEEN = "seen_at"
BEGUN = "begun_at"
ADDRESS = "address"
BROWSER = "browser"
ROLE = "role"


@receiver(user_logged_in)
def begin(request: HttpRequest, user: User, **_: object) -> None:
    """Fix the end of a new session: what is written to it later does not prolong it."""
    session = request.session
    session.set_expiry(LASTS)
    session[SEEN] = session[BEGUN] = int(time.time())
    session[ADDRESS] = str(request.META.get("REMOTE_ADDR", ""))
    session[ROLE] = user.role
    session[BROWSER] = clean_text(request.headers.get("User-Agent", ""))[:LONGEST]


def follow_role(request: HttpRequest) -> bool:
    """Another secret for the session's forms when the person has another role than before, and with a higher one another key too.

    Of several requests at once one does it. False: the key that this one came with is the session's no more.
    """
    user, session = cast(User, request.user), request.session
    if session.get(ROLE) == user.role:
        return True
    with transaction.atomic():
        row = Session.objects.select_for_update().filter(pk=digest(session.session_key or "")).first()
        if row is None:
            return False
        session.update(row.get_decoded())
        if session.get(ROLE) != user.role:
            _renew(request, user.role)
    return True


def _renew(request: HttpRequest, role: str) -> None:
    """At once: a view that looks for the secret finds the new one, and so do the requests that wait."""
    session = request.session
    if not includes(session.get(ROLE, User.Role.VIEWER), role):
        session.cycle_key()
    session[ROLE] = role
    rotate_token(request)
    session[CSRF_SESSION_KEY] = request.META["CSRF_COOKIE"]
    session.save()


def lives(session: SessionBase) -> bool:
    """Whether somebody has been there within the last 12 hours; marks that somebody is now. The caller saves the session."""
    silent = time.time() - session.get(SEEN, 0)
    if silent > IDLE:
        return False
    if silent >= SEEN_EVERY:
        session[SEEN] = int(time.time())
    return True


def open_ones() -> QuerySet[Session]:
    """Those by which somebody is signed in: not over, and with a sign of life in the last 12 hours."""
    now = timezone.now()
    return Session.objects.filter(user__isnull=False, expire_date__gt=now, seen_at__gte=now - timedelta(seconds=IDLE))


def digest(key: str) -> str:
    """By which the database knows the session with this key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
