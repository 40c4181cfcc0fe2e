"""The commands that the panel was asked to run: written down before, completed after, found again. It runs none.

command = ask({"server": "lab", "argv": ["uname", "-s"]}, user="otto")
told(find(command.pk))
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.expressions import RawSQL
from django.utils import timezone

from services import audit, errors
from services.history import require_short
from services.models import Command, Server
from services.patience import within
from services.remote import switch
from services.remote.keys import read_public
from services.remote.transcript import stream_of
from services.servers import redaction
from services.servers.clock import rfc3339

KEEP, KEEP_BYTES = 10_000, 256 * 1024 * 1024  # commands, and bytes of their output
LIMIT, MAX_LIMIT = 50, 200
WAITS = timedelta(seconds=60)  # for whoever asked to come and watch
RUNS = timedelta(seconds=360)  # longer than any command may take
MAX_WORDS, MAX_LINE = 64, 16 * 1024
FIELDS = ("server", "host", "port", "key", "argv", "shell")

NEVER_CAME = "Nobody came to watch it within a minute, so it was not run: run it again."
NO_END = "The panel ended while it ran, and nobody knows how it went: look at the server's own history."


@dataclass(frozen=True)
class Filter:
    """Which commands; all conditions hold together."""

    before: int | None = None  # older than this id
    limit: int = LIMIT
    user: str = ""
    server: str = ""
    state: str = ""
    contains: str = ""  # in the line, the error or the kept output


def ask(words: Mapping[str, Any], user: str, *, may_shell: bool = False) -> Command:
    """Write down a command that is to be run. Raises RequestRefused, KeyRefused, NotAllowed or RemoteCommandsOff."""
    settle_stale()
    command = Command(user=user, **_target(words), **_words(words, may_shell))
    _refuse_secrets(command)
    if command.server:
        switch.require()
    with transaction.atomic():
        command.save()
        _record(command)
    _prune()
    return command


def _record(command: Command) -> None:
    told = {field: getattr(command, field) for field in ("argv", "shell", "host", "port", "key")}
    audit.record("command.run", command.user, server=command.server, what=f"{command.pk}: {command.line}", new=told)


def _refuse_secrets(command: Command) -> None:
    """All operators read the history, and what is taken out of a command line is missing when it runs."""
    fields = {"host": [command.host], "shell" if command.shell else "argv": [*command.argv, command.line]}
    for field, texts in fields.items():
        if any(redaction.clean_text(text) != text for text in texts):
            raise _refused(
                field,
                "There is a token or a cookie of Sockpanel in it, and commands are kept for all operators to read: "
                "put it into a file on that machine, and let the program read it there.",
            )


def _target(words: Mapping[str, Any]) -> dict[str, Any]:
    name, host = words.get("server"), words.get("host")
    if (name is None) == (host is None):
        raise _refused(
            "server", "A command goes to a `server` of this panel, or to `host`, `port` and `key` of another: give one."
        )
    if name is not None:
        return {"server": _command_server(name)}
    port = words.get("port")
    if not isinstance(host, str) or not 0 < len(host) <= 253 or not host.isprintable():
        raise _refused("host", "The host is an address or a name.")
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65_535:
        raise _refused("port", "The port is a whole number from 1 to 65535.")
    try:
        key = read_public(words.get("key"))
    except errors.KeyRefused as error:
        raise errors.KeyRefused(
            f"The key of that server tells who must answer there. {error.message}", field="key"
        ) from None
    return {"host": host, "port": port, "key": key.hex()}


def _command_server(name: object) -> str:
    server = Server.objects.filter(name=name).first() if isinstance(name, str) and "\0" not in name else None
    if server is None:
        raise _refused("server", f"There is no server named {str(name)[:64]!r}: look at the list of servers.")
    if server.kind != "command" or server.options.get("dialect", "frames") != "frames":
        raise _refused(
            "server", f"{server.name} is no remote-command server of the dialect `frames`: choose one that is."
        )
    return server.name


def _words(words: Mapping[str, Any], may_shell: bool) -> dict[str, Any]:
    argv, line = words.get("argv"), words.get("shell")
    if (argv is None) == (line is None):
        raise _refused("argv", "A command is `argv`, a list of words, or `shell`, a free command line: give one.")
    if line is not None:
        if not may_shell:
            raise errors.NotAllowed(
                "A free command line is for admins: run a command of the allow-list.", field="shell"
            )
        if not isinstance(line, str) or not line.strip() or "\0" in line or len(line) > MAX_LINE:
            raise _refused("shell", f"A command line has 1 to {MAX_LINE:,} characters and no NUL.")
        return {"argv": [line], "shell": True, "line": line}
    if not isinstance(argv, list) or not _are_words(argv):
        raise _refused("argv", f'argv is a list of 1 to {MAX_WORDS} words, such as ["uname", "-s"].')
    return {"argv": argv, "line": shlex.join(argv)}


def _are_words(argv: list[Any]) -> bool:
    return (
        1 <= len(argv) <= MAX_WORDS
        and all(isinstance(word, str) and "\0" not in word and _is_text(word) for word in argv)
        and sum(map(len, argv)) <= MAX_LINE
    )


def _is_text(word: str) -> bool:
    """Whether it holds no half characters (lone surrogates)."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def find(pk: int) -> Command:
    """Raises CommandGone."""
    settle_stale()
    command = Command.objects.filter(pk=pk).first() if 0 < pk < 2**63 else None
    if command is None:
        raise errors.CommandGone(f"No command {pk} is in the history: look at the list.")
    return command


def listed(wanted: Filter = Filter()) -> list[Command]:
    """The newest first, without their output. Raises RequestRefused or SearchTooLong."""
    settle_stale()
    rows = Command.objects.defer("transcript")
    if wanted.before is not None:
        rows = rows.filter(id__lt=wanted.before)
    for field in ("user", "server", "state"):
        if value := getattr(wanted, field):
            rows = rows.filter(**{field: value})
    if wanted.contains:
        rows = _containing(rows, wanted.contains)
    with within(DEFAULT_DB_ALIAS):
        return list(rows.order_by("-id")[: wanted.limit])


def _containing(rows: QuerySet[Command], text: str) -> QuerySet[Command]:
    position = "instr(transcript, %s) > 0" if connection.vendor == "sqlite" else "position(%s in transcript) > 0"
    needle = text.encode("utf-8", "surrogatepass")
    require_short(needle)
    rows = rows.annotate(in_output=RawSQL(position, (needle,)))  # noqa: S611 - the text is a parameter
    text = text.replace("\0", "")
    return rows.filter(Q(in_output=True) | Q(line__icontains=text) | Q(error__icontains=text))


def settle_stale() -> None:
    """What nobody can be running any more has failed: its process is gone."""
    now = timezone.now()
    for state, since, code, error in (
        (Command.State.WAITING, {"asked_at__lt": now - WAITS}, "SP-5007", NEVER_CAME),
        (Command.State.RUNNING, {"started_at__lt": now - RUNS}, "SP-5008", NO_END),
    ):
        stale = Command.objects.filter(state=state, **since)
        if stale.exists():
            stale.update(state=Command.State.FAILED, ended_at=now, code=code, error=error)


def _prune() -> None:
    """The oldest go: beyond the count, or when all the output together is too much."""
    newest = Command.objects.order_by("-id").values_list("id", flat=True)
    for last in newest[KEEP : KEEP + 1]:
        Command.objects.filter(id__lte=last).delete()
    total = Command.objects.aggregate(total=Sum("kept_bytes"))["total"] or 0
    if total > KEEP_BYTES:
        _prune_bytes(total - KEEP_BYTES)


def _prune_bytes(excess: int) -> None:
    for pk, size in Command.objects.filter(kept_bytes__gt=0).order_by("id").values_list("id", "kept_bytes"):
        Command.objects.filter(pk=pk).update(transcript=b"", kept_bytes=0)
        excess -= size
        if excess <= 0:
            return


def told(command: Command) -> dict[str, Any]:
    """The COMMAND object, without its output."""
    return {
        "id": command.pk,
        **{
            field: getattr(command, field)
            for field in ("user", "server", "host", "port", "key", "argv", "shell", "line", "state")
        },
        **{field: _time(getattr(command, field)) for field in ("asked_at", "started_at", "ended_at")},
        **{field: getattr(command, field) for field in ("exit_code", "signal", "seconds", "why", "code", "error")},
        **{field: getattr(command, field) for field in ("stdout_bytes", "stderr_bytes", "truncated", "kept_bytes")},
    }


def output(command: Command, name: str) -> bytes:
    """What is kept of `stdout` or `stderr`."""
    return stream_of(bytes(command.transcript), name)


def _time(at: Any) -> str | None:
    return rfc3339(round(at.timestamp() * 1_000_000)) if at else None


def _refused(field: str, sentence: str) -> errors.RequestRefused:
    return errors.RequestRefused(sentence, field=field)
