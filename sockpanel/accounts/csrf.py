"""The secret that forms carry: in the session of who is signed in, else in a cookie of its own.

Django offers one or the other. With sessions alone each stranger who opens the sign-in page would make a row in the database.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CSRF_SECRET_LENGTH, CsrfViewMiddleware
from django.utils.cache import patch_vary_headers


class Csrf(CsrfViewMiddleware):
    """Stands behind the sessions. Django's `csrf_protect` on a view would bring its own: such views are for who is signed in."""

    def _get_secret(self, request: HttpRequest) -> str | None:
        if SESSION_KEY in request.session:
            return super()._get_secret(request)  # type: ignore[misc]  # the stubs leave it out
        secret = request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
        return secret if len(secret) == CSRF_SECRET_LENGTH and secret.isascii() and secret.isalnum() else None

    def _set_csrf_cookie(self, request: HttpRequest, response: Any) -> None:
        if SESSION_KEY in request.session:
            super()._set_csrf_cookie(request, response)  # type: ignore[misc]  # the stubs leave it out
        else:
            _give(response, request.META["CSRF_COOKIE"])


def _give(response: HttpResponseBase, secret: str) -> None:
    response.set_cookie(
        settings.CSRF_COOKIE_NAME,
        secret,
        secure=settings.CSRF_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    patch_vary_headers(response, ("Cookie",))
