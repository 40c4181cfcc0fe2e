"""The options of a remote-command server: which commands it allows, and what a command may use. Frozen; it runs nothing.

What makes no sense is refused by `allowed.check`.
"""

from typing import Literal

import msgspec

SECONDS = 30.0
OUTPUT_BYTES = 256 * 1024
MEMORY_BYTES = 256 * 1024 * 1024
PROCESSES = 64


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place in an allowed command for what the caller writes there: one of `choices`, a number, or a text."""

    name: str
    choices: tuple[str, ...] = ()
    low: int | None = None  # a whole number from `low` to `high`
    high: int | None = None
    pattern: str = ""  # a regular expression (RE2) that the whole text fits: 256 characters at most, no `-` in front
    optional: bool = False  # may be left out
    many: int = 1  # may be given so often, one after the other


class Allowed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One command that may be run."""

    id: str  # what callers name it: the first word of their argv
    program: str  # an absolute path
    arguments: tuple[str | Slot, ...] = ()  # words that are always there, and slots
    explains: str = ""
    timeout: float = 0.0  # seconds; 0: the server's
    output_bytes: int = 0  # of stdout and stderr together that are sent; 0: the server's
    memory_bytes: int = 0
    processes: int = 0
    network: bool = False  # may use the network; without it, it can make no socket
    scratch: bool = False  # has a directory of its own to write in, gone when it ends


class CommandOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a remote-command server runs, for whoever it lets in."""

    dialect: Literal["frames", "ready"] = "frames"
    commands: tuple[Allowed, ...] = ()
    shell: bool = False  # a free command line for keys that may use it
    timeout: float = SECONDS
    output_bytes: int = OUTPUT_BYTES
    memory_bytes: int = MEMORY_BYTES
    processes: int = PROCESSES
    at_once: int = 16  # commands running on this server
    at_once_per_key: int = 4
