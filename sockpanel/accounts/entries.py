"""What the audit says of signing in and out. A name that nobody has is not written down: people type passwords there by mistake."""

import logging
from collections.abc import Mapping

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import Error
from django.dispatch import receiver
from django.http import HttpRequest

from services import audit
from services.errors import PasswordWrong, TooManyAttempts
from sockpanel.accounts.models import User

logger = logging.getLogger(__name__)


@receiver(user_logged_in)
def signed_in(user: User, **_: object) -> None:
    audit.record("sign-in", user.username)


@receiver(user_logged_out)
def signed_out(user: User | None, **_: object) -> None:
    """Whoever wants to leave may, even where that cannot be written down."""
    if user is None:
        return
    try:
        audit.record("sign-out", user.username)
    except Error:
        logger.exception("A sign-out could not be written into the audit.")


@receiver(user_login_failed)
def was_refused(credentials: Mapping[str, str], request: HttpRequest | None = None, **_: object) -> None:
    """A wrong password, or one that nobody looked at any more."""
    name = str(credentials.get("username", ""))
    who = name if User.objects.filter(username=name).exists() else ""
    is_held = getattr(request, "axes_locked_out", False)
    what = "held up after too many wrong passwords" if is_held else "a wrong password" if who else "an unknown name"
    audit.refused(who, what, TooManyAttempts.code if is_held else PasswordWrong.code, verb="sign-in.refused")
