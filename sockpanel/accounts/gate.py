"""The gate: whoever is not signed in gets set-up, invitation, sign-in and health pages, static files, the favicon; nothing else.

A session's cookie or a Bearer token opens it. It stands behind the border, which has taken the cookies from requests with a token.
"""

from collections.abc import Callable
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from services.errors import SetupNeeded, SignInNeeded
from sockpanel import problems
from sockpanel.accounts import setup
from sockpanel.accounts.access import token_of, told_of_token, user_of_token
from sockpanel.accounts.ending import explain
from sockpanel.accounts.keeping import SessionStore
from sockpanel.accounts.models import User
from sockpanel.accounts.sessions import follow_role, lives

ALWAYS = frozenset({"/setup", "/healthz", "/favicon.ico"})
SIGN_IN = "/login/"
JOIN = "/invite/"  # its token is secret enough


def gate_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Stands behind Django's authentication middleware."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path in ALWAYS or path.startswith(settings.STATIC_URL):
            return get_response(request)
        if _identified(request):
            with told_of_token(request.user):
                return get_response(request)
        if setup.needed():
            return problems.problem(request, SetupNeeded(setup.NOT_YET))
        if path in (SIGN_IN, JOIN):
            return get_response(request)
        return _to_sign_in(request)

    return middleware


def _identified(request: HttpRequest) -> bool:
    """Whether the request is somebody's; `request.user` is that person then."""
    token = token_of(request.headers.get("Authorization", ""))
    if token is not None:
        return _by_token(request, token)
    if not request.user.is_authenticated:
        return False
    if not lives(request.session):
        logout(request)
        return False
    if not follow_role(request):
        request.session, request.user = SessionStore(), AnonymousUser()
        return False
    return True


def _by_token(request: HttpRequest, token: str) -> bool:
    user = user_of_token(token)
    if user is None:
        return False

    async def auser() -> User:
        return user

    request.user = user
    request.auser = auser  # what asynchronous views ask
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # no cookie: nothing that a foreign page could ride on
    return True


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    why = explain(request)
    if problems.wants_json(request):
        return problems.problem(request, SignInNeeded(why or "Sign in, or send a token: Authorization: Bearer TOKEN."))
    if request.method not in ("GET", "HEAD"):
        return HttpResponseRedirect(SIGN_IN)
    return HttpResponseRedirect(f"{SIGN_IN}?next={quote(request.get_full_path())}")
