"""The password again, before what is dangerous: it holds for 5 minutes, a sign-in counts, and tokens need none. It knows no route.

    confirming.check(request)        # raises ConfirmationNeeded (403)

Script asks in a dialog, sends the password to POST /api/v1/confirm, and repeats what was refused. A page's form is answered by a form
that asks for the password and carries all fields along; sent again with the password among them, it does what was wanted. Keys and
passwords alone are carried by no page: they are asked for again.
"""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from asgiref.sync import sync_to_async
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from services.errors import ConfirmationNeeded, PasswordWrong
from sockpanel import problems
from sockpanel.accounts import throttle
from sockpanel.accounts.bearer import token_of

LASTS = 5 * 60  # seconds
FIELD = "confirming-password"  # of the form that asks
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NEEDED = "This needs your password again: it was given more than 5 minutes ago."
TO_DO = "This needs your password again, for you are about to {doing}."
WRONG = "This is not your password: type it again."


class Secret(NamedTuple):
    """An input whose value is on no page."""

    name: str
    label: str
    is_long: bool = False


# Of all forms behind this question; a test holds that none is missing
SECRETS = (
    Secret("key", "Private key", is_long=True),
    Secret("password", "Passphrase of the key"),
    Secret("password1", "Password of the account"),
    Secret("password2", "The same again"),
)
_AT = "confirmed_at"  # seconds since 1970, as every process of the panel counts them


@receiver(user_logged_in)
def begin(request: HttpRequest, **_: object) -> None:
    """Who has just signed in has given the password."""
    request.session[_AT] = int(time.time())


def check(request: HttpRequest, doing: str = "") -> None:
    """Nothing, where the person behind this request gave the password just now. Raises ConfirmationNeeded or TooManyAttempts.

    `doing`: what is about to be done, for the person to read.
    """
    request.doing = doing  # type: ignore[attr-defined]
    if request.method in SAFE or token_of(request.headers.get("Authorization", "")) is not None:
        return
    password = _taken(request)
    if is_fresh(request.session):
        return
    if password is None:
        raise ConfirmationNeeded(TO_DO.format(doing=doing) if doing else NEEDED, field="password")
    confirm(request, password)


async def acheck(request: HttpRequest) -> None:
    """The same, for an asynchronous view."""
    await sync_to_async(check)(request)


def is_fresh(session: SessionBase) -> bool:
    """Whether the password was given within the last 5 minutes; not when the clock was set back since."""
    return 0 <= time.time() - session.get(_AT, 0) <= LASTS


def confirm(request: HttpRequest, password: str) -> None:
    """Take the password of the person behind this session. Raises PasswordWrong or TooManyAttempts, counted as at the sign-in."""
    prove(request, password)
    request.session[_AT] = int(time.time())


def prove(request: HttpRequest, password: str) -> None:
    """Whether it is this person's password. Raises PasswordWrong or TooManyAttempts, counted as at the sign-in."""
    with throttle.hashing():
        found = authenticate(request, username=request.user.get_username(), password=password)
    if found is None or found.pk != request.user.pk:
        raise PasswordWrong(WRONG, field="password")
    if (
        found.password != request.user.password
    ):  # hashed anew, at higher costs: that ended the sessions, and not this one
        update_session_auth_hash(request, found)


def _taken(request: HttpRequest) -> str | None:
    """The password that a page's form brings; the view behind never sees it."""
    if problems.wants_json(request) or FIELD not in request.POST:
        return None
    fields = request.POST.copy()
    password = str(fields.pop(FIELD)[-1])
    request.POST = fields  # type: ignore[assignment]
    return password


class Asking:
    """Middleware: a page's form that needs the password is answered by one that asks for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, ConfirmationNeeded) or problems.wants_json(request):
            return None
        problem = exception.message if isinstance(exception, PasswordWrong) else ""
        again = [secret for secret in SECRETS if request.POST.get(secret.name)]
        context = {"fields": list(_carried(request)), "again": again, "problem": problem, "field": FIELD}
        context["doing"] = getattr(request, "doing", "")
        return render(request, "accounts/confirm.html", context, status=problems.status_of(exception))


def _carried(request: HttpRequest) -> Iterator[tuple[str, str]]:
    left_out = {"csrfmiddlewaretoken", *(secret.name for secret in SECRETS)}
    for name, values in request.POST.lists():
        if name not in left_out:
            yield from ((name, str(value)) for value in values)
