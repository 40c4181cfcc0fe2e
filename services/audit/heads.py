"""The head of the chain, told to the log and to a file from time to time: whoever rewrites the database leaves these behind.

    2026-11-21T15:00:00.000000Z Audit head 812 9f86d0... (hourly)

A copy of the log that is kept elsewhere is what proves most: `manage.py audit verify --log FILE` reads it. It writes no entry.
"""

import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from services.audit import entries
from services.servers import clock
from services.storage import places

FILE = "audit.heads"
RESTORED = "restored"
MISSING = "is not there"
_HEAD = re.compile(r"Audit head (\d{1,18}) ([0-9a-f]{64}) \(([a-z]+)\)")

logger = logging.getLogger(__name__)


class Head(msgspec.Struct, frozen=True):
    """What the chain ended with at some moment."""

    number: int
    hash: str
    is_restored: bool = False  # the first one after a restore


def tell(data_dir: Path, why: str) -> None:
    """Say where the chain ends now. Before the first entry there is nothing to say."""
    if line := _line(why):
        logger.info("%s", line)
        _append(data_dir, line)


def note(data_dir: Path, why: str) -> None:
    """The same to the file alone: a command at a terminal says nothing that nobody asked for."""
    if line := _line(why):
        _append(data_dir, line)


def _line(why: str) -> str:
    number, digest = entries.head()
    return f"Audit head {number} {digest} ({why})" if number else ""


def _append(data_dir: Path, line: str) -> None:
    path = data_dir / FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "a", encoding="ascii") as file:
        file.write(f"{clock.rfc3339(clock.now())} {line}\n")
    places.give_to_owner(data_dir, path)


def read(lines: Iterable[str]) -> list[Head]:
    """The heads that a log tells of, oldest first. A restore replaces the audit: what was told before is void."""
    found: list[Head] = []
    for line in lines:
        for number, digest, why in _HEAD.findall(line):
            if why == RESTORED:  # nobody knows which of the former entries came back
                found.clear()
            found.append(Head(int(number), digest, why == RESTORED))
    return found


def of(data_dir: Path) -> list[Head]:
    """Those in the data directory's own file; none where `fault` says why."""
    try:
        return _of(data_dir)
    except OSError:
        return []


def fault(data_dir: Path) -> str:
    """What is wrong with that file, such as "is not there"; empty where it tells of a head."""
    try:
        return "" if _of(data_dir) else "tells of no head"
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _of(data_dir: Path) -> list[Head]:
    with open(data_dir / FILE, encoding="ascii", errors="replace", opener=_open) as lines:
        return read(lines)


def _open(path: str, _: int) -> int:
    """A pipe in its place is not waited for, a link not followed."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
