"""The configuration of a server, to look at and, for an admin, to change. A running one goes on as it was where a change fails."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from services import describe, operations
from services.errors import BindError, ConfigurationRefused, SockpanelError
from services.models import Server
from services.servers.spec import TRANSPORTS
from sockpanel.accounts import configuring
from sockpanel.accounts.access import require
from sockpanel.pages import fields, form, tls_fields
from sockpanel.pages.frame import page, who
from sockpanel.pages.server import header


@require_http_methods(["GET", "HEAD", "POST"])
@require("servers.see", post="servers.change")
def settings(request: HttpRequest, name: str) -> HttpResponse:
    """The form, filled in; a POST saves it."""
    found = operations.find(name)
    if request.method == "POST":
        return _save(request, found)
    return _show(request, found, fields.values_of(describe.describe([found])[0]), {})


def _save(request: HttpRequest, found: Server) -> HttpResponse:
    words, values, problems = form.read(request.POST)
    configuring.check(request, _replaced(found, dict(words)), found)
    problems |= tls_fields.fulfil(request, words)
    try:
        changed = operations.change(found, _replaced(found, words), who(request))
    except ConfigurationRefused as error:
        return _show(request, found, values, {**error.problems, **problems}, status=422)
    except BindError as error:
        return _show(request, found, values, {error.field or "port": error.message}, status=409)
    except SockpanelError as error:
        return _show(request, found, values, {"": error.message}, status=409)
    messages.success(request, f"{changed.name} is saved.")
    return HttpResponseRedirect(reverse("settings", args=[changed.name]))


def _replaced(found: Server, words: dict[str, Any]) -> dict[str, Any]:
    """Parts are merged by `change`: what the form leaves out is taken away."""
    for part in fields.PARTS:
        gone = set(getattr(found, part) or {}) - set(words[part])
        words[part] = {**dict.fromkeys(gone), **words[part]}
    return words


def _show(
    request: HttpRequest, found: Server, values: dict[str, Any], problems: dict[str, str], status: int = 200
) -> HttpResponse:
    context = header(found, "settings")
    beside = "host" if context["server"]["transport"].startswith("unix") else "port"
    warnings = {beside: " ".join(context["warnings"])}
    context |= {
        "groups": form.groups(values, problems, warnings, offered=tls_fields.offered(values)),
        "others": form.others(problems),
        "problems": problems,
        "transports": TRANSPORTS,
    }
    return page(request, "settings", context, status)
