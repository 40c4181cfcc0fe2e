"""What people ask of servers: the one door for pages, API, command line and admin.

Each operation writes rows and sends a hint; the supervisor does the rest. It knows no request and no template.

    server = create({"preset": "echo", "name": "lab"}, who="ada")
    status = settle(server, start(server, who="ada"))
"""

import time
from collections.abc import Mapping
from copy import copy
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from services import audit, configuration, disk, errors, hints, nodes, panel_port
from services.asking import LOOK_EVERY, carried_out
from services.audit import entries
from services.describe import ACTIVE, NO_SUPERVISOR
from services.models import Action, Server, Status
from services.remote import files, switch

SETTLED = frozenset({"RUNNING", "STOPPED", "FATAL", "EXITED"})
MAX_KEEP = 2**63


def find(name: str) -> Server:
    """The server of this name. Raises ServerUnknown."""
    try:
        return Server.objects.get(name=name)
    except Server.DoesNotExist:
        raise errors.ServerUnknown(f"There is no server named {name!r}: look at the list of servers.") from None


def create(words: Mapping[str, Any], who: str) -> Server:
    """A new, stopped server.

    Raises ConfigurationRefused, NameTaken, PresetUnknown or RemoteCommandsOff; then nothing is saved.
    """
    fields = configuration.complete(words)
    _refuse_commands(fields["kind"])
    try:
        with transaction.atomic():
            server = Server.objects.create(**fields, asked_by=who)
            audit.record("server.create", who, server=server, configuration=fields)
    except IntegrityError:
        raise _name_taken(fields["name"]) from None
    _tell(server)
    return server


def change(server: Server, words: Mapping[str, Any], who: str, wait: float = 15.0) -> Server:
    """Change some fields. A running server's new address is bound first; where that fails, the old one goes on.

    Raises ConfigurationRefused, NameTaken, a BindError, or SupervisorAway.
    """
    return _change(server, configuration.changed(server, words), who, wait)


def restore(server: Server, number: int, who: str, wait: float = 15.0) -> Server:
    """Give it back the configuration that an audit entry of it holds; its name and node stay. Raises EntryUnknown, and as `change`.

    It is a change like any other, and recorded as one.
    """
    earlier = entries.configuration_of(server, number)
    fields = configuration.check(earlier | {"name": server.name, "node": server.node})
    with audit.restoring(number):
        return _change(server, fields, who, wait)


def _change(server: Server, fields: dict[str, Any], who: str, wait: float) -> Server:
    if server.kind != fields["kind"]:
        _refuse_commands(fields["kind"])
    if Server.objects.exclude(pk=server.pk).filter(name=fields["name"]).exists():
        raise _name_taken(fields["name"])
    running = is_active(server)
    if running and fields["node"] != server.node:
        raise errors.ConfigurationRefused("Stop the server before it moves to another node.", field="node")
    if running and _differs(server, fields):
        _ask(server, Action.Verb.CHANGE, words=fields, who=who, wait=wait)
    else:
        save(server, fields, who)
    server.refresh_from_db()
    _tell(server)
    return server


def save(server: Server, fields: Mapping[str, Any], who: str) -> None:
    """Write what differs of a checked configuration, as `server` was read, with its audit entry; counts a revision."""
    written = {field: value for field, value in fields.items() if getattr(server, field) != value}
    try:
        with transaction.atomic():
            Server.objects.filter(pk=server.pk).update(**written, revision=F("revision") + 1, updated_at=timezone.now())
            _record_change(server, fields, who)
    except IntegrityError:
        raise _name_taken(fields["name"]) from None


def _record_change(server: Server, fields: Mapping[str, Any], who: str) -> None:
    """Field by field, with all of the configuration as it is then."""
    meant = configuration.meant_by(server)
    news = {field: value for field, value in fields.items() if meant[field] != value}
    restored = audit.origin.get().restored
    verb, what = ("server.restore", f"as entry {restored} has it") if restored else ("server.change", "")
    if news or restored:
        olds = {field: meant[field] for field in news}
        audit.record(verb, who, server=server, what=what, old=olds, new=news, configuration=fields)


def _refuse_commands(kind: str) -> None:
    """Raises RemoteCommandsOff for a server that would run commands while nobody meant it to."""
    if kind == "command":
        switch.require()


def _differs(server: Server, fields: Mapping[str, Any]) -> bool:
    meant = configuration.meant_by(server)
    return any(meant[field] != fields[field] for field in configuration.SPEC if field != "name")


def _name_taken(name: str) -> errors.NameTaken:
    return errors.NameTaken(f"Another server is named {name!r}: choose another name.", field="name")


def remove(server: Server, who: str, wait: float = 15.0) -> None:
    """Delete a server; a running one is stopped first. Its messages go too."""
    if is_active(server) and settle(server, stop(server, who), wait) is None:
        raise errors.StartFailed(f"{server.name} has not stopped within {wait:.0f} s: try again.")
    disk.make_way(settings.SOCKPANEL_DATA_DIR)
    with transaction.atomic():
        copy(server).delete()  # which would take its number away from ours
        audit.record("server.remove", who, server=server, configuration=configuration.fields_of(server))
    files.forget_server(server.pk)
    hints.hint("supervisor")
    hints.hint("panel")


def start(server: Server, who: str) -> int:
    """Ask for it to run; what already runs is left alone. Returns the number to `settle` on.

    Raises SupervisorAway, or RemoteCommandsOff.
    """
    _refuse_commands(server.kind)
    if not nodes.alive(server.node):
        raise _away(server)
    server.refresh_from_db()
    if server.wanted == Server.Wanted.RUNNING and _state(server) in ("STARTING", "RUNNING"):
        return server.asked
    return _want(server, Server.Wanted.RUNNING, who, "server.start")


def stop(server: Server, who: str) -> int:
    """Ask for it to stop, now and after every restart of Sockpanel."""
    return _want(server, Server.Wanted.STOPPED, who, "server.stop")


def restart(server: Server, who: str) -> int:
    """Ask for a new worker. Raises SupervisorAway, or RemoteCommandsOff."""
    _refuse_commands(server.kind)
    if not nodes.alive(server.node):
        raise _away(server)
    return _want(server, Server.Wanted.RUNNING, who, "server.restart")


def _want(server: Server, wanted: str, who: str, verb: str) -> int:
    with transaction.atomic():
        Server.objects.filter(pk=server.pk).update(wanted=wanted, asked=F("asked") + 1, asked_by=who)
        audit.record(verb, who, server=server)
    server.refresh_from_db()
    _tell(server)
    return server.asked


def settle(server: Server, asked: int, wait: float = 15.0) -> Status | None:
    """Wait until the supervisor has heeded `asked` and the state rests. None when it has not within `wait` seconds.

    Without a supervisor nothing runs, and that is settled at once.
    """
    return async_to_sync(asettle)(server, asked, wait)


async def asettle(server: Server, asked: int, wait: float = 15.0) -> Status | None:
    """`settle` for coroutines."""
    deadline = time.monotonic() + wait
    async with hints.Listener("panel") as listener:
        while True:
            settled, status = await sync_to_async(_settled)(server, asked)
            left = deadline - time.monotonic()
            if settled or left <= 0:
                return status if settled else None
            await listener.wait(min(left, LOOK_EVERY))


def _settled(server: Server, asked: int) -> tuple[bool, Status | None]:
    status = Status.objects.filter(pk=server.pk).first()
    if nodes.alive(server.node):
        return bool(status and status.asked >= asked and status.state in SETTLED), status
    if status is None or status.state in ACTIVE:
        status = Status(server_id=server.pk, state="STOPPED", reason=NO_SUPERVISOR.format(node=server.node), since=0)
    return True, status


def send(
    server: Server, data: bytes, who: str, *, connection: int | None = None, peer: str | None = None, wait: float = 10.0
) -> int:
    """Send bytes to one connection, one datagram peer, or all (neither). Returns how many peers were reached.

    Raises NotRunning, ConnectionUnknown, SendRefused or SupervisorAway.
    """
    words = {"connection": connection, "peer": peer}
    return _ask(server, Action.Verb.SEND, words=words, data=data, who=who, wait=wait).count


def close_connection(server: Server, number: int, who: str, wait: float = 10.0) -> None:
    """Close one connection. Raises NotRunning, ConnectionUnknown or SupervisorAway."""
    _ask(server, Action.Verb.CLOSE, words={"connection": number}, who=who, wait=wait)


def prune(server: Server, keep: int, who: str, wait: float = 60.0) -> int:
    """Remove all but the newest `keep` messages; numbers go on and counters stay. Returns how many went.

    Works on a full disk. Raises ConfigurationRefused, or SupervisorAway; what began goes on all the same.
    """
    if isinstance(keep, bool) or not isinstance(keep, int) or not 0 <= keep < MAX_KEEP:
        raise errors.ConfigurationRefused("Keep 0 or more of the newest messages.", field="keep")
    if not nodes.alive(server.node):
        raise _away(server)
    disk.make_way(settings.SOCKPANEL_DATA_DIR)
    try:
        return carried_out(server, Action.Verb.PRUNE, {"keep": keep}, who=who, wait=wait).count
    except errors.SupervisorAway as error:
        if not nodes.alive(server.node):
            raise
        raise errors.SupervisorAway(
            f"The supervisor has not removed all of them within {wait:.0f} s: if it had begun it goes on, so look again in a while."
        ) from error


def _ask(
    server: Server, verb: Action.Verb, *, words: Mapping[str, Any], who: str, wait: float, data: bytes = b""
) -> Action:
    if not is_active(server):
        raise errors.NotRunning(f"{server.name} is not running: start it first.")
    return carried_out(server, verb, words, who=who, wait=wait, data=data)


def is_active(server: Server) -> bool:
    """Whether a supervisor has it in hand: starting, running, retrying or stopping."""
    return _state(server) in ACTIVE and nodes.alive(server.node)


def _state(server: Server) -> str:
    return Status.objects.filter(pk=server.pk).values_list("state", flat=True).first() or "STOPPED"


def warnings(server: Server) -> list[str]:
    """What would keep it from starting, as sentences; nothing is said of a server that runs."""
    if is_active(server):
        return []
    try:
        found = panel_port.check_address(configuration.spec_of(server))
    except errors.ConfigurationRefused as error:
        found = error.message
    off = switch.objection() if server.kind == "command" else ""
    return [warning for warning in (off, found) if warning]


def _away(server: Server) -> errors.SupervisorAway:
    return errors.SupervisorAway(NO_SUPERVISOR.format(node=server.node))


def _tell(server: Server) -> None:
    hints.hint("supervisor", server.pk)
    hints.hint("panel", server.pk)
