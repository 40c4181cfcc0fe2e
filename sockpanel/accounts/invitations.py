"""Ways in for people who have no account: a one-time link with a role, good for 3 days. Of its token only the hash is kept.

The token stands in the fragment of the link, which no browser sends and no log keeps.

    token = invitations.make("operator", name="otto", by="ada")
    user = invitations.accept(token, "otto", password)
"""

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from services import audit
from services.errors import ConfigurationRefused, InvitationRefused, SessionGone
from sockpanel.accounts import setup
from sockpanel.accounts.models import Invitation, User, digest_of

LASTS = timedelta(days=3)
MOST = 100  # open ones
MAKING = frozenset({"role", "is_active", "username"})  # what of somebody an invitation hangs on
REFUSED = "The link is wrong, was used or taken back, is older than 3 days, or its maker is no admin any more: ask for a new one."


def open_ones() -> QuerySet[Invitation]:
    """Those that can still be used, the newest first: whoever made one is an admin still."""
    return Invitation.objects.filter(expires_at__gt=timezone.now(), made_by__in=_admins()).order_by("-pk")


@receiver(post_save, sender=User)
@receiver(post_delete, sender=User)
def end(update_fields: Collection[str] | None = None, **_: object) -> None:
    """For good, when their maker is no admin any more: as one again, or as somebody else of that name, nobody brings them back."""
    if update_fields is None or MAKING.intersection(update_fields):
        Invitation.objects.exclude(made_by__in=_admins()).delete()


def _admins() -> QuerySet[User, Any]:
    return User.objects.filter(is_active=True, role=User.Role.ADMIN).values("username")


def make(role: str, by: str, name: str = "") -> str:
    """A new token, told once; `name` is for whom, and proposed as the user name. Raises ConfigurationRefused."""
    if role not in User.Role.values:
        raise ConfigurationRefused(f"A role is one of {', '.join(User.Role.values)}.", field="role")
    if len(name) > 150 or not name.isprintable():
        raise ConfigurationRefused("A name has up to 150 characters, on one line.", field="name")
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        Invitation.objects.filter(expires_at__lte=timezone.now()).delete()
        if Invitation.objects.count() >= MOST:
            raise ConfigurationRefused(f"{MOST} invitations are open already: take one back first.", field="name")
        Invitation.objects.create(
            digest=digest_of(token), name=name, role=role, made_by=by, expires_at=timezone.now() + LASTS
        )
        audit.record("user.invite", by, what=name, new={"role": role})
    return token


def link(request: HttpRequest, token: str) -> str:
    """What the guest opens, at the address by which the panel was asked for it."""
    return f"{request.build_absolute_uri(reverse('invite'))}#token={token}"


def take_back(number: int, by: str) -> None:
    """Make a link worthless. Raises SessionGone."""
    with transaction.atomic():
        invitation = Invitation.objects.filter(pk=number).first()
        if invitation is None:
            raise SessionGone("This invitation was used or taken back already: load the list again.")
        invitation.delete()
        audit.record("user.uninvite", by, what=invitation.name, old={"role": invitation.role})


def accept(token: str, username: str, password: str) -> User:
    """The account, made by whoever has the link; the link is used up. Of several at once one wins.

    Raises InvitationRefused, and ConfigurationRefused with a sentence for each field that is wrong.
    """
    of(token)  # whoever has no link has nothing hashed
    user = setup.checked(User(username=username), password)
    user.password = make_password(password)  # it takes a while, and nobody has to wait for it
    with transaction.atomic():
        setup.hold_others()
        invitation = of(token)
        if problem := user.name_refused():  # of several at once, too
            raise ConfigurationRefused(problem, field="username")
        invitation.delete()
        user.role = invitation.role
        user.save()
        told = {"role": invitation.role, "invited by": invitation.made_by}
        audit.record("user.join", user.username, what=user.username, new=told)
    return user


def of(token: str) -> Invitation:
    """The one with this token. Raises InvitationRefused."""
    invitation = open_ones().filter(digest=digest_of(token)).first()
    if invitation is None:
        raise InvitationRefused(REFUSED, field="token")
    return invitation
