"""The page to try the API: written from its description by our own script, with nothing from elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """`/api/v1/docs`."""
    return render(request, "api/docs.html", {"word": "docs", "section": "docs"})
