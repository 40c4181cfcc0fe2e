"""Remote commands: run one, look at what was run."""

import base64
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from services import errors
from services.models import Command
from services.remote import commands, executions
from services.remote.runner import Job
from services.servers.clock import rfc3339
from sockpanel.accounts import access
from sockpanel.api import remote_schemas, requests
from sockpanel.api.access import Allowed, who
from sockpanel.api.body import json, words
from sockpanel.api.openapi import described
from sockpanel.api.records import MAX_NUMBER, Limit, Number
from sockpanel.api.servers import find

router = Router(tags=["commands"])

ENCODINGS = ("text", "base64")
RUNS = (
    errors.RequestRefused,
    errors.NotRunning,
    errors.RemoteCommandsOff,
    errors.SessionRefused,
    errors.CommandUnknown,
    errors.ArgumentRefused,
    errors.CommandsBusy,
    errors.CommandRefused,
    errors.CommandNotStarted,
    errors.CommandInterrupted,
    errors.CommandNotRecorded,
    errors.ServerKeyDiffers,
    errors.KeyRefused,
    errors.ExchangeFailed,
    errors.ExchangeRefused,
    errors.ExchangeUnreachable,
    errors.ExchangeTimedOut,
    errors.ExchangeReset,
    errors.TargetNameUnknown,
    errors.TargetForbidden,
    errors.FrameTooLong,
    errors.FrameMalformed,
)


class Nobody:
    """Whoever watches a command that nobody watches: what is kept of it is told at the end."""

    async def started(self) -> None: ...

    async def output(self, stream: int, data: bytes) -> None: ...


@router.post(
    "/commands",
    auth=Allowed("commands.run"),
    **described({200: remote_schemas.Ran, 202: remote_schemas.Command}, *RUNS, body=requests.NewCommand),
)
async def run_command(request: HttpRequest) -> HttpResponse:
    """Run a command and wait for its end. With `"wait": false` it is only written down (202), and runs once its WebSocket is opened.

    It is in the history before it runs. A free command line (`shell`) is for admins.
    """
    asked = words(request)
    encoding, wait = asked.pop("encoding", "text"), asked.pop("wait", True)
    _check(asked, encoding, wait)
    may_shell = access.may(request.user, "commands.shell")
    command = await sync_to_async(commands.ask)(asked, who(request), may_shell=may_shell)
    if not wait:
        return json(commands.told(command), status=202)
    command = await Job(command, Nobody()).run()
    if command.state == Command.State.FAILED:
        raise _failure(command)
    return json(_with_output(command, encoding))


def _check(asked: dict[str, Any], encoding: object, wait: object) -> None:
    if encoding not in ENCODINGS:
        raise errors.RequestRefused(f"encoding is one of {', '.join(ENCODINGS)}.", field="encoding")
    if not isinstance(wait, bool):
        raise errors.RequestRefused("wait is true or false.", field="wait")
    for field in asked:
        if field not in commands.FIELDS:
            raise errors.RequestRefused(f"{field[:64]!r} is no field of a command.", field=field[:64])


def _failure(command: Command) -> errors.SockpanelError:
    """Why it did not run, as the error that it was."""
    kinds = {kind.code: kind for kind in RUNS}
    return kinds.get(command.code, errors.CommandInterrupted)(f"Command {command.pk}: {command.error}")


def _with_output(command: Command, encoding: str) -> dict[str, Any]:
    streams = {name: commands.output(command, name) for name in ("stdout", "stderr")}
    if encoding == "base64":
        shown = {name: base64.b64encode(data).decode() for name, data in streams.items()}
    else:
        shown = {name: data.decode("utf-8", "replace") for name, data in streams.items()}
    return {**commands.told(command), **shown, "encoding": encoding}


@router.get("/commands", auth=Allowed("commands.see"), **described({200: remote_schemas.Commands}))
def list_commands(
    request: HttpRequest,
    before: Number = None,
    limit: Limit = commands.LIMIT,
    user: str = "",
    server: str = "",
    state: Literal["waiting", "running", "done", "failed", ""] = "",
    contains: str = "",
) -> HttpResponse:
    """The commands that this panel was asked to run, newest first, without their output; `contains` looks into that too."""
    limit = min(limit, commands.MAX_LIMIT)
    wanted = commands.Filter(before=before, limit=limit + 1, user=user, server=server, state=state, contains=contains)
    rows = commands.listed(wanted)
    shown = [commands.told(row) for row in rows[:limit]]
    ends = {"first": shown[0]["id"] if shown else None, "last": shown[-1]["id"] if shown else None}
    return json({"commands": shown, **ends, "more": len(rows) > limit})


@router.get("/commands/{id}", auth=Allowed("commands.see"), **described({200: remote_schemas.Ran}, errors.CommandGone))
def read_command(
    request: HttpRequest, id: int = Path(..., ge=1, le=MAX_NUMBER), encoding: Literal["text", "base64"] = "text"
) -> HttpResponse:
    """One command with as much of its output as is kept (1 MiB)."""
    return json(_with_output(commands.find(id), encoding))


@router.get(
    "/servers/{name}/executions",
    auth=Allowed("commands.see"),
    **described({200: remote_schemas.Executions}, errors.ServerUnknown),
)
def list_executions(request: HttpRequest, name: str, before: Number = None, limit: Limit = 50) -> HttpResponse:
    """What a remote-command server ran or refused, for whom, newest first, as its worker told it."""
    limit = min(limit, executions.MAX_LIMIT - 1)
    rows = executions.of(find(name).pk, before=before, limit=limit + 1)
    shown = [_execution(row) for row in rows[:limit]]
    ends = {"first": shown[0]["id"] if shown else None, "last": shown[-1]["id"] if shown else None}
    return json({"executions": shown, **ends, "more": len(rows) > limit})


def _execution(row: Any) -> dict[str, Any]:
    fields = (
        "id",
        "run",
        "connection",
        "key",
        "public",
        "who",
        "source",
        "is_new_source",
        "command",
        "argv",
        "argv_sha256",
    )
    results = ("exit_code", "signal", "seconds", "why", "stdout_bytes", "stderr_bytes", "truncated")
    return {
        **{field: getattr(row, field) for field in fields},
        "at": rfc3339(row.at),
        "ended_at": None if row.ended_at is None else rfc3339(row.ended_at),
        **{field: getattr(row, field) for field in results},
        "output": bytes(row.output),
    }
