"""An account that was guessed at 100 times in a row is locked: no password opens it until somebody unlocks it on the host.

Whoever guesses is not told: a locked account answers as a wrong password does, and takes as long. Sessions and tokens go on.
Two authentication backends stand around Django's own, which asks for the password: `Refusing` before, `Counting` behind.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.dispatch import receiver
from django.http import HttpRequest

from services import audit
from services.errors import UserUnknown
from sockpanel.accounts.models import User

MOST = 100  # wrong passwords in a row, from wherever they come


class _Beside(BaseBackend):
    """Lets nobody in itself, and knows who is in already as Django's own does."""

    def get_user(self, user_id: Any) -> Any:
        return ModelBackend().get_user(user_id)


class Refusing(_Beside):
    """Nobody gets past it into a locked account."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> None:
        if username is not None and User.objects.filter(username=username, wrong_guesses__gte=MOST).exists():
            User().set_password(password)  # as Django does for a name that nobody has
            raise PermissionDenied


class Counting(_Beside):
    """Whoever comes here had a wrong password."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> None:
        """Count it, and say so where that locks the account."""
        with transaction.atomic():
            known = User.objects.filter(username=username)
            known.update(wrong_guesses=F("wrong_guesses") + 1)
            if known.filter(wrong_guesses=MOST).exists():
                audit.record("account.lock", str(username), what=f"{MOST} wrong passwords in a row")


@receiver(user_logged_in)
def forget(user: User, **_: object) -> None:
    """A right password ends a row of wrong ones."""
    User.objects.filter(pk=user.pk, wrong_guesses__gt=0).update(wrong_guesses=0)


def unlock(username: str, who: str) -> bool:
    """Let somebody sign in again; whether the account was locked. Raises UserUnknown."""
    user = User.objects.filter(username=username).first()
    if user is None:
        raise UserUnknown(f"Nobody is named {username!r}: look at the list of users, /users/.")
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(wrong_guesses=0)
        audit.record("account.unlock", who, what=username)
    return user.wrong_guesses >= MOST
