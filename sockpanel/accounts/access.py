"""The guards: they ask the table of permissions for pages and WebSockets; and the tokens of scripts. It knows no page.

@require("servers.see", verbs={"start": "servers.start"})     # a GET is the first deed, a POST the one of its field `verb`
def server(request, name): ...
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.utils import timezone

from services import audit
from services.errors import NotAllowed, RequestRefused, SignInNeeded
from sockpanel.accounts import confirming, wording
from sockpanel.accounts.bearer import token_of as token_of
from sockpanel.accounts.models import Token, User, digest_of
from sockpanel.accounts.permissions import DEEDS

USED_EVERY = timedelta(minutes=1)  # a token's last use is written at most this often
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
View = Callable[..., Any]


def role_of(deed: str) -> str:
    """The least role for a deed of the table. Raises KeyError for what is not in it."""
    return DEEDS[deed].role


def may(user: object, deed: str) -> bool:
    """Whether somebody's role includes the deed, and it is somebody who may do it."""
    return isinstance(user, User) and user.may(role_of(deed)) and not (user.ceiling and DEEDS[deed].in_person)


def allowed(user: object, deed: str) -> User:
    """The user, when the role includes the deed. Raises SignInNeeded or NotAllowed."""
    if not isinstance(user, User) or not user.is_active:
        raise SignInNeeded("Sign in, or send a token: Authorization: Bearer TOKEN.")
    needed = role_of(deed)
    if may(user, deed):
        return user
    if user.ceiling and DEEDS[deed].in_person:
        raise NotAllowed("This is not done by a token: sign in and do it in person.")
    if user.ceiling and user.may_without_token(needed):
        raise NotAllowed(
            f"This needs the role {needed} and the token's scope is {user.ceiling}: make a token with that scope."
        )
    raise NotAllowed(f"This needs the role {needed} and yours is {user.role}: ask an admin for it.")


def check(request: HttpRequest, deed: str, doing: str = "") -> User:
    """The person behind the request, who may do this. Raises SignInNeeded, NotAllowed or ConfirmationNeeded.

    `doing`: what exactly is about to be done, for who is asked for the password; the words of the deed unless told otherwise.
    """
    user = allowed(request.user, deed)
    if DEEDS[deed].confirm:
        confirming.check(request, doing or wording.of(deed, request))
    return user


@dataclass(frozen=True)
class Guard:
    """What a view may be asked for: to be seen, to take a form, or to do what the field `verb` of a form says."""

    see: str
    post: str = ""
    verbs: Mapping[str, str] = field(default_factory=dict)

    @property
    def deeds(self) -> set[str]:
        return {self.see, *([self.post] if self.post else ()), *self.verbs.values()}

    def asked(self, request: HttpRequest) -> str:
        """The deed that a request is. Raises RequestRefused for a verb that there is not."""
        if request.method in SAFE:
            return self.see
        if not self.verbs:
            return self.post or self.see
        verb = request.POST.get("verb", "")
        if verb in self.verbs or self.post:
            return self.verbs.get(verb, self.post)
        raise RequestRefused(f"{verb[:64]!r} is nothing that can be done here: load the page again.", field="verb")


def require(deed: str, *, post: str = "", verbs: Mapping[str, str] | None = None) -> Callable[[View], View]:
    """A view for people who may do `deed`; what changes something is `post`, or the deed that `verbs` has for the field `verb`.

    Raises KeyError, when the view is loaded, for what is not in the table.
    """
    guard = Guard(deed, post, verbs or {})
    for each in guard.deeds:
        role_of(each)

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                request.user = await request.auser()
                await sync_to_async(check)(request, guard.asked(request))
                return await view(request, *args, **kwargs)

            return _marked(guarded_async, guard)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            check(request, guard.asked(request))
            return view(request, *args, **kwargs)

        return _marked(guarded, guard)

    return decorate


def _marked(view: View, guard: Guard) -> View:
    """For whoever goes through all of them."""
    view.guard = guard  # type: ignore[attr-defined]
    return view


def user_of_token(text: str) -> User | None:
    """The active user whose token this is, who may no more than its scope."""
    token = Token.living().select_related("user").filter(digest=digest_of(text), user__is_active=True).first()
    if token is None:
        return None
    now = timezone.now()
    if token.used_at is None or now - token.used_at >= USED_EVERY:
        Token.objects.filter(pk=token.pk).update(used_at=now)
    token.user.ceiling, token.user.token = token.scope, token
    return token.user


def told_of_token(user: object) -> AbstractContextManager[None]:
    """For the length of a block the audit says which token it was done with, if it was one."""
    token = getattr(user, "token", None)
    return nullcontext() if token is None else audit.with_token(token.pk, token.name)
