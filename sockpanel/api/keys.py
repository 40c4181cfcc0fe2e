"""The keys that remote-command servers let in. Only public halves are kept; a private one is in a single answer and nowhere else."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from services import errors
from services.models import Key
from services.remote import files, keys, reach
from services.servers.clock import rfc3339
from sockpanel.api import remote_schemas, requests
from sockpanel.api.access import Allowed, who
from sockpanel.api.body import json, words
from sockpanel.api.openapi import described
from sockpanel.api.servers import find

router = Router(tags=["keys"])


@router.get("/keys", auth=Allowed("keys.see"), **described({200: remote_schemas.Keys}, errors.KeyRefused))
def list_keys(request: HttpRequest) -> HttpResponse:
    """Every key, revoked ones too, and the panel's own, which other panels' servers may be told of."""
    offers = reach.offered()
    return json({"panel": files.panel_public().hex(), "keys": [_told(key, offers) for key in keys.listed()]})


@router.post(
    "/keys",
    auth=Allowed("keys.change"),
    **described({201: remote_schemas.MadeKey}, errors.KeyRefused, body=requests.NewKey),
)
def create_key(request: HttpRequest) -> HttpResponse:
    """Register a public key; without one a pair is made, whose private half (`private`, PEM) is in this answer and nowhere else."""
    asked = words(request)
    if asked.get("public") is None:
        key, private = keys.generate({name: value for name, value in asked.items() if name != "public"}, who(request))
        return json({**_told(key), "private": private}, status=201)
    return json({**_told(keys.create(asked, who(request))), "private": None}, status=201)


@router.patch(
    "/keys/{key}",
    auth=Allowed("keys.change"),
    **described({200: remote_schemas.Key}, errors.KeyRefused, body=requests.KeyFields),
)
def change_key(request: HttpRequest, key: str) -> HttpResponse:
    """Restrict it otherwise. Sessions that it no longer allows end within seconds."""
    return json(_told(keys.change(key, words(request), who(request))))


@router.post(
    "/keys/{key}/revoke", auth=Allowed("keys.revoke"), **described({200: remote_schemas.Key}, errors.KeyRefused)
)
def revoke_key(request: HttpRequest, key: str) -> HttpResponse:
    """Let nobody in with it any more. Its sessions, and what they run, end within seconds."""
    return json(_told(keys.revoke(key, who(request))))


@router.get(
    "/servers/{name}/key",
    auth=Allowed("commands.see"),
    **described({200: remote_schemas.ServerKey}, errors.ServerUnknown, errors.RequestRefused),
)
def read_server_key(request: HttpRequest, name: str) -> HttpResponse:
    """The public key by which clients know a remote-command server."""
    server = find(name)
    if server.kind != "command":
        raise errors.RequestRefused(f"{server.name} is no remote-command server: only those have a key.", field="name")
    return json({"public": files.server_public(server.pk).hex()})


def _told(key: Key, offers: Mapping[str, set[str]] | None = None) -> dict[str, Any]:
    return {
        "name": key.name,
        "public": key.public,
        "fingerprint": keys.fingerprint(key),
        **{field: getattr(key, field) for field in ("owner", "servers", "commands", "shell", "sources")},
        **{field: _time(getattr(key, field)) for field in ("expires_at", "created_at", "revoked_at", "used_at")},
        **{field: getattr(key, field) for field in ("created_by", "revoked_by", "used_from")},
        "warnings": reach.warnings(key, reach.offered() if offers is None else offers),
    }


def _time(at: Any) -> str | None:
    return rfc3339(round(at.timestamp() * 1_000_000)) if at else None
