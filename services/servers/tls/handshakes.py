"""The handshakes of one server: with which certificate, how many at once, and for how long. It accepts nobody.

handshakes = Handshakes(spec, reporter, loop, room)
handshakes.certify(material)
transport, _ = await loop.connect_accepted_socket(lambda: handshakes.around(stream), sock)
"""

import asyncio
import ssl
from collections.abc import Callable

from services.servers import networks
from services.servers.reporter import Reporter
from services.servers.spec import ServerSpec
from services.servers.stream import Stream
from services.servers.tls import failures
from services.servers.tls.context import hush, server_context
from services.servers.tls.shell import Shell
from services.servers.tls_material import TlsMaterial

WITHIN = 10.0  # seconds for a handshake
MOST = 256  # handshakes at once; further clients wait in the kernel's backlog
PATIENCE = 2.0  # seconds for one while others wait for its place


class Handshakes:
    """Those that are under way, the oldest first."""

    def __init__(
        self, spec: ServerSpec, reporter: Reporter, loop: asyncio.AbstractEventLoop, room: Callable[[], None]
    ) -> None:
        """`room` is called when one has ended."""
        self._tls = spec.tls
        self._reporter = reporter
        self._loop = loop
        self._room = room
        self._context: ssl.SSLContext | None = None
        self._under_way: dict[Shell, float] = {}  # since when
        self._alarm: asyncio.TimerHandle | None = None
        self._has_ended = False
        hush()

    @property
    def minimum(self) -> str:
        return self._tls.minimum

    @property
    def is_certified(self) -> bool:
        """Whether there is a certificate to show."""
        return self._context is not None

    @property
    def is_full(self) -> bool:
        return len(self._under_way) >= MOST

    def certify(self, material: TlsMaterial) -> None:
        """Show this from the next handshake on; those that stand are not touched. Raises CertificateRefused: then nothing changes."""
        self._context = server_context(material, self._tls)

    def around(self, stream: Stream) -> Shell:
        """TLS around a stream that was accepted just now."""
        assert self._context is not None  # noqa: S101 - nobody is accepted before there is one
        shell = Shell(stream, self._context, self)
        self._under_way[shell] = self._loop.time()
        if self._has_ended:
            shell.fail("the server stopped", is_fault=False)
        elif self._alarm is None or self.is_full:
            self._arm()
        return shell

    def end_all(self, why: str) -> None:
        """Nobody gets in any more."""
        self._has_ended = True
        for shell in list(self._under_way):
            shell.fail(why, is_fault=False)

    # What a shell tells

    def made(self, shell: Shell) -> None:
        self._forget(shell)

    def failed(self, shell: Shell, why: str, is_fault: bool) -> None:
        if is_fault:
            stream = shell.stream
            source = networks.source(stream.host)
            self._reporter.refused("tls", source, f"no TLS with {stream.host or stream.peer}: {why}")
        self._forget(shell)

    def _forget(self, shell: Shell) -> None:
        self._under_way.pop(shell, None)
        self._arm()
        self._room()

    # Those that take too long

    @property
    def _patience(self) -> float:
        return PATIENCE if self.is_full else WITHIN

    def _arm(self) -> None:
        """One timer, for the oldest."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        oldest = next(iter(self._under_way), None)
        if oldest is not None:
            self._alarm = self._loop.call_at(self._under_way[oldest] + self._patience, self._look)

    def _look(self) -> None:
        self._alarm = None
        oldest = next(iter(self._under_way), None)
        if oldest is None:
            return
        waited = self._loop.time() - self._under_way[oldest]
        if waited + 0.002 >= self._patience:  # the loop counts in milliseconds
            oldest.fail(failures.too_slow(self._patience, oldest.has_begun))
        else:
            self._arm()
