"""The socket of one server: opened once, kept while workers come and go, released when nobody is to be served.

It knows no state and no worker.
"""

import socket
from collections.abc import Callable
from functools import partial

import msgspec

from services.errors import BindError
from services.servers.spec import ServerSpec, join_address
from services.supervisor.means import Means
from services.supervisor.wanted import same_socket

Answer = Callable[[BindError | None], None]


class Held(msgspec.Struct, frozen=True):
    """An open socket, and what it was opened for."""

    socket: socket.socket
    spec: ServerSpec


class Drops:
    """Datagrams that the kernel dropped at one socket, as far as workers have told; modulo 2**32, as the kernel counts."""

    def __init__(self) -> None:
        self.told = 0

    def add(self, datagrams: int) -> None:
        """A worker told of so many more."""
        self.told = (self.told + datagrams) % 2**32


class Door:
    """At most one open socket."""

    def __init__(self, means: Means) -> None:
        self.drops = Drops()  # of the open socket; another one with each socket
        self._means = means
        self._held: Held | None = None
        self._opening: object | None = None  # which of our requests is under way
        self._unwanted = False  # released while it was being opened
        self._blocked: tuple[ServerSpec, Answer] | None = None

    @property
    def is_opening(self) -> bool:
        return self._opening is not None

    @property
    def descriptor(self) -> int:
        """Of the open socket. Raises OSError when there is none."""
        if self._held is None:
            raise OSError("the socket is not open")
        return self._held.socket.fileno()

    @property
    def address(self) -> str:
        """Where it listens, as people write it; empty when it does not."""
        if self._held is None:
            return ""
        spec = self._held.spec
        if spec.is_unix or spec.port:
            return spec.address
        return join_address(*self._held.socket.getsockname()[:2])

    @property
    def udp_port(self) -> int:
        """The UDP port that is open; 0 for none."""
        if self._held is None or self._held.spec.transport != "udp":
            return 0
        return int(self._held.socket.getsockname()[1])

    def fits(self, spec: ServerSpec) -> bool:
        """Whether the open socket is the one that `spec` needs."""
        return self._held is not None and same_socket(self._held.spec, spec)

    def open(self, spec: ServerSpec, answer: Answer) -> None:
        """Opens it, unless it is, and then calls `answer`, once; after a `release` meanwhile as well, but with nothing open."""
        if self.fits(spec):
            answer(None)
            return
        self.release()
        self._unwanted = False
        self._blocked = (spec, answer)
        self.try_again()

    def try_again(self) -> None:
        """To be called when a place may have become free."""
        if self._blocked is None or not self._means.is_free(self._blocked[0]):
            return
        (spec, answer), self._blocked = self._blocked, None
        request = self._opening = object()
        self._means.open(spec, partial(self._opened, request, spec, answer))

    def hold(self, held: Held) -> None:
        """Keeps a socket that was opened beforehand, in the place of its own."""
        self.release()
        self._take(held)

    def release(self) -> None:
        """Closes it, now or as soon as it is open."""
        self._blocked = None
        self._unwanted = True
        if self._held is not None:
            held, self._held = self._held, None
            self._means.close(held.socket, held.spec)

    def abandon(self) -> None:
        """Releases it and waits for no answer any more."""
        self._opening = None
        self.release()

    def _take(self, held: Held) -> None:
        self._held = held
        self.drops = Drops()

    def _opened(self, request: object, spec: ServerSpec, answer: Answer, result: socket.socket | BindError) -> None:
        abandoned = request is not self._opening
        if not abandoned:
            self._opening = None
        if isinstance(result, socket.socket):
            if abandoned or self._unwanted:
                self._means.close(result, spec)
            else:
                self._take(Held(result, spec))
        if not abandoned:
            answer(result if isinstance(result, BindError) else None)
