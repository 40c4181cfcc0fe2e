"""The allow-list: what a caller asks for -> the program and the words it is run with, or why it is not. It runs nothing.

A command is a fixed program with a fixed line of words, some of which are slots. The caller's words fill the slots in their order,
each checked against its slot; no shell reads them, and none becomes two.

    plan(options, ["df", "-h"], Terms()).argv == ("/usr/bin/df", "-h", "--", ...)
"""

import os
import re
from collections.abc import Sequence

import msgspec

from services.errors import ArgumentRefused, CommandRefused, CommandUnknown
from services.servers.commands import slots
from services.servers.commands.options import Allowed, CommandOptions, Slot
from services.servers.redaction import clean_text

FILE_BYTES = 16 * 1024 * 1024  # that a command may write to one file
FILES = 64  # that it may have open
MAX_LINE = 16 * 1024  # characters of a free command line
MAX_COMMANDS, MAX_ARGUMENTS = 100, 64
MAX_NAMED = 20  # commands that a refusal names
SHELL = "/bin/sh"
PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
ID = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,30}[a-z0-9])?")

LIMITS = {  # field -> its lowest and highest value
    "timeout": (1.0, 300.0),
    "output_bytes": (1, 1024 * 1024 * 1024),
    "memory_bytes": (16 * 1024 * 1024, 64 * 1024 * 1024 * 1024),
    "processes": (1, 4096),
}


class Terms(msgspec.Struct, frozen=True):
    """As whom commands run, and what none of them may read."""

    user: tuple[int, int] | None = None  # uid and gid; None: those of the worker
    hidden: str = ""  # a directory


class Plan(msgspec.Struct, frozen=True):
    """One command, ready to be run."""

    program: str
    argv: tuple[str, ...]  # what the program sees, its own name first
    seconds: float
    output_bytes: int  # of stdout and stderr together that are handed on
    memory_bytes: int
    processes: int
    user: tuple[int, int] | None = None
    hidden: str = ""
    network: bool = False
    scratch: bool = False
    caged: bool = True  # may write nowhere but in its scratch directory
    file_bytes: int = FILE_BYTES
    files: int = FILES


def plan(options: CommandOptions, argv: Sequence[str], terms: Terms) -> Plan:
    """The allowed command that `argv` asks for. Raises CommandUnknown or ArgumentRefused."""
    allowed = next((one for one in options.commands if argv and one.id == argv[0]), None)
    if allowed is None:
        known = ", ".join(one.id for one in options.commands[:MAX_NAMED]) or "none"
        known += ", ..." if len(options.commands) > MAX_NAMED else ""
        raise CommandUnknown(f"{_quoted(argv[0] if argv else '')} is not on the allow-list: it has {known}.")
    return Plan(
        program=allowed.program,
        argv=(allowed.program, *_filled(allowed, list(argv[1:]))),
        seconds=allowed.timeout or options.timeout,
        output_bytes=allowed.output_bytes or options.output_bytes,
        memory_bytes=allowed.memory_bytes or options.memory_bytes,
        processes=allowed.processes or options.processes,
        user=terms.user,
        hidden=terms.hidden,
        network=allowed.network,
        scratch=allowed.scratch,
    )


def shell(options: CommandOptions, line: str, terms: Terms) -> Plan:
    """A free command line, read by /bin/sh. Raises CommandRefused or ArgumentRefused."""
    if not options.shell:
        raise CommandRefused("This server takes no free command line: ask for a command of its allow-list.")
    if not line.strip() or not slots.is_text(line) or len(line) > MAX_LINE:
        raise ArgumentRefused(f"A command line has 1 to {MAX_LINE:,} characters and no NUL.")
    return _free(options, SHELL, ("sh", "-c", line), terms, caged=False)


def program(options: CommandOptions, argv: Sequence[str], terms: Terms) -> Plan:
    """Any program on the PATH, without a shell. Raises CommandUnknown or ArgumentRefused."""
    if not all(slots.is_text(word) for word in argv):
        raise ArgumentRefused("A word has no NUL, and is text that UTF-8 can write.")
    found = _found(argv[0]) if argv else ""
    if not found:
        raise CommandUnknown(f"{_quoted(argv[0] if argv else '')} is no program on {':'.join(PATH)}.")
    return _free(options, found, tuple(argv), terms, caged=True)


def _free(options: CommandOptions, path: str, argv: tuple[str, ...], terms: Terms, *, caged: bool) -> Plan:
    return Plan(
        program=path,
        argv=argv,
        seconds=options.timeout,
        output_bytes=options.output_bytes,
        memory_bytes=options.memory_bytes,
        processes=options.processes,
        user=terms.user,
        hidden=terms.hidden,
        network=not caged,
        caged=caged,
    )


def _found(name: str) -> str:
    if not name:
        return ""
    if "/" in name:
        return name if name.startswith("/") and os.path.isfile(name) else ""
    return next(
        (path for folder in PATH if os.path.isfile(path := f"{folder}/{name}") and os.access(path, os.X_OK)), ""
    )


def _filled(allowed: Allowed, words: list[str]) -> list[str]:
    """The line with its slots filled, each taking what fits it from the front. Raises ArgumentRefused."""
    if len(words) > slots.MAX_WORDS:
        raise ArgumentRefused(f"{allowed.id} takes at most {slots.MAX_WORDS} words.")
    line: list[str] = []
    for argument in allowed.arguments:
        if isinstance(argument, str):
            line.append(argument)
            continue
        taken = 0
        while words and taken < argument.many and slots.fits(argument, words[0]):
            line.append(words.pop(0))
            taken += 1
        if not taken and not argument.optional:
            given = f"{_quoted(words[0])} does not fit" if words else "it is missing"
            raise ArgumentRefused(f"{allowed.id} needs {slots.wants(argument)} as {argument.name}: {given}.")
    if words:
        raise ArgumentRefused(f"{allowed.id} does not take {_quoted(words[0])} here: {_takes(allowed)}.")
    return line


def usage(allowed: Allowed) -> list[str]:
    """What each slot takes, for people: `[-s|-n|-r ...]`, `PID`."""
    return [slots.brief(slot) for slot in allowed.arguments if isinstance(slot, Slot)]


def _takes(allowed: Allowed) -> str:
    wants = [slots.wants(slot) for slot in allowed.arguments if isinstance(slot, Slot)]
    return f"it takes {'; then '.join(wants)}" if wants else "it takes no words"


def _quoted(word: str) -> str:
    word = clean_text(word)  # before it is cut: of half a secret nobody knows what it is
    return repr(word if len(word) <= 64 else f"{word[:64]}…")


# What makes no sense in the options


def check(options: CommandOptions, problems: dict[str, str]) -> None:
    """Writes a sentence beside each field that makes no sense (`options.commands.0.program`)."""
    _limits("options", options, problems, zero=False)
    if not 1 <= options.at_once <= 256:
        problems["options.at_once"] = "A server runs 1 to 256 commands at once."
    if not 1 <= options.at_once_per_key <= 256:
        problems["options.at_once_per_key"] = "A key runs 1 to 256 commands at once."
    if len(options.commands) > MAX_COMMANDS:
        problems["options.commands"] = f"An allow-list has at most {MAX_COMMANDS} commands."
        return
    seen: set[str] = set()
    for number, allowed in enumerate(options.commands):
        _command(f"options.commands.{number}", allowed, problems)
        if allowed.id in seen:
            problems[f"options.commands.{number}.id"] = f"Two commands are named {allowed.id}."
        seen.add(allowed.id)


def _limits(field: str, part: CommandOptions | Allowed, problems: dict[str, str], *, zero: bool) -> None:
    or_zero = ", or 0 for the server's" if zero else ""
    for name, (low, high) in LIMITS.items():
        value = getattr(part, name)
        if not (low <= value <= high or (zero and value == 0)):
            problems[f"{field}.{name}"] = f"{name} is from {low:,.0f} to {high:,.0f}{or_zero}."


def _command(field: str, allowed: Allowed, problems: dict[str, str]) -> None:
    _limits(field, allowed, problems, zero=True)
    if not ID.fullmatch(allowed.id) or allowed.id in ("shell", "ready"):
        problems[f"{field}.id"] = "An id is 1 to 32 small letters, digits, - _ or ., and neither `shell` nor `ready`."
    if not _is_path(allowed.program):
        problems[f"{field}.program"] = "The program is an absolute path such as /usr/bin/uname."
    if len(allowed.explains) > 500 or "\0" in allowed.explains:
        problems[f"{field}.explains"] = "The explanation has at most 500 characters."
    if len(allowed.arguments) > MAX_ARGUMENTS:
        problems[f"{field}.arguments"] = f"A command has at most {MAX_ARGUMENTS} words and slots."
    for number, argument in enumerate(allowed.arguments[:MAX_ARGUMENTS]):
        problem = slots.problem(argument) if isinstance(argument, Slot) else _word(argument)
        if problem:
            problems[f"{field}.arguments.{number}"] = problem


def _is_path(path: str) -> bool:
    return path.startswith("/") and path.isprintable() and len(path) <= 1024 and os.path.normpath(path) == path


def _word(word: str) -> str:
    return "" if slots.is_text(word) and len(word) <= 1024 else "A word has at most 1,024 characters and no NUL."
