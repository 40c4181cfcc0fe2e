"""A failure as an answer: problem+json (RFC 9457) under /api/, a plain page elsewhere.

One table says which status goes with which error. A view may raise any SockpanelError; the middleware makes it an answer.
It knows no route.
"""

import json
import logging
import sys
from collections.abc import Callable
from http import HTTPStatus

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string

from services import databases, errors

logger = logging.getLogger(__name__)

# error -> status; a subclass goes with its base
STATUSES: dict[type[errors.SockpanelError], int] = {
    errors.SetupNeeded: 403,
    errors.SetupFinished: 409,
    errors.SetupTokenRefused: 403,
    errors.UserUnknown: 404,
    errors.NotAllowed: 403,
    errors.SignInNeeded: 401,
    errors.HostRefused: 400,
    errors.OriginRefused: 403,
    errors.CsrfRefused: 403,
    errors.ConfirmationNeeded: 403,
    errors.LastAdmin: 409,
    errors.InvitationRefused: 403,
    errors.SessionGone: 404,
    errors.TooManyAttempts: 429,
    errors.BindError: 409,
    errors.ConfigurationRefused: 422,
    errors.NameTaken: 409,
    errors.ServerUnknown: 404,
    errors.PresetUnknown: 422,
    errors.SupervisorAway: 503,
    errors.StartFailed: 409,
    errors.NotRunning: 409,
    errors.ConnectionUnknown: 404,
    errors.SendRefused: 409,
    errors.FrameTooLong: 409,
    errors.TextMalformed: 422,
    errors.FrameMalformed: 409,
    errors.RemoteCommandsOff: 409,
    errors.SessionRefused: 409,
    errors.CommandUnknown: 422,
    errors.ArgumentRefused: 422,
    errors.CommandsBusy: 429,
    errors.CommandRefused: 403,
    errors.CommandNotStarted: 409,
    errors.CommandInterrupted: 409,
    errors.CommandNotRecorded: 503,
    errors.ServerKeyDiffers: 409,
    errors.KeyRefused: 422,
    errors.CertificateRefused: 422,
    errors.CertificateUnknown: 404,
    errors.CertificateInUse: 409,
    errors.CertificateUnusable: 409,
    errors.CommandGone: 404,
    errors.EntryUnknown: 404,
    errors.RequestRefused: 422,
    errors.BodyMalformed: 400,
    errors.BodyTooLong: 413,
    errors.RequestTooSlow: 408,
    errors.MethodRefused: 405,
    errors.ExchangeFailed: 409,
    errors.TargetForbidden: 403,
    errors.StoreBusy: 503,
    errors.StoreFull: 507,
    errors.DatabaseAway: 503,
    errors.DatabaseBehind: 503,
    errors.DatabaseDamaged: 503,
}


def status_of(error: errors.SockpanelError) -> int:
    """The HTTP status that goes with an error: 400 where the table names neither it nor a base of it."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 400)


def wants_json(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def problem(request: HttpRequest, error: errors.SockpanelError) -> HttpResponse:
    """The answer for `error`."""
    problems = getattr(error, "problems", None)
    response = answer(request, status_of(error), error.message, code=error.code, field=error.field, problems=problems)
    if isinstance(error, errors.SignInNeeded):
        response["WWW-Authenticate"] = 'Bearer realm="Sockpanel"'
    return response


def answer(
    request: HttpRequest,
    status: int,
    sentence: str,
    *,
    code: str = "",
    field: str = "",
    problems: dict[str, str] | None = None,
) -> HttpResponse:
    """A problem with any status, code and sentence; `problems`: field -> sentence, where several fields are wrong."""
    title = HTTPStatus(status).phrase
    if status == HTTPStatus.FORBIDDEN:
        refused(request, code, sentence)
    if wants_json(request):
        said = {"type": "about:blank", "title": title, "status": status, "detail": sentence, "code": code}
        said |= {"field": field, "problems": problems}
        body = json.dumps({key: value for key, value in said.items() if value})
        return HttpResponse(body, status=status, content_type="application/problem+json")
    try:
        page = render_to_string("problem.html", {"title": title, "sentence": sentence, "code": code}, request)
    except (TemplateDoesNotExist, ValueError, Error):  # static files that were not collected; nobody can be looked up
        logger.exception("The page that tells a problem cannot be made.")
        return HttpResponse(f"{title}. {sentence} {code}\n", status=status, content_type="text/plain; charset=utf-8")
    return HttpResponse(page, status=status)


def refused(request: HttpRequest, code: str, sentence: str) -> None:
    """Leave word for sockpanel.auditing, which writes down what is answered with 403."""
    request.refusal = (code, sentence)  # type: ignore[attr-defined]


class ProblemsMiddleware:
    """Makes an answer of each SockpanelError that a view raises."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return problem(request, exception) if isinstance(exception, errors.SockpanelError) else None


# The handlers that Django calls by itself


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400, "The request makes no sense.", code=errors.RequestRefused.code)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403, str(exception) or "Your role does not include this.", code=errors.NotAllowed.code)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(
        request, 404, "There is nothing at this address: look at the list of servers.", code=errors.PageUnknown.code
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Our mistake, or a database's trouble."""
    error = sys.exc_info()[1]
    if isinstance(error, Error) and (failure := databases.failure(error)):
        return problem(request, failure)
    return answer(
        request, 500, "The panel made a mistake: its log (standard error) says more.", code=errors.SockpanelError.code
    )


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    sentence = "The form is too old, or is not one of this panel's: load the page again and send it once more."
    return answer(request, 403, sentence, code=errors.CsrfRefused.code)
