"""What goes wrong in a route -> problem+json. The status of each error stands in sockpanel.problems."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import ValidationError

from services import databases
from services.errors import MethodRefused, RequestRefused, SockpanelError
from sockpanel.problems import answer, broken, not_found, problem, status_of

logger = logging.getLogger(__name__)


def handle_failures(api: NinjaAPI) -> None:
    """Have the API answer every failure."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        SockpanelError: problem,
        ValidationError: _refused,
        Http404: not_found,
        Error: _unread,
        Exception: _broken,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _refused(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Parameters that make no sense: a sentence for each."""
    problems = {str(each["loc"][-1]): f"{each['loc'][-1]}: {each['msg']}." for each in error.errors}
    refused = RequestRefused(" ".join(problems.values()), field=next(iter(problems), ""))
    return answer(
        request, status_of(refused), refused.message, code=refused.code, field=refused.field, problems=problems
    )


def _unread(request: HttpRequest, error: Error) -> HttpResponse:
    """A database that does not answer, or is damaged; anything else that it refuses is our mistake."""
    if (failure := databases.failure(error)) is None:
        return _broken(request, error)
    logger.error("%s %s: %s (%s)", request.method, request.path, failure.message, error)
    return problem(request, failure)


def _broken(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("%s %s failed.", request.method, request.path, exc_info=error)
    return broken(request)


def with_problems(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, whose "method not allowed" is a problem too, and which answers HEAD as it does GET."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def told_async(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with _head_as_get(request):
                response = await view(request, *args, **kwargs)
            return _told(request, response)

        return told_async

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with _head_as_get(request):
            response = view(request, *args, **kwargs)
        return _told(request, response)

    return told


@contextmanager
def _head_as_get(request: HttpRequest) -> Iterator[None]:
    """ninja knows no HEAD. The body that comes of it is left out by the server (RFC 9110, 9.3.2)."""
    method = request.method
    request.method = "GET" if method == "HEAD" else method
    try:
        yield
    finally:
        request.method = method


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code != 405:
        return response
    methods = {*response["Allow"].split(", ")}
    allowed = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
    refused = problem(request, MethodRefused(f"This address takes {allowed}, not {request.method}."))
    refused["Allow"] = allowed
    return refused
