"""Remote commands: whatever the panel was asked to run, where it may run something now, and the line to type it in.

Running is script's, by way of the API and a WebSocket; without script a POST runs the line to its end and leads to its page.
"""

import shlex
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import msgspec
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from services import numbers
from services.describe import describe
from services.errors import RequestRefused, SockpanelError
from services.models import Command, Server
from services.remote import switch
from services.remote.commands import Filter, ask, listed, told
from services.remote.runner import Job
from services.servers.commands import allowed
from services.servers.commands.options import Allowed, CommandOptions, Slot
from sockpanel.accounts.access import require
from sockpanel.pages.frame import may, page, who
from sockpanel.pages.outcomes import outcome

ROWS = 50
NAMES = 200  # of people and servers to filter by
ANOTHER = (
    {"name": "host", "label": "Address", "size": "grow", "placeholder": "192.0.2.7"},
    {"name": "port", "label": "Port", "size": "port", "placeholder": "9997"},
    {"name": "key", "label": "Public key of that server", "size": "grow", "placeholder": "64 hex digits"},
)


class Unwatched:
    """Nobody looks while it runs; its page has what was kept."""

    async def started(self) -> None: ...

    async def output(self, stream: int, data: bytes) -> None: ...


@require_http_methods(["GET", "HEAD", "POST"])
@require("commands.see", post="commands.run")
def commands(request: HttpRequest) -> HttpResponse:
    """The page, filled in from the query: `server` (several), `another` with `host`, `port` and `key`, `line`. A POST runs it."""
    if request.method != "POST":
        return _show(request, request.GET)
    try:
        done = [_run(request, words) for words in _asked(request.POST)]
    except SockpanelError as error:
        return _show(request, request.POST, problem=error.message, status=422)
    single = reverse("command", args=[done[0].pk]) if len(done) == 1 else reverse("commands")
    return HttpResponseRedirect(single)


def _asked(post: QueryDict) -> list[dict[str, Any]]:
    """What a POST asks for, as the API takes it: one for each target. Raises RequestRefused."""
    line = post.get("line", "").strip()
    try:
        what = {"shell": line} if post.get("mode") == "shell" else {"argv": shlex.split(line)}
    except ValueError as error:
        raise RequestRefused(
            f"This line cannot be cut into words ({error}): close what is open.", field="line"
        ) from None
    wanted: list[dict[str, Any]] = [{"server": name} for name in post.getlist("server")]
    if "another" in post:
        port = post.get("port", "").strip()
        number = numbers.whole(port)
        wanted.append(
            {
                "host": post.get("host", "").strip(),
                "port": port if number is None else number,
                "key": post.get("key", "").strip(),
            }
        )
    if not wanted:
        raise RequestRefused("There is nowhere to run it: choose a server.", field="server")
    return [{**target, **what} for target in wanted]


def _run(request: HttpRequest, words: dict[str, Any]) -> Command:
    command = ask(words, who(request), may_shell=may(request, "commands.shell"))
    return async_to_sync(Job(command, Unwatched()).run)()


def _show(request: HttpRequest, query: QueryDict, problem: str = "", status: int = 200) -> HttpResponse:
    found = targets()
    is_another = "another" in query or not found
    wanted = query.getlist("server") or [target["name"] for target in found[:1] if not is_another]
    objection = switch.objection()
    context = {
        "is_on": not objection,
        "objection": objection,
        "how": "manage.py remote_commands on" if objection == switch.HOW else "",
        "targets": [{**target, "is_chosen": target["name"] in wanted} for target in found],
        "another": {
            "is_chosen": is_another,
            "fields": [{**field, "value": query.get(field["name"], "")} for field in ANOTHER],
        },
        "allowed": {target["name"]: target["allowed"] for target in found},
        "line": query.get("line", ""),
        "problem": problem,
    }
    return page(request, "commands", context | past(request.GET), status)


def targets() -> list[dict[str, Any]]:
    """The running servers of this panel that a command can be sent to, with what they allow."""
    return [
        {
            "name": server["name"],
            "address": server["address"],
            "shell": options.shell,
            "allowed": {"shell": options.shell, "commands": [_allowed(one) for one in options.commands]},
        }
        for server in describe(Server.objects.filter(kind="command").order_by("name"))
        if server["state"] == "RUNNING"
        and (options := msgspec.convert(server["options"], CommandOptions)).dialect == "frames"
    ]


def _allowed(one: Allowed) -> dict[str, Any]:
    slots = [slot for slot in one.arguments if isinstance(slot, Slot)]
    choices = dict.fromkeys(choice for slot in slots for choice in slot.choices)
    return {"id": one.id, "explains": one.explains, "usage": allowed.usage(one), "choices": list(choices)}


def past(query: QueryDict) -> dict[str, Any]:
    """The list of commands, newest first: `q` is looked for in lines, errors and output; `before` pages."""
    chosen = {name: query.get(name, "").strip() for name in ("q", "user", "where")}
    wanted = Filter(
        before=numbers.whole(query.get("before", "")),
        limit=ROWS + 1,
        user=chosen["user"],
        server=chosen["where"],
        contains=chosen["q"],
    )
    rows = listed(wanted)
    return {
        "filter": chosen,
        "is_filtered": any(chosen.values()),
        "rows": [shown(row) for row in rows[:ROWS]],
        "users": _names("user"),
        "wheres": _names("server"),
        "older": urlencode({**chosen, "before": rows[ROWS - 1].pk}) if len(rows) > ROWS else "",
    }


def _names(field: str) -> list[str]:
    found: Iterable[str] = (
        Command.objects.exclude(**{field: ""}).order_by(field).values_list(field, flat=True).distinct()[:NAMES]
    )
    return list(found)


def shown(command: Command) -> dict[str, Any]:
    """A COMMAND as the pages need it."""
    row = told(command)
    target = (
        {"server": row["server"]}
        if row["server"]
        else {"another": 1, **{name: row[name] for name in ("host", "port", "key")}}
    )
    return {
        **row,
        "where": row["server"] or _address(row),
        "outcome": outcome(row),
        "wrote": row["stdout_bytes"] + row["stderr_bytes"],
        "again": "" if row["shell"] else urlencode({**target, "line": row["line"]}),
    }


def _address(row: dict[str, Any]) -> str:
    host = f"[{row['host']}]" if ":" in row["host"] else row["host"]
    return f"{host}:{row['port']}"
