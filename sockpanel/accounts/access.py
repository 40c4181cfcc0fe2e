"""Who may do what: roles for pages and API, tokens for scripts. It knows no page.

@require("operator")
def start(request, name): ...
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils import timezone

from services.errors import NotAllowed, SignInNeeded
from sockpanel.accounts.bearer import token_of as token_of
from sockpanel.accounts.models import Token, User, digest_of

USED_EVERY = timedelta(minutes=1)  # a token's last use is written at most this often


def check(user: object, role: str) -> User:
    """The user, when the role includes `role`. Raises SignInNeeded or NotAllowed."""
    if not isinstance(user, User) or not user.is_active:
        raise SignInNeeded("Sign in, or send a token: Authorization: Bearer TOKEN.")
    if not user.may(role):
        raise NotAllowed(f"This needs the role {role} and yours is {user.role}: ask an admin for it.")
    return user


def require(role: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A view for people whose role includes `role`."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                check(await request.auser(), role)
                return await view(request, *args, **kwargs)

            return guarded_async

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            check(request.user, role)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def user_of_token(text: str) -> User | None:
    """The active user whose token this is."""
    token = Token.objects.select_related("user").filter(digest=digest_of(text), user__is_active=True).first()
    if token is None:
        return None
    now = timezone.now()
    if token.used_at is None or now - token.used_at >= USED_EVERY:
        Token.objects.filter(pk=token.pk).update(used_at=now)
    return token.user
