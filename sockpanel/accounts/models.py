"""People with a role, their sessions, and the tokens of their scripts."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from importlib import import_module
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from services.errors import ConfigurationRefused
from services.servers import redaction
from sockpanel.accounts import names


class People(UserManager["User"]):
    """Makes accounts."""

    use_in_migrations = False

    def create_superuser(self, *args: Any, **fields: Any) -> "User":
        """An admin, for Django's own command."""
        return super().create_superuser(*args, **{"role": User.Role.ADMIN, **fields})


class User(AbstractUser):
    """Someone with an account. Django's flags follow the role: an admin, and nobody else, is staff and superuser."""

    class Role(models.TextChoices):
        VIEWER = "viewer"  # sees
        OPERATOR = "operator"  # starts, stops, sends
        ADMIN = "admin"  # configures, users, keys

    class Theme(models.TextChoices):
        SYSTEM = "", "As the system"
        LIGHT = "light"
        DARK = "dark"

    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM, blank=True)
    language = models.CharField(max_length=16, blank=True)  # empty: the panel's
    wrong_guesses = models.PositiveIntegerField(
        default=0, editable=False
    )  # passwords in a row: sockpanel.accounts.locking

    ENDING = frozenset({"password", "is_active"})  # what a session does not outlive when it changes
    ceiling = ""  # the scope of the token that a request came with; a session has none
    token: "Token | None" = None  # that token

    objects: ClassVar[People] = People()

    def clean(self) -> None:
        """Also the name, where it is a new one: forms, invitations and Django's admin all come by here."""
        super().clean()
        if refusal := self.name_refused():
            raise ValidationError({"username": refusal})

    def name_refused(self) -> str:
        """Why a new name will not do beside those of all others; empty where it will, and for a name of before."""
        others = dict(User.objects.values_list("pk", "username"))
        return "" if others.pop(self.pk, None) == self.username else names.refusal(self.username, others.values())

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        self.is_staff = self.is_superuser = self.role == User.Role.ADMIN
        if update_fields is not None and "role" in (update_fields := set(update_fields)):
            update_fields |= {"is_staff", "is_superuser"}
        with transaction.atomic():
            is_over = self._ends_sessions(frozenset(self.ENDING if update_fields is None else update_fields))
            super().save(*args, update_fields=update_fields, **options)
            if is_over:
                self.sessions.all().delete()

    def _ends_sessions(self, written: frozenset[str]) -> bool:
        """Whether signed-in browsers are let in no more, whoever writes that: their rows would look open, or come alive again."""
        if self._state.adding or not written & self.ENDING:
            return False
        return not (self.is_active and User.objects.filter(pk=self.pk, password=self.password).exists())

    def may(self, role: "User.Role | str") -> bool:
        """Whether this person's role includes `role`, and so does the scope of the token, if it is one that asks."""
        return self.may_without_token(role) and (not self.ceiling or includes(self.ceiling, role))

    def may_without_token(self, role: "User.Role | str") -> bool:
        """What the person may who signs in."""
        return self.is_active and includes(self.role, role)

    @property
    def rank(self) -> "User.Role":
        """The highest role that counts: the person's, or the token's scope where that is lower."""
        return User.Role(self.ceiling if self.ceiling and includes(self.role, self.ceiling) else self.role)


def includes(role: str, wanted: str) -> bool:
    """Whether a role includes another."""
    order = list(User.Role)
    return order.index(User.Role(role)) >= order.index(User.Role(wanted))


class Token(models.Model):
    """A script's way in, with the role that it has at most and, mostly, an end: only the hash of it is kept."""

    LASTS = timedelta(days=90)  # what is proposed
    MAX_DAYS = 3650

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(
        max_length=8, choices=User.Role.choices, default=User.Role.ADMIN
    )  # with the role of its user, the lower counts
    expires_at = models.DateTimeField(null=True, blank=True)  # null: never
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, editable=False)

    @classmethod
    def issue(cls, user: User, name: str = "", *, scope: str = "", lasts: timedelta | None = None) -> str:
        """A new token, told once; `scope`: the user's role unless told otherwise. Raises ConfigurationRefused for more than that."""
        scope = scope or user.rank
        if scope not in User.Role or not user.may(scope):
            raise ConfigurationRefused(
                f"A token's scope is a role up to that of its user, who is {user.rank}.", field="scope"
            )
        if len(name) > 64 or not (name.isprintable() or not name):
            raise ConfigurationRefused("A token's name is a line of up to 64 characters.", field="name")
        secret = redaction.new_token()
        expires_at = timezone.now() + lasts if lasts else None
        cls.objects.create(user=user, name=name, digest=digest_of(secret), scope=scope, expires_at=expires_at)
        return secret

    @classmethod
    def living(cls) -> models.QuerySet["Token"]:
        """Those that have not expired."""
        return cls.objects.exclude(expires_at__lte=timezone.now())


class Invitation(models.Model):
    """A way to an account for somebody who has none: by a one-time link, of which only the hash is kept."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(max_length=150, blank=True)  # for whom, for people to read
    role = models.CharField(max_length=8, choices=User.Role.choices, default=User.Role.VIEWER)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()


class Session(AbstractBaseSession):
    """Somebody's browser, signed in or on its way to it. `session_key` is the hash of the key in its cookie (accounts.keeping)."""

    session_key = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    address = models.CharField(max_length=64, blank=True)
    browser = models.CharField(max_length=200, blank=True)
    begun_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        return import_module(settings.SESSION_ENGINE).SessionStore

    @classmethod
    def living(cls, *digests: str) -> "models.QuerySet[Session]":
        """Those of these that have not expired."""
        return cls.objects.filter(pk__in=digests, expire_date__gt=timezone.now())


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
