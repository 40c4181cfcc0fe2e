"""One's own account: password, the browsers that are signed in, tokens for scripts, how the panel looks.

A token is shown in the answer to the POST that made it, and nowhere else.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from services import numbers
from services.errors import ConfigurationRefused, RequestRefused, SockpanelError
from sockpanel.accounts import access, own, telling
from sockpanel.accounts.access import require
from sockpanel.accounts.models import User
from sockpanel.pages.frame import page

VERBS = {
    "password": "account.change",
    "looks": "account.change",
    "end": "account.change",
    "end-all": "account.change",
    "token": "tokens.create",
    "revoke": "account.change",
}
LASTING = [(30, "30 days"), (90, "90 days"), (365, "a year"), (0, "for ever")]


@require_http_methods(["GET", "HEAD", "POST"])
@require("account.see", post="account.change", verbs=VERBS)
def account(request: HttpRequest) -> HttpResponse:
    """The page; a POST carries out `verb`."""
    if request.method != "POST":
        return _show(request)
    user, verb = access.allowed(request.user, "account.see"), request.POST.get("verb", "")
    if verb not in VERBS:
        raise RequestRefused("Nothing like that can be done here: load the page again.", field="verb")
    try:
        if verb == "token":
            return _show(request, made=_create_token(request, user))
        messages.success(request, DONE[verb](request, user))
    except ConfigurationRefused as error:
        return _show(request, problems=error.problems, status=422)
    except SockpanelError as error:
        messages.error(request, error.message)
    return own.leave(request) or HttpResponseRedirect(reverse("account"))


def _create_token(request: HttpRequest, user: User) -> dict[str, str]:
    name, days = request.POST.get("name", "").strip(), numbers.whole(request.POST.get("days", ""))
    secret = own.create_token(user, name, request.POST.get("scope", ""), -1 if days is None else days)
    return {"secret": secret, "name": name, "base": request.build_absolute_uri("/api/v1/")}


def _change_password(request: HttpRequest, user: User) -> str:
    current, new, revoke = request.POST.get("current", ""), request.POST.get("password", ""), "revoke" in request.POST
    had = user.tokens.count()
    own.change_password(request, user, current, new, revoke=revoke)
    return f"Your password is changed. Other browsers are signed out.{_told_of_tokens(had, revoke) if had else ''}"


def _told_of_tokens(had: int, revoked: bool) -> str:
    many = "Your token" if had == 1 else f"Your {had} tokens"
    if revoked:
        return f" {many} {'is' if had == 1 else 'are'} revoked."
    return f" {many} below {'goes' if had == 1 else 'go'} on: revoke what somebody else may have."


def _change_looks(request: HttpRequest, user: User) -> str:
    own.change_looks(user, {name: request.POST[name] for name in ("theme", "language") if name in request.POST})
    return "Kept: it looks like this wherever you sign in."


def _end(request: HttpRequest, user: User) -> str:
    own.end_session(user, request.POST.get("session", ""))
    return "That browser is signed out."


def _end_all(request: HttpRequest, user: User) -> str:
    own.end_every_session(user)
    return "You are signed out everywhere."


def _revoke(request: HttpRequest, user: User) -> str:
    own.revoke_token(user, numbers.whole(request.POST.get("token", "")) or 0)
    return "The token is revoked: it opens nothing."


DONE: dict[str, Callable[[HttpRequest, User], str]] = {
    "password": _change_password,
    "looks": _change_looks,
    "end": _end,
    "end-all": _end_all,
    "revoke": _revoke,
}


def _show(
    request: HttpRequest,
    *,
    problems: dict[str, str] | None = None,
    made: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    user = access.allowed(request.user, "account.see")
    here = own.current_session(request)
    context = {
        "sessions": [telling.session(one, here) for one in own.open_sessions(user)],
        "tokens": [telling.token(one) for one in user.tokens.order_by("-pk")],
        "scopes": [role for role in User.Role if user.may(role)],
        "lasting": LASTING,
        "themes": User.Theme.choices,
        "languages": settings.LANGUAGES,
        "problems": problems or {},
        "verb": request.POST.get("verb", ""),
        "sent": request.POST if problems else {},
        "made": made,
    }
    return page(request, "account", context, status)
