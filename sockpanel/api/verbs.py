"""What is asked of a server: start, stop, restart; bytes to its peers; the end of a connection."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from services import errors, nodes, operations
from services.describe import NO_SUPERVISOR, describe
from services.models import Run, Server, Status
from services.payload import payload
from sockpanel.api import requests, schemas
from sockpanel.api.access import Allowed, who
from sockpanel.api.body import json, nothing, words
from sockpanel.api.openapi import described
from sockpanel.api.records import MAX_NUMBER
from sockpanel.api.servers import find, told

router = Router(tags=["servers"])

SETTLE = 15.0  # seconds
FAILED = frozenset({"FATAL", "EXITED"})
STARTED = described(
    {200: schemas.Server, 202: schemas.Server},
    errors.ServerUnknown,
    errors.StartFailed,
    errors.SupervisorAway,
    errors.RemoteCommandsOff,
)
STOPPED = described({200: schemas.Server, 202: schemas.Server}, errors.ServerUnknown, errors.SupervisorAway)


@router.post("/servers/{name}/start", auth=Allowed("servers.start"), **STARTED)
async def start(request: HttpRequest, name: str) -> HttpResponse:
    """Have it run. Waits until that is settled; 202 when it is not after 15 s."""
    return await _ask(request, name, operations.start, to_run=True)


@router.post("/servers/{name}/stop", auth=Allowed("servers.stop"), **STOPPED)
async def stop(request: HttpRequest, name: str) -> HttpResponse:
    """Have it stop. Waits until that is settled; 202 when it is not after 15 s."""
    return await _ask(request, name, operations.stop, to_run=False)


@router.post("/servers/{name}/restart", auth=Allowed("servers.restart"), **STARTED)
async def restart(request: HttpRequest, name: str) -> HttpResponse:
    """Have it run anew. Waits until that is settled; 202 when it is not after 15 s."""
    return await _ask(request, name, operations.restart, to_run=True)


async def _ask(request: HttpRequest, name: str, verb: Callable[[Server, str], int], to_run: bool) -> HttpResponse:
    server, asked = await sync_to_async(_begin)(request, name, verb)
    status = await operations.asettle(server, asked, SETTLE)
    return await sync_to_async(_outcome)(server, status, to_run)


def _begin(request: HttpRequest, name: str, verb: Callable[[Server, str], int]) -> tuple[Server, int]:
    server = find(name)
    return server, verb(server, who(request))


def _outcome(server: Server, status: Status | None, to_run: bool) -> HttpResponse:
    """What became of it. Raises StartFailed with the reason, or SupervisorAway when it went away meanwhile."""
    server.refresh_from_db()
    if nodes.alive(server.node):
        if status is None:
            return json(describe([server])[0], status=202)
        if to_run and status.state in FAILED and not _has_served(status):
            raise errors.StartFailed(
                status.reason or f"{server.name} did not start, and nothing says why: look at its runs."
            )
    elif to_run:
        raise errors.SupervisorAway(NO_SUPERVISOR.format(node=server.node))
    return json(told(server))


def _has_served(status: Status) -> bool:
    """Whether it ended by itself after it had been ready: a sender that is through, for one."""
    run = Run.objects.filter(server_id=status.server_id, number=status.run).first()
    return status.state == "EXITED" and run is not None and run.ready_at is not None


@router.post(
    "/servers/{name}/send",
    auth=Allowed("servers.send"),
    **described(
        {200: schemas.Reached},
        errors.ServerUnknown,
        errors.NotRunning,
        errors.ConnectionUnknown,
        errors.SendRefused,
        errors.SupervisorAway,
        errors.TextMalformed,
        errors.RequestRefused,
        body=requests.Bytes,
    ),
)
def send(request: HttpRequest, name: str) -> HttpResponse:
    """Send bytes to one connected client, to all, or over UDP to a peer (seen before, or host:port)."""
    server, said = find(name), words(request)
    if unknown := sorted(set(said) - set(requests.Bytes.__struct_fields__)):
        raise errors.RequestRefused(f"{unknown[0]!r} is no field of what is sent.", field=unknown[0])
    connection, peer = _receiver(said)
    text: Any = said.get("data")
    if text is None:
        raise errors.TextMalformed("The data is missing: give it as a text, an empty one for no bytes.", field="data")
    data = payload(text, said.get("encoding", "text"))
    return json({"reached": operations.send(server, data, who(request), connection=connection, peer=peer)})


def _receiver(said: dict[str, Any]) -> tuple[int | None, str | None]:
    connection, peer = said.get("connection"), said.get("peer")
    if connection is not None and peer is not None:
        raise errors.RequestRefused("Give a connection or a peer, not both.", field="peer")
    if peer is not None and (not isinstance(peer, str) or not 0 < len(peer) <= 255 or "\0" in peer):
        raise errors.RequestRefused("The peer is host:port, such as 192.0.2.7:5000.", field="peer")
    if connection in (None, "all"):
        return None, peer
    if isinstance(connection, bool) or not isinstance(connection, int) or not 0 <= connection <= MAX_NUMBER:
        raise errors.RequestRefused('The connection is its number, or "all".', field="connection")
    return connection, None


@router.post(
    "/servers/{name}/prune",
    auth=Allowed("servers.prune"),
    **described(
        {200: schemas.Pruned},
        errors.ServerUnknown,
        errors.ConfigurationRefused,
        errors.SupervisorAway,
        errors.RequestRefused,
        body=requests.Prune,
    ),
)
def prune(request: HttpRequest, name: str) -> HttpResponse:
    """Remove all but the newest messages, for good. Numbers go on, counters stay; it works on a full disk."""
    server, said = find(name), words(request)
    if unknown := sorted(set(said) - {"keep"}):
        raise errors.RequestRefused(f"{unknown[0]!r} is no field of a pruning: give keep.", field=unknown[0])
    keep: Any = said.get("keep")
    return json({"pruned": operations.prune(server, keep, who(request))})


@router.delete(
    "/servers/{name}/connections/{number}",
    auth=Allowed("servers.close"),
    **described({204: None}, errors.ServerUnknown, errors.NotRunning, errors.ConnectionUnknown, errors.SupervisorAway),
)
def close_connection(request: HttpRequest, name: str, number: int = Path(ge=0, le=MAX_NUMBER)) -> HttpResponse:
    """Close one connection."""
    operations.close_connection(find(name), number, who(request))
    return nothing()
