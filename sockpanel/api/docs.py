"""The page to try the API: every route of the description with a form, served by us alone."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from sockpanel.accounts.access import require
from sockpanel.api.openapi import Api
from sockpanel.api.records import MAX_NUMBER
from sockpanel.pages.frame import page


def docs(api: Api) -> Callable[[HttpRequest], HttpResponse]:
    """The view of `/api/v1/docs`."""

    @require_safe
    @require("node.see")
    def view(request: HttpRequest) -> HttpResponse:
        return page(
            request, "docs", {"routes": routes(api.finished), "description": api.description, "section": "docs"}
        )

    return view


def routes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Each route as the page shows it."""
    return [
        {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": path,
            "role": operation["x-role"],
            **_words(operation["description"]),
            "parameters": [_parameter(parameter) for parameter in operation["parameters"]],
            "example": _example(operation),
            "answers": [(status, answer["description"]) for status, answer in sorted(operation["responses"].items())],
        }
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def _words(description: str) -> dict[str, str]:
    """The first line, and what follows it, without marks for code."""
    summary, _, more = description.replace("`", "").partition("\n")
    return {"summary": summary, "more": more.strip()}


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = parameter["schema"]
    bounds = f"{schema['minimum']} to {schema['maximum']:,}" if schema.get("maximum", MAX_NUMBER) < MAX_NUMBER else ""
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": parameter["required"],
        "choices": schema.get("enum", []),
        "hint": ", ".join(filter(None, [schema.get("format") or schema.get("type", ""), bounds])),
    }


def _example(operation: dict[str, Any]) -> str:
    body = operation.get("requestBody")
    return json.dumps(body["content"]["application/json"]["example"], indent=2) if body else ""
