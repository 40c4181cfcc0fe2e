"""The guards: they ask the table of permissions for pages and WebSockets; and the tokens of scripts. It knows no page.

@require("servers.see", verbs={"start": "servers.start"})     # a GET is the first deed, a POST the one of its field `verb`
def server(request, name): ...
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.utils import timezone

from services.errors import NotAllowed, RequestRefused, SignInNeeded
from sockpanel.accounts import confirming
from sockpanel.accounts.bearer import token_of as token_of
from sockpanel.accounts.models import Token, User, digest_of
from sockpanel.accounts.permissions import DEEDS

USED_EVERY = timedelta(minutes=1)  # a token's last use is written at most this often
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
View = Callable[..., Any]


def role_of(deed: str) -> str:
    """The least role for a deed of the table; a role's name stands for itself."""
    return DEEDS[deed].role if deed in DEEDS else User.Role(deed)


def may(user: object, deed: str) -> bool:
    """Whether somebody's role includes the deed."""
    return isinstance(user, User) and user.may(role_of(deed))


def allowed(user: object, deed: str) -> User:
    """The user, when the role includes the deed. Raises SignInNeeded or NotAllowed."""
    if not isinstance(user, User) or not user.is_active:
        raise SignInNeeded("Sign in, or send a token: Authorization: Bearer TOKEN.")
    needed = role_of(deed)
    if user.may(needed):
        return user
    if user.ceiling and user.may_without_token(needed):
        raise NotAllowed(
            f"This needs the role {needed} and the token's scope is {user.ceiling}: make a token with that scope."
        )
    raise NotAllowed(f"This needs the role {needed} and yours is {user.role}: ask an admin for it.")


def check(request: HttpRequest, deed: str) -> User:
    """The person behind the request, who may do this. Raises SignInNeeded, NotAllowed or ConfirmationNeeded."""
    user = allowed(request.user, deed)
    if deed in DEEDS and DEEDS[deed].confirm:
        confirming.check(request)
    return user


def require(deed: str, *, post: str = "", verbs: Mapping[str, str] | None = None) -> Callable[[View], View]:
    """A view for people who may do `deed`; what changes something is `post`, or the deed that `verbs` has for the field `verb`."""

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                request.user = await request.auser()
                await sync_to_async(check)(request, _asked(request, deed, post, verbs))
                return await view(request, *args, **kwargs)

            return _marked(guarded_async, deed, post, verbs)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            check(request, _asked(request, deed, post, verbs))
            return view(request, *args, **kwargs)

        return _marked(guarded, deed, post, verbs)

    return decorate


def _marked(view: View, deed: str, post: str, verbs: Mapping[str, str] | None) -> View:
    """For whoever goes through all of them: what a view may be asked for."""
    view.deeds = {deed, *([post] if post else ()), *(verbs or {}).values()}  # type: ignore[attr-defined]
    return view


def _asked(request: HttpRequest, deed: str, post: str, verbs: Mapping[str, str] | None) -> str:
    """The deed that a request is. Raises RequestRefused for a verb that there is not."""
    if request.method in SAFE:
        return deed
    if verbs is None:
        return post or deed
    verb = request.POST.get("verb", "")
    if verb in verbs:
        return verbs[verb]
    if post:
        return post
    raise RequestRefused(f"{verb[:64]!r} is nothing that can be done here: load the page again.", field="verb")


def user_of_token(text: str) -> User | None:
    """The active user whose token this is, who may no more than its scope."""
    token = Token.living().select_related("user").filter(digest=digest_of(text), user__is_active=True).first()
    if token is None:
        return None
    now = timezone.now()
    if token.used_at is None or now - token.used_at >= USED_EVERY:
        Token.objects.filter(pk=token.pk).update(used_at=now)
    token.user.ceiling = token.scope
    return token.user
