"""Remote-command servers for tests: people's keys, briefings, commands to run."""

import contextlib
import os
import random
from collections.abc import AsyncIterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.client.commands import Event, Session, Target, connect
from services.servers.report import Briefing, Key
from tests.services.servers.commands.sides import IDENTITY, KEYS, SERVER_KEY
from tests.services.servers.supervising import Supervised, spec_of

USER = (65_534, 65_534) if os.geteuid() == 0 else None  # as whom commands run


def briefing(*keys: Key, **words: Any) -> Briefing:
    """Lets in `lab` and the panel, unless other keys are given."""
    return Briefing(**{"identity": IDENTITY, "keys": keys or KEYS, "user": USER, **words})


def command(name: str, *arguments: Any, **words: Any) -> dict[str, Any]:
    """A program of /usr/bin on an allow-list."""
    return {"id": name, "program": f"/usr/bin/{name}", "arguments": list(arguments), **words}


COMMANDS = [
    command("uname", {"name": "flag", "choices": ["-s"], "optional": True}),
    command("sleep", {"name": "seconds", "pattern": "[0-9.]+"}),
    command("head", "-c", {"name": "bytes", "low": 0, "high": 10**9}, "/dev/zero"),
    command("false"),
]


def options(**words: Any) -> dict[str, Any]:
    """Fields of a remote-command server."""
    return {"kind": "command", "options": {"commands": COMMANDS, **words}}


@contextlib.asynccontextmanager
async def running(told: Briefing | None = None, **words: Any) -> AsyncIterator[Supervised]:
    """A remote-command server with these fields, for the length of a block; it records at once."""
    supervised = Supervised(spec_of(**{**options(), **words}), briefing=told or briefing())
    try:
        await supervised.begin()
        yield supervised
    finally:
        await supervised.release()


def signing_in(it: Supervised, private: Ed25519PrivateKey, host: str = "") -> Any:
    """A client's session, as an async context manager."""
    own, port = it.address[:2]
    return connect(Target(host or own, port, server_key=SERVER_KEY), private)


async def all_of(session: Session, *argv: str, **words: Any) -> list[Event]:
    """Everything that comes of a command."""
    async with session.run(**({"argv": argv} if argv else {}), **words) as running:
        return [event async for event in running]


def lasting() -> str:
    """Seconds to sleep that no other process of this machine sleeps: `alive(f"sleep\\0{seconds}")` finds it."""
    return f"100.{random.randrange(10**9)}"


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
