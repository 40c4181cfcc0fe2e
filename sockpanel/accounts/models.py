"""People with a role, and the tokens of their scripts."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils import timezone

from services.errors import ConfigurationRefused


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

    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)

    ceiling = ""  # the scope of the token that a request came with; a session has none

    objects: ClassVar[People] = People()

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        self.is_staff = self.is_superuser = self.role == User.Role.ADMIN
        if update_fields is not None and "role" in (update_fields := set(update_fields)):
            update_fields |= {"is_staff", "is_superuser"}
        super().save(*args, update_fields=update_fields, **options)

    def may(self, role: "User.Role | str") -> bool:
        """Whether this person's role includes `role`, and so does the scope of the token, if it is one that asks."""
        return self.may_without_token(role) and (not self.ceiling or _includes(self.ceiling, role))

    def may_without_token(self, role: "User.Role | str") -> bool:
        """What the person may who signs in."""
        return self.is_active and _includes(self.role, role)

    @property
    def rank(self) -> "User.Role":
        """The highest role that counts: the person's, or the token's scope where that is lower."""
        return User.Role(self.ceiling if self.ceiling and _includes(self.role, self.ceiling) else self.role)


def _includes(role: str, wanted: str) -> bool:
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
        secret = f"sp_{secrets.token_urlsafe(32)}"
        expires_at = timezone.now() + lasts if lasts else None
        cls.objects.create(user=user, name=name, digest=digest_of(secret), scope=scope, expires_at=expires_at)
        return secret

    @classmethod
    def living(cls) -> models.QuerySet["Token"]:
        """Those that have not expired."""
        return cls.objects.exclude(expires_at__lte=timezone.now())


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
