"""Middleware: says where a request came from, for the audit, and writes down there what was refused. It knows no page."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from services import audit
from services.errors import ConfirmationNeeded, SetupNeeded
from sockpanel.accounts.access import told_of_token

# These are no refusals: one is a question, the other is told to everybody until there is an admin
QUESTIONS = frozenset({ConfirmationNeeded.code, SetupNeeded.code})


def audit_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Stands behind Django's authentication middleware."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with audit.coming_from(way_of(request), str(request.META.get("REMOTE_ADDR", ""))):
            response = get_response(request)
            if response.status_code == 403:
                _record(request)
            return response

    return middleware


def way_of(request: HttpRequest) -> str:
    """One of services.audit.origin.WAYS."""
    path = request.path_info
    return "api" if path.startswith("/api/") else "admin" if path.startswith("/admin/") else "page"


def _record(request: HttpRequest) -> None:
    code, sentence = getattr(request, "refusal", ("", ""))
    if code and code not in QUESTIONS:
        match = request.resolver_match
        server = str(match.kwargs.get("name", "")) if match else ""
        what = f"{request.method} {request.path_info}: {sentence}"
        with told_of_token(request.user):
            audit.refused(request.user.get_username(), what, code, server=server)
