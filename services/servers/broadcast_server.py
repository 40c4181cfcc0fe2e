"""Broadcast: a receiver, and a sender that speaks to everyone at an interval. Whatever answers the sender is recorded."""

import asyncio
import socket
from typing import cast

from services.servers import clock, escapes, notices
from services.servers.peers import Peer
from services.servers.reporter import Reporter
from services.servers.server import Past
from services.servers.spec import BroadcastSenderOptions, ServerSpec
from services.servers.udp_server import UdpServer


class BroadcastReceiver(UdpServer):
    """A datagram server whose socket hears broadcasts."""


class BroadcastSender(UdpServer):
    """Sends `options.message` to `options.destination` every `options.interval` seconds; finished after `options.count` times."""

    def __init__(self, spec: ServerSpec, sock: socket.socket, reporter: Reporter, past: Past) -> None:
        super().__init__(spec, sock, reporter, past)
        self._options = cast(BroadcastSenderOptions, spec.options)
        self._message = escapes.to_bytes(self._options.message)
        self._sent = 0
        self._due = 0.0  # on the loop's clock, which is monotonic
        self._timer: asyncio.TimerHandle | None = None
        self._problem = ""

    async def start(self) -> None:
        await super().start()
        self._due = self._loop.time()
        self._tick()

    async def stop(self, within: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await super().stop(within)

    def _tick(self) -> None:
        self._broadcast(self._at(self._options.destination))
        self._sent += 1
        if self._sent == self._options.count:
            self.finished()
            return
        interval, now = self._options.interval, self._loop.time()
        # Asleep, or stopped by a debugger: no burst to make up for it
        missed = max(0, int((now - self._due) / interval))
        self._due += (missed + 1) * interval
        self._timer = self._loop.call_at(self._due, self._tick)

    def _broadcast(self, peer: Peer) -> None:
        try:
            self._outbox.send(peer, self._message, clock.now())
        except OSError as error:
            problem = f"Nothing can be sent to {peer.name}: {error.strerror}."
            if problem != self._problem:
                notices.tell(problem)
            self._problem = problem
        else:
            self._problem = ""
        self._reporter.noted(len(self._message))
