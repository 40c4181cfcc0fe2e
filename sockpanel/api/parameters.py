"""The query of a request: a parameter without a value counts as left out, one that the route does not know is refused.

Whole numbers, those of the address too, are written in digits: what reads them takes `1_0`, ` 1`, `+1` and the digits of every script.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

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
    """For ninja's `add_decorator`: the route's view, behind a look at the names in the query, and at the texts of numbers."""
    known, numbers = _known(view._ninja_operation), _numbers(view._ninja_operation)  # type: ignore[attr-defined]

    if iscoroutinefunction(view):

        @wraps(view)
        async def checked_async(request: HttpRequest, **words: Any) -> HttpResponse:
            _check(request, known, numbers)
            return await view(request, **words)

        return checked_async

    @wraps(view)
    def checked(request: HttpRequest, **words: Any) -> HttpResponse:
        _check(request, known, numbers)
        return view(request, **words)

    return checked


def _known(operation: Operation) -> list[str]:
    models = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    return [name for model in models for name in model.__ninja_flatten_map__]


def _numbers(operation: Operation) -> set[str]:
    models = [model for model in operation.models if model.__ninja_param_source__ in ("query", "path")]
    fields = [field for model in models for field in model.model_fields.items()]
    return {name for name, field in fields if int in (field.annotation, *get_args(field.annotation))}


def _check(request: HttpRequest, known: list[str], numbers: set[str]) -> None:
    """Raises RequestRefused for the first parameter that is not known, or is a number and not written as one."""
    unknown = next((name[:64] for name in request.GET if name not in known), None)
    if unknown is not None:
        there = ", ".join(known) or "none"
        raise RequestRefused(f"{unknown!r} is no parameter here: there are {there}.", field=unknown)
    gaps = request.resolver_match.kwargs if request.resolver_match else {}
    for name, text in {**request.GET.dict(), **gaps}.items():
        if name in numbers and text != "" and not re.fullmatch(r"-?[0-9]+", str(text)):
            raise RequestRefused(f"{name}: write a whole number, in digits.", field=name)
