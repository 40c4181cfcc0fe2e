"""How long a session lasts: 24 hours from the sign-in, and 12 without a sign of life. An open page is one. It knows no view."""

import time
from datetime import timedelta

from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import receiver
from django.http import HttpRequest

LASTS = timedelta(hours=24)
IDLE = timedelta(hours=12).total_seconds()
SEEN_EVERY = timedelta(minutes=5).total_seconds()  # a sign of life is written at most this often
_SEEN = "seen_at"  # seconds since 1970: it must outlast a restart of the machine


@receiver(user_logged_in)
def begin(request: HttpRequest, **_: object) -> None:
    """Fix the end of a new session: what is written to it later does not prolong it."""
    request.session.set_expiry(LASTS)
    request.session[_SEEN] = int(time.time())


def lives(session: SessionBase) -> bool:
    """Whether somebody has been there within the last 12 hours; marks that somebody is now. The caller saves the session."""
    silent = time.time() - session.get(_SEEN, 0)
    if silent > IDLE:
        return False
    if silent >= SEEN_EVERY:
        session[_SEEN] = int(time.time())
    return True
