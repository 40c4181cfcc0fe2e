"""`servers list|add|start|stop|restart|status|incidents|tail|send|prune|remove`: what the pages do, for a shell.

A person reads tables, a script reads `--json` and the exit code: 0 done, 1 it failed (the reason is on stderr), 2 wrong usage.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import CommandParser

from services import describe, history, operations, terminal, trouble
from services.errors import RequestRefused
from services.management import follow, standing
from services.management.base import SockpanelCommand, who
from services.management.data import data_from
from services.management.printer import Printer
from services.management.signals import stop_event
from services.management.verbs import EXAMPLES, VERBS, words
from services.models import Counters, Server

WAIT = 15.0  # seconds for a state to settle
STARTED, ENDED = frozenset({"RUNNING"}), frozenset({"STOPPED", "EXITED", "FATAL"})


class Command(SockpanelCommand):
    help = "List, add, start, stop, watch and remove servers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EXAMPLES
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="|".join(VERBS))
        for verb, (what, add_options) in VERBS.items():
            one = verbs.add_parser(verb, help=what, description=f"{what[0].upper()}{what[1:]}.")
            add_options(one)

    def run(self, options: Mapping[str, Any]) -> None:
        getattr(self, f"do_{options['verb']}")(options)

    def do_list(self, options: Mapping[str, Any]) -> None:
        found = describe.describe(Server.objects.all())
        if options["json"]:
            self.say(terminal.as_json({"servers": found}))
        else:
            nothing = "There are no servers yet: servers add NAME --preset echo --start makes one and starts it."
            self.say(standing.overview(found) if found else nothing)

    def do_add(self, options: Mapping[str, Any]) -> None:
        server = operations.create(words(options), who())
        if options["start"]:
            self._settle({server: operations.start(server, who())}, STARTED, options["json"], single=True)
            return
        for warning in operations.warnings(server):
            self.warn(warning)
        if options["json"]:
            self._objects([server], single=True)
        else:
            where = f"{server.transport} {describe.address_of(server)}"
            self.say(f"Added {server.name}: {server.kind} on {where}. Start it: servers start {server.name}")

    def do_start(self, options: Mapping[str, Any]) -> None:
        self._move(options, operations.start, STARTED)

    def do_restart(self, options: Mapping[str, Any]) -> None:
        self._move(options, operations.restart, STARTED)

    def do_stop(self, options: Mapping[str, Any]) -> None:
        self._move(options, operations.stop, ENDED)

    def do_status(self, options: Mapping[str, Any]) -> None:
        servers = [operations.find(name) for name in options["names"]] or list(Server.objects.all())
        if options["json"]:
            self._objects(servers, single=len(options["names"]) == 1)
        else:
            for one in trouble.current():
                self.warn(one.sentence)
            told = [standing.details(one, trouble.is_storing()) for one in _described(servers)]
            self.say("\n\n".join(told) or "There are no servers yet.")

    def do_incidents(self, options: Mapping[str, Any]) -> None:
        found = history.incidents_of(operations.find(options["name"]).pk, limit=options["lines"])
        if options["json"]:
            self.say(terminal.as_json({"incidents": found}))
        else:
            self.say(standing.incidents(found) or f"{options['name']} has refused nothing and slowed nobody down.")

    def do_prune(self, options: Mapping[str, Any]) -> None:
        server = operations.find(options["name"])
        going = max(_kept([server]) - max(options["keep"], 0), 0)
        self._require_consent(options, "pruned", f"Remove the oldest {going:,} messages of {server.name} for good?")
        pruned = operations.prune(server, options["keep"], who())
        self.say(terminal.as_json({"pruned": pruned}) if options["json"] else f"Removed {pruned:,} messages.")

    def do_tail(self, options: Mapping[str, Any]) -> None:
        self.interrupted = 0
        server = operations.find(options["name"])
        render = follow.as_json if options["json"] else follow.as_bytes if options["raw"] else follow.as_line
        newest, after = follow.newest(server, options["lines"])
        for message in newest:
            terminal.write_raw(render(message))
        if options["follow"]:
            asyncio.run(_follow(server, render, after))

    def do_send(self, options: Mapping[str, Any]) -> None:
        server, data = operations.find(options["name"]), data_from(options)
        if data is None:
            raise RequestRefused("Nothing to send: give --text, --hex, --base64 or --file, or pipe the bytes in.")
        count = operations.send(server, data, who(), connection=options["connection"], peer=options["peer"])
        peers = "1 peer" if count == 1 else f"{count:,} peers"
        self.say(terminal.as_json({"peers": count}) if options["json"] else f"Sent {len(data):,} bytes to {peers}.")

    def do_remove(self, options: Mapping[str, Any]) -> None:
        servers = [operations.find(name) for name in options["names"]]
        names = ", ".join(server.name for server in servers)
        self._require_consent(options, "removed", f"Remove {names} and {_kept(servers):,} stored messages for good?")
        for server in servers:
            operations.remove(server, who())
        if options["json"]:
            self.say(terminal.as_json({"removed": options["names"]}))
        else:
            self.say(f"Removed {', '.join(options['names'])}.")

    def _require_consent(self, options: Mapping[str, Any], done: str, question: str) -> None:
        """Ask, unless --yes was given. Raises RequestRefused where nobody can be asked."""
        if options["yes"]:
            return
        if sys.stdin is None or not sys.stdin.isatty():
            raise RequestRefused(f"Nothing was {done}, for nobody can be asked here: add --yes.")
        sys.stdout.write(f"{question} [y/N] ")
        sys.stdout.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            self.fail(f"Nothing was {done}.")

    def _move(self, options: Mapping[str, Any], ask: Callable[[Server, str], int], good: frozenset[str]) -> None:
        if bool(options["names"]) == options["all"]:
            raise RequestRefused("Give the names of servers, or --all.")
        servers = list(Server.objects.all()) if options["all"] else [operations.find(name) for name in options["names"]]
        asked = {server: ask(server, who()) for server in servers}
        self._settle(asked, good, options["json"], single=len(options["names"]) == 1)

    def _settle(self, asked: dict[Server, int], good: frozenset[str], as_json: bool, single: bool) -> None:
        """Wait for each server and say where it stands; exit code 1 when one is not where it should be."""
        deadline = time.monotonic() + WAIT
        failures = []
        for server, number in asked.items():
            status = operations.settle(server, number, max(deadline - time.monotonic(), 0.0))
            if failure := standing.failure(server, status, good, WAIT):
                failures.append(failure)
            elif not as_json:
                self.say(standing.outcome(server, status))
        if as_json:
            self._objects(list(asked), single)
        for failure in failures:
            self.warn(failure)
        if failures:
            sys.exit(1)

    def _objects(self, servers: list[Server], single: bool) -> None:
        found = _described(servers)
        self.say(terminal.as_json(found[0] if single else {"servers": found}))


def _described(servers: list[Server]) -> list[dict[str, Any]]:
    found = describe.describe(servers)
    for told, server in zip(found, servers, strict=True):
        told["warnings"] = operations.warnings(server)
    return found


def _kept(servers: list[Server]) -> int:
    """How many of their messages are still there."""
    rows = Counters.objects.in_bulk([one.pk for one in servers]).values()
    return sum(max(row.last_seq - row.first_seq + 1, 0) for row in rows)


async def _follow(server: Server, render: follow.Render, after: int) -> None:
    with stop_event() as stop:
        printer = Printer(gone=stop)
        try:
            await follow.Follower(server, printer, render, after).until(stop, follow.is_removed)
        finally:
            printer.close()
