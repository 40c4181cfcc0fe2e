"""A new server: from a preset by one click, or by the full form."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from services import operations, panel_port
from services.errors import ConfigurationRefused, SockpanelError
from services.models import Server
from services.presets import PRESETS
from services.remote import switch
from services.servers import validation
from services.servers.spec import TRANSPORTS, ServerSpec
from sockpanel.accounts import configuring
from sockpanel.accounts.access import require
from sockpanel.pages import fields, form, tls_fields
from sockpanel.pages.frame import page, who
from sockpanel.pages.servers import presets
from sockpanel.pages.verbs import carry_out

NEARBY = 50  # ports tried above a preset's own that is taken
ADDRESS = (
    "kind",
    "transport",
    "host",
    "port",
    "framing",
    "reply",
    "options",
    "limits",
)  # of a spec: what it is tried with


@require_http_methods(["GET", "HEAD", "POST"])
@require("servers.create")
def new(request: HttpRequest) -> HttpResponse:
    """The gallery and the form; `?preset=echo` fills the form from a preset."""
    if request.method == "POST":
        return _from_preset(request) if "preset" in request.POST else _from_form(request)
    offered = switch.offered()
    preset = offered.get(request.GET.get("preset", ""))
    start = fields.values_of({"name": free_name(preset.name), **preset.server} if preset else {})
    if not preset and "command" in offered:
        start["options.commands"] = offered["command"].server["options"]["commands"]  # something to begin with
    return _show(request, start, {}, chosen=preset.name if preset else "")


@require_GET
@require("servers.create")
def address(request: HttpRequest) -> JsonResponse:
    """Whether the address of a form could be had now: {"warning": sentence or null}. Nothing is saved."""
    words, _, problems = form.read(request.GET)
    try:
        spec = validation.build({"name": "unnamed", **{field: words.get(field) for field in ADDRESS}})
    except ConfigurationRefused:
        return JsonResponse({"warning": None})
    return JsonResponse({"warning": None if problems else panel_port.check_address(spec)})


def free_name(name: str) -> str:
    """`name`, or `name-2` and so on: the first that no server has."""
    taken = set(Server.objects.filter(name__startswith=name).values_list("name", flat=True))
    return next(
        one for number in range(1, len(taken) + 2) if (one := name if number == 1 else f"{name}-{number}") not in taken
    )


def free_port(server: Mapping[str, Any]) -> int:
    """A preset's port, or the next above it that no server of ours is set to and nobody holds; its own where there is none."""
    spec = validation.build({"name": "unnamed", **server})
    ours = set(Server.objects.filter(transport=spec.transport).values_list("port", flat=True))
    nearby = range(spec.port, min(spec.port + NEARBY, 65_535) + 1)
    return next((port for port in nearby if port not in ours and _is_free(spec, port)), spec.port)


def _is_free(spec: ServerSpec, port: int) -> bool:
    return panel_port.check_address(msgspec.structs.replace(spec, port=port)) is None


def _from_preset(request: HttpRequest) -> HttpResponse:
    """One click: make it and start it."""
    name = request.POST["preset"]
    words: dict[str, Any] = {"preset": name, "name": free_name(name)}
    configuring.check(request, words)
    own = PRESETS[name].server["port"] if name in PRESETS else 0
    port = free_port(PRESETS[name].server) if own else 0
    try:
        server = operations.create(words | ({"port": port} if port != own else {}), who(request))
    except SockpanelError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(reverse("new"))
    if port != own:
        messages.warning(request, f"Port {own} is taken, so it serves on {port}.")
    carry_out(request, "start", [server])
    return HttpResponseRedirect(reverse("server", args=[server.name]))


def _from_form(request: HttpRequest) -> HttpResponse:
    words, values, problems = form.read(request.POST)
    configuring.check(request, words)
    problems |= tls_fields.fulfil(request, words)
    try:
        server = operations.create(words, who(request))
    except ConfigurationRefused as error:
        return _show(request, values, {**error.problems, **problems}, status=422)
    except SockpanelError as error:
        return _show(request, values, {error.field: error.message}, status=409)
    if request.POST.get("verb") == "start":
        carry_out(request, "start", [server])
        return HttpResponseRedirect(reverse("server", args=[server.name]))
    messages.success(request, f"{server.name} is saved; it is not running yet.")
    warned = operations.warnings(server)
    return HttpResponseRedirect(reverse("settings" if warned else "server", args=[server.name]))


def _show(
    request: HttpRequest, values: dict[str, Any], problems: dict[str, str], *, chosen: str = "", status: int = 200
) -> HttpResponse:
    without = () if switch.is_on() else ("command",)
    context = {
        "groups": form.groups(values, problems, {}, without, tls_fields.offered(values)),
        "others": form.others(problems),
        "problems": problems,
        "transports": TRANSPORTS,
        "presets": presets(),
        "chosen": chosen,
    }
    return page(request, "new", context, status)
