"""People, invitations, sessions and tokens as pages and API tell of them. It decides nothing."""

from typing import Any

from django.db.models import Count, IntegerField, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from sockpanel.accounts import browsers, sessions
from sockpanel.accounts.models import Invitation, Session, Token, User, includes
from sockpanel.moments import rfc3339


def everybody(*names: str) -> list[dict[str, Any]]:
    """All of them, or these, by name: with how many sessions and tokens they have, and when they were last seen."""
    people = User.objects.filter(username__in=names) if names else User.objects.all()
    counted = people.order_by("username").annotate(
        session_count=_count(sessions.open_ones()),
        token_count=_count(Token.objects.all()),
        last_seen_at=Max("sessions__seen_at"),
    )
    return [_told(user) for user in counted]


def _count(rows: QuerySet[Any]) -> Coalesce:
    """How many of these each user has. Counted apart: joined, so many sessions would be multiplied by so many tokens."""
    per_user = rows.filter(user=OuterRef("pk")).order_by().values("user").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(per_user), 0, output_field=IntegerField())


def _told(user: Any) -> dict[str, Any]:
    seen = max((at for at in (user.last_seen_at, user.last_login) if at), default=None)
    return {
        "username": user.username,
        "role": user.role,
        "active": user.is_active,
        "seen_at": rfc3339(seen),
        "joined_at": rfc3339(user.date_joined),
        "sessions": user.session_count,
        "tokens": user.token_count,
    }


def invitation(one: Invitation) -> dict[str, Any]:
    """Without its token: nobody knows that but who has the link."""
    return {
        "number": one.pk,
        "name": one.name,
        "role": one.role,
        "made_by": one.made_by,
        "made_at": rfc3339(one.made_at),
        "expires_at": rfc3339(one.expires_at),
    }


def session(one: Session, here: str) -> dict[str, Any]:
    """A signed-in browser; `here` is the session that asks."""
    return {
        "id": one.pk,
        "browser": browsers.named(one.browser),
        "said": one.browser,
        "address": one.address,
        "begun_at": rfc3339(one.begun_at),
        "seen_at": rfc3339(one.seen_at),
        "is_here": one.pk == here,
    }


def token(one: Token) -> dict[str, Any]:
    """Without the token itself. Its scope is at most its owner's role."""
    return {
        "number": one.pk,
        "name": one.name,
        "scope": one.scope if includes(one.user.role, one.scope) else one.user.role,
        "created_at": rfc3339(one.created_at),
        "used_at": rfc3339(one.used_at),
        "expires_at": rfc3339(one.expires_at),
        "expired": one.expires_at is not None and one.expires_at <= timezone.now(),
    }
