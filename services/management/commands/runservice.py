"""`runservice NAME|PRESET`: one server in the foreground of a terminal, its messages printed as they come, until Ctrl-C.

A configured server wins over a preset of its name. It is recorded and visible in the panel: a running supervisor is asked to run it
while this terminal follows, and at Ctrl-C it is stopped again unless it ran before; without a supervisor this process supervises and
records that one server itself. A bare preset needs no database and records nothing.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import django.db
from django.conf import settings
from django.core.management.base import CommandParser

from services import databases, numbers, terminal
from services.describe import address_of
from services.errors import PresetUnknown, RequestRefused
from services.management import assignments, foreground, recorded
from services.management.base import SockpanelCommand, who
from services.management.signals import stop_event
from services.models import Server
from services.presets import PRESETS
from services.servers import validation
from services.servers.spec import Reply, ServerSpec

REPLIES = get_args(get_type_hints(Reply)["type"])
REPLY_HELP = "none, echo, upper, timestamp, fixed:TEXT or suffix:TEXT, with escapes in TEXT"

EPILOG = """A configured server wins over the preset of its name. It is recorded and visible in the panel; Ctrl-C stops it, or leaves
it running if it was wanted to run before. A preset needs no database and records nothing. Ctrl-C is exit code 0."""


class Command(SockpanelCommand):
    help = "Run one server in the foreground, by its name or from a preset, and print its messages as they come."
    needs_databases = False
    interrupted = 0

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EPILOG
        parser.add_argument("name", metavar="NAME|PRESET", nargs="?")
        parser.add_argument("--list", action="store_true", help="show what can be run")
        presets = parser.add_argument_group("for presets")
        presets.add_argument("--host", help="the address to listen on")
        presets.add_argument("--port", type=numbers.argument)
        presets.add_argument("--reply", metavar="REPLY", help=REPLY_HELP)
        presets.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="any other field, such as framing.type=line",
        )

    def run(self, options: Mapping[str, Any]) -> None:
        name = options["name"]
        if options["list"]:
            self.say(_listing())
        elif not name:
            self.say(_listing())
            raise RequestRefused("Name one of these: runservice NAME.")
        elif _is_configured(name):
            self._run_configured(name, options)
        elif name in PRESETS:
            spec = _spec(name, options)
            hint = "" if options["set"] else f"Try it: {PRESETS[name].try_at(spec.host, spec.port)}"
            self._finish(asyncio.run(_in_foreground(spec, hint)))
        else:
            raise PresetUnknown(
                f"There is neither a server nor a preset named {name!r}: runservice --list shows them all."
            )

    def _run_configured(self, name: str, options: Mapping[str, Any]) -> None:
        if options["host"] or options["port"] or options["reply"] or options["set"]:
            raise RequestRefused(
                f"{name} is a configured server and the options are for presets: change it in the panel."
            )
        databases.prepare()
        server = Server.objects.get(name=name)
        recorded.require_home(server)
        self._finish(asyncio.run(recorded.run(server, who())))

    def _finish(self, failure: str) -> None:
        if failure:
            self.fail(failure)


async def _in_foreground(spec: ServerSpec, hint: str) -> str:
    with stop_event() as stop:
        return await foreground.serve(spec, hint, stop)


def _spec(name: str, options: Mapping[str, Any]) -> ServerSpec:
    """The preset with the options over it. Raises ConfigurationRefused or RequestRefused."""
    words: dict[str, Any] = {"name": name, **PRESETS[name].server}
    for field, value in assignments.fields(options["set"]).items():
        both = isinstance(value, dict) and isinstance(words.get(field), dict)
        words[field] = {**words[field], **value} if both else value
    for field in ("host", "port"):
        if options[field] is not None:
            words[field] = options[field]
    if options["reply"] is not None:
        words["reply"] = {**_reply(options["reply"]), "close": words.get("reply", {}).get("close", False)}
    spec = validation.build(words)
    if spec.kind == "command":
        raise RequestRefused(
            f"{name} cannot be run without a database, for each command is written down before it runs: "
            f"make a server of it (servers add NAME --preset {name}), then runservice NAME.",
            field="name",
        )
    if spec.speaks_tls:
        raise RequestRefused(
            f"{name} cannot speak TLS without a database, for that is where certificates are kept: "
            f"make a server of it (servers add NAME --preset {name}), then runservice NAME.",
            field="tls.mode",
        )
    return spec


def _reply(text: str) -> dict[str, Any]:
    """`upper` or `fixed:TEXT`."""
    kind, colon, rest = text.partition(":")
    if kind not in REPLIES or (colon and kind not in ("fixed", "suffix")):
        raise RequestRefused(f"{text!r} is no reply: write {REPLY_HELP}.", field="reply")
    return {"type": kind, "text": rest}


def _is_configured(name: str) -> bool:
    """Whether a server of this name exists. No database is made for the question, and a preset does not need one."""
    try:
        return _database_exists() and Server.objects.filter(name=name).exists()
    except django.db.Error:
        if name in PRESETS:
            return False
        raise


def _database_exists() -> bool:
    database = settings.DATABASES["default"]
    return "sqlite" not in str(database["ENGINE"]) or Path(str(database["NAME"])).exists()


def _listing() -> str:
    presets = [
        (
            preset.name,
            "preset",
            f"{preset.server['transport']} {preset.server['host']}:{preset.server['port']}",
            preset.title,
        )
        for preset in PRESETS.values()
        if preset.server["kind"] != "command"  # those need a server
    ]
    return terminal.table(("NAME", "WHAT", "ADDRESS", "TITLE"), [*_configured(), *presets])


def _configured() -> list[tuple[str, str, str, str]]:
    try:
        servers = list(Server.objects.all()) if _database_exists() else []
    except django.db.Error:
        sys.stderr.write(
            "The configured servers are not listed: their database is not up to date. Run manage.py migrate or up.\n"
        )
        return []
    return [(one.name, "server", f"{one.transport} {address_of(one)}", one.notes.partition("\n")[0]) for one in servers]
