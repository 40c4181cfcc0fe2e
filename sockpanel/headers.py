"""The headers that tell a browser what a page of the panel may do: on every answer, error pages among them.

A template's only inline script (the import map) and style carry `nonce="{{ request.csp_nonce }}"`. It knows no page.
"""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from sockpanel.plain import FIXED, NOTHING


def policy(nonce: str) -> str:
    """The content security policy of a page whose inline script and style carry `nonce`."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


# Text becomes markup or script nowhere but where our own script says so (static/js/refresh.js). Django's admin has script that does.
TRUSTED = "; require-trusted-types-for 'script'; trusted-types sockpanel"
DJANGOS = "/admin/"
VERSIONS = ("ETag", "Last-Modified")  # of a file whose name tells its version; thirty of them come with a first visit


def _policy_for(request: HttpRequest) -> str:
    said = policy(request.csp_nonce)  # type: ignore[attr-defined]
    return said if request.path_info.startswith(DJANGOS) else said + TRUSTED


def headers_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Outermost of all, so that nothing gets out without them."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.csp_nonce = secrets.token_urlsafe(16)  # type: ignore[attr-defined]
        response = get_response(request)
        is_file = request.path_info.startswith(settings.STATIC_URL) and response.status_code in (200, 206, 304)
        for name, value in FIXED.items():
            response.headers[name] = value
        said = NOTHING if is_file else _policy_for(request)
        response.headers.setdefault("Content-Security-Policy", said)
        if not is_file:
            response.headers.setdefault("Cache-Control", "no-store")
        elif "immutable" in response.headers.get("Cache-Control", ""):
            for name in VERSIONS:
                response.headers.pop(name, None)
        return response

    return middleware
