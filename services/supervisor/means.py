"""What all keepers work with, so that none of them knows a process, a thread or an event loop."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.errors import BindError
from services.servers.report import Briefing, Close, Done, Send
from services.servers.spec import ServerSpec
from services.servers.tls_material import TlsMaterial
from services.supervisor.backoff import Budget
from services.supervisor.events import Observer
from services.supervisor.gate import Gate
from services.supervisor.timers import Clock
from services.supervisor.timings import Timings
from services.supervisor.worker import Launch, Listener

Opened = Callable[[socket.socket | BindError], None]


class Hand(Protocol):
    """What a keeper needs of a worker."""

    pid: int
    process_start: int

    def listen(self, listener: Listener) -> None: ...

    def quiet_for(self) -> float: ...

    def brief(self, briefing: Briefing) -> None: ...

    def certify(self, material: TlsMaterial) -> None: ...

    def meet(self, ports: tuple[int, ...]) -> None: ...

    def terminate(self) -> None: ...

    def kill(self, why: str) -> None: ...

    def ask(self, order: Send | Close) -> asyncio.Future[Done]: ...


@dataclass(frozen=True)
class Means:
    """One for all keepers of a supervisor."""

    clock: Clock
    timings: Timings
    observer: Observer
    open: Callable[[ServerSpec, Opened], None]  # answers once, at once or later
    close: Callable[[socket.socket, ServerSpec], None]
    spawn: Callable[[Launch], Hand]
    is_free: Callable[[ServerSpec], bool]  # no stopping worker of ours still has the place
    freed: Callable[[], None]  # told when a worker has ended: a place may be free
    rested: Callable[[int], None]  # told the server that came to rest
    gate: Gate
    budget: Budget
    moved: Callable[[], None] = lambda: None  # told when a server has moved: its socket may have
