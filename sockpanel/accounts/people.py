"""What admins do with other people's accounts: their role, whether they may in, their sessions. There is always one admin.

people.change_role("vera", "operator", by="ada")
"""

from django.db import transaction

from services import audit
from services.errors import ConfigurationRefused, LastAdmin, UserUnknown
from sockpanel.accounts import sessions, setup
from sockpanel.accounts.models import Session, User

LAST = "{name} is the only admin: make somebody else one first."


def listed() -> list[User]:
    """Everybody, by name."""
    return list(User.objects.order_by("username"))


def find(name: str) -> User:
    """The one with this name. Raises UserUnknown."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise UserUnknown(f"Nobody is named {name[:150]!r}: look at the list of users, /users/.")
    return user


def change_role(name: str, role: str, by: str) -> User:
    """Raises UserUnknown, LastAdmin, and ConfigurationRefused for what is no role."""
    if role not in User.Role.values:
        raise ConfigurationRefused(f"A role is one of {', '.join(User.Role.values)}.", field="role")
    with transaction.atomic():
        setup.hold_others()
        user = find(name)
        if role != User.Role.ADMIN:
            _spare_the_last_admin(user)
        old, user.role = user.role, role
        if old != role:
            user.save(update_fields=["role"])
            audit.record("user.role", by, what=name, old={"role": old}, new={"role": role})
    return user


def disable(name: str, by: str) -> User:
    """Let somebody in no more: sessions end, tokens are refused. Nothing of theirs is lost. Raises UserUnknown or LastAdmin."""
    with transaction.atomic():
        setup.hold_others()
        user = find(name)
        _spare_the_last_admin(user)
        if user.is_active:
            user.is_active = False
            user.save(update_fields=["is_active"])
            audit.record("user.disable", by, what=name)
    return user


def enable(name: str, by: str) -> User:
    """Let somebody in again, by the same password and tokens. Raises UserUnknown."""
    with transaction.atomic():
        setup.hold_others()
        user = find(name)
        if not user.is_active:
            user.is_active = True
            user.save(update_fields=["is_active"])
            audit.record("user.enable", by, what=name)
    return user


def end_sessions(name: str, by: str) -> int:
    """Sign somebody out everywhere; of how many browsers. Raises UserUnknown."""
    with transaction.atomic():
        user = find(name)
        count = sessions.open_ones().filter(user=user).count()
        Session.objects.filter(user=user).delete()
        audit.record("user.sign-out", by, what=name)
    return count


def admins() -> int:
    """How many there are who may in."""
    return User.objects.filter(role=User.Role.ADMIN, is_active=True).count()


def is_last_admin(user: User) -> bool:
    """Whether nobody would be an admin without this person."""
    others = User.objects.filter(role=User.Role.ADMIN, is_active=True).exclude(pk=user.pk)
    return user.role == User.Role.ADMIN and user.is_active and not others.exists()


def _spare_the_last_admin(user: User) -> None:
    if is_last_admin(user):
        raise LastAdmin(LAST.format(name=user.username))
