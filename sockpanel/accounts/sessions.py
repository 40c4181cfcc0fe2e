"""How long a session lasts: 24 hours from the sign-in, and 12 without a sign of life. An open page is one. It knows no view.

In the database a session goes by the hash of its key (`digest`): the key itself is in the person's cookie alone.
"""

import hashlib
import time
from datetime import timedelta

from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import receiver
from django.http import HttpRequest

LASTS = timedelta(hours=24)
IDLE = timedelta(hours=12).total_seconds()
SEEN_EVERY = timedelta(minutes=5).total_seconds()  # a sign of life is written at most this often
LONGEST = 200  # characters that are kept of what a browser says it is

# What a session remembers. Times are seconds since 1970: they must outlast a restart of the machine.
SEEN = "seen_at"
BEGUN = "begun_at"
ADDRESS = "address"
BROWSER = "browser"


@receiver(user_logged_in)
def begin(request: HttpRequest, **_: object) -> None:
    """Fix the end of a new session: what is written to it later does not prolong it."""
    session = request.session
    session.set_expiry(LASTS)
    session[SEEN] = session[BEGUN] = int(time.time())
    session[ADDRESS] = str(request.META.get("REMOTE_ADDR", ""))
    session[BROWSER] = request.headers.get("User-Agent", "")[:LONGEST]


def lives(session: SessionBase) -> bool:
    """Whether somebody has been there within the last 12 hours; marks that somebody is now. The caller saves the session."""
    silent = time.time() - session.get(SEEN, 0)
    if silent > IDLE:
        return False
    if silent >= SEEN_EVERY:
        session[SEEN] = int(time.time())
    return True


def digest(key: str) -> str:
    """By which the database knows the session with this key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
