"""The query of a request: a parameter without a value counts as left out, one that the route does not know is refused."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDict
from ninja.operation import Operation
from ninja.parser import Parser

from services.errors import RequestRefused


class Parameters(Parser):
    """A query parameter without a value (`?after=&limit=10`) counts as left out."""

    def parse_querydict(
        self, data: "MultiValueDict[str, Any]", list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        return {key: value for key, value in super().parse_querydict(data, list_fields, request).items() if value != ""}


def known_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """For ninja's `add_decorator`: the route's view, behind a look at the names in the query."""
    known = _known(view._ninja_operation)  # type: ignore[attr-defined]

    if iscoroutinefunction(view):

        @wraps(view)
        async def checked_async(request: HttpRequest, **words: Any) -> HttpResponse:
            _check(request, known)
            return await view(request, **words)

        return checked_async

    @wraps(view)
    def checked(request: HttpRequest, **words: Any) -> HttpResponse:
        _check(request, known)
        return view(request, **words)

    return checked


def _known(operation: Operation) -> list[str]:
    models = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    return [name for model in models for name in model.__ninja_flatten_map__]


def _check(request: HttpRequest, known: list[str]) -> None:
    """Raises RequestRefused for the first parameter that is not known."""
    unknown = next((name[:64] for name in request.GET if name not in known), None)
    if unknown is not None:
        there = ", ".join(known) or "none"
        raise RequestRefused(f"{unknown!r} is no parameter here: there are {there}.", field=unknown)
