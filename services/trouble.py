"""What is wrong with this panel at present, in sentences with what to do: for every page, the API and health.

It knows no page; the supervisor's part of it stands in its lock's file, which can be read when no database can.
"""

import re
from typing import Literal

import msgspec
from django.conf import settings
from django.db import Error

from services import disk, nodes
from services.describe import NO_SUPERVISOR
from services.errors import CertificateEnds, CrashLoop, DiskShort, StoreFull, SupervisorAway
from services.storage.places import mebibytes
from services.supervisor import lock
from services.tls import expiry

LOOP = 3  # young deaths in a row
_NOTE = re.compile(r"(SP-[0-9]{4}) (.+)", re.DOTALL)


class Trouble(msgspec.Struct, frozen=True):
    """One thing that is wrong."""

    level: Literal["warning", "error"]
    code: str
    sentence: str


def current() -> list[Trouble]:
    """What is wrong, the worst first; empty when all is well."""
    store = _store()
    found = [_supervisor(), store, None if store and store.code == StoreFull.code else _disk(), *_certificates()]
    return sorted((one for one in found if one is not None), key=lambda one: one.level)


def is_storing() -> bool:
    """Whether messages are stored as they come; else what comes waits, and is counted later."""
    return _store() is None


def _supervisor() -> Trouble | None:
    node = settings.SOCKPANEL_NODE
    pid, record, _ = lock.look(settings.SOCKPANEL_DATA_DIR, node)
    deaths = record.deaths if pid is not None else record.deaths_in_a_row
    if deaths >= LOOP and not record.is_sound:
        return Trouble(
            "error",
            CrashLoop.code,
            f"The supervisor of node {node} has died {deaths} times in a row soon after its start: its log says why.",
        )
    return None if _is_alive(node) else Trouble("error", SupervisorAway.code, NO_SUPERVISOR.format(node=node))


def _is_alive(node: str) -> bool:
    """A database that does not answer is another trouble, and told by whoever asks it."""
    try:
        return nodes.alive(node)
    except Error:
        return True


def _store() -> Trouble | None:
    match = _NOTE.fullmatch(lock.trouble(settings.SOCKPANEL_DATA_DIR, settings.SOCKPANEL_NODE))
    return Trouble("error", match[1], match[2]) if match else None


def _certificates() -> list[Trouble]:
    """A database that does not answer is another trouble here, too."""
    try:
        return [Trouble("warning", CertificateEnds.code, one.sentence) for one in expiry.ending()]
    except Error:
        return []


def _disk() -> Trouble | None:
    room = disk.look(settings.SOCKPANEL_DATA_DIR)
    if not room.is_short:
        return None
    return Trouble(
        "warning",
        DiskShort.code,
        f"The disk of {settings.SOCKPANEL_DATA_DIR} has {mebibytes(room.left)} left; below {mebibytes(room.bounds.hold)} nothing "
        "more is stored: free some space there, or remove old messages.",
    )
