"""People with a role, and the tokens of their scripts."""

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


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

    objects: ClassVar[People] = People()

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        self.is_staff = self.is_superuser = self.role == User.Role.ADMIN
        if update_fields is not None and "role" in (update_fields := set(update_fields)):
            update_fields |= {"is_staff", "is_superuser"}
        super().save(*args, update_fields=update_fields, **options)

    def may(self, role: "User.Role | str") -> bool:
        """Whether this person's role includes `role`."""
        order = list(User.Role)
        return self.is_active and order.index(User.Role(self.role)) >= order.index(User.Role(role))


class Token(models.Model):
    """A script's way in: only the hash of it is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, editable=False)

    @classmethod
    def issue(cls, user: User, name: str = "") -> str:
        """A new token, told once."""
        secret = f"sp_{secrets.token_urlsafe(32)}"
        cls.objects.create(user=user, name=name, digest=digest_of(secret))
        return secret


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
