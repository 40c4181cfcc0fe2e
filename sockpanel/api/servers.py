"""Servers: list, create, read, change, delete."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from services import errors, operations
from services.describe import describe
from services.models import Server
from services.servers.spec import NAME
from sockpanel.accounts import configuring
from sockpanel.api import requests, schemas
from sockpanel.api.access import Allowed, who
from sockpanel.api.body import json, nothing, words
from sockpanel.api.openapi import described

router = Router(tags=["servers"])


def find(name: str) -> Server:
    """Raises ServerUnknown."""
    if not NAME.fullmatch(name):
        raise errors.ServerUnknown(f"There is no server named {name[:64]!r}: look at the list of servers.")
    return operations.find(name)


def told(server: Server) -> dict[str, Any]:
    """A server with its warnings."""
    return describe([server])[0] | {"warnings": operations.warnings(server)}


@router.get("/servers", auth=Allowed("servers.see"), **described({200: schemas.Servers}))
def list_servers(request: HttpRequest) -> HttpResponse:
    """All servers, by name."""
    return json({"servers": describe(Server.objects.order_by("name"))})


@router.post(
    "/servers",
    auth=Allowed("servers.create"),
    **described(
        {201: schemas.Server},
        errors.ConfigurationRefused,
        errors.NameTaken,
        errors.PresetUnknown,
        errors.RemoteCommandsOff,
        errors.ConfirmationNeeded,
        body=requests.NewServer,
    ),
)
def create_server(request: HttpRequest) -> HttpResponse:
    """Create a server, stopped: from a kind, or from a preset with any field overridden."""
    asked = words(request)
    configuring.check(request, asked)
    server = operations.create(asked, who(request))
    response = json(told(server), status=201)
    response["Location"] = f"{request.path}/{server.name}"
    return response


@router.get("/servers/{name}", auth=Allowed("servers.see"), **described({200: schemas.Server}, errors.ServerUnknown))
def read_server(request: HttpRequest, name: str) -> HttpResponse:
    """One server."""
    return json(told(find(name)))


@router.patch(
    "/servers/{name}",
    auth=Allowed("servers.change"),
    **described(
        {200: schemas.Server},
        errors.ServerUnknown,
        errors.ConfigurationRefused,
        errors.NameTaken,
        errors.BindError,
        errors.SupervisorAway,
        errors.RemoteCommandsOff,
        errors.ConfirmationNeeded,
        body=requests.ServerFields,
    ),
)
def change_server(request: HttpRequest, name: str) -> HttpResponse:
    """Change some fields; inside of framing, reply, options, limits, tls and retention null takes a key away.

    A running server's new address is opened first; where that fails the old one goes on.
    """
    server, asked = find(name), words(request)
    configuring.check(request, asked, server)
    return json(told(operations.change(server, asked, who(request))))


@router.delete(
    "/servers/{name}",
    auth=Allowed("servers.delete"),
    **described({204: None}, errors.ServerUnknown, errors.StartFailed),
)
def delete_server(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a server and its messages; a running one is stopped first."""
    operations.remove(find(name), who(request))
    return nothing()
