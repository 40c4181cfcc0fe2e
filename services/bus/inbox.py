"""The socket of one event loop that others write to. It knows who wrote and what is well-formed, not what it means.

`arrived(datagram, payload)` is called in the loop for each datagram, with None for one that must not count.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

from services.bus.complaints import Complaints
from services.bus.directory import Directory
from services.bus.parcel import accept, collect
from services.bus.wire import Datagram

BURST = 64  # datagrams read in one go, so that others in the loop get their turn

logger = logging.getLogger(__name__)


class Inbox:
    """Open from `open` to `close`; `limit` is the longest payload in bytes."""

    def __init__(
        self, directory: Directory, name: str, limit: int, arrived: Callable[[Datagram | None, bytes], None]
    ) -> None:
        self._directory, self._name, self._limit, self._arrived = directory, name, limit, arrived
        self._complaints = Complaints(logger)
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self) -> None:
        """Have a socket, which others find in the directory. Raises OSError."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            accept(sock)
            self._directory.bind(sock, self._name)
        except OSError:
            sock.close()
            raise
        asyncio.get_running_loop().add_reader(sock, self._readable)
        self._socket = sock

    def _readable(self) -> None:
        for _ in range(BURST):
            if not self._socket:
                return
            try:
                self._arrived(*collect(self._socket, self._limit))
            except BlockingIOError:
                return
            except OSError as error:
                self._complaints.warn("The bus could not read or keep a message (%s).", error)
                return

    def reopen_if_removed(self) -> bool:
        """Have a socket under the same name again when somebody removed its file; True when it was so."""
        if not self._socket or self._directory.keep(self._name):
            return False
        self.close(asyncio.get_running_loop())
        self.open()
        return True

    def close(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Close the socket and leave its file; `loop` is None when the loop is closed."""
        if self._socket:
            if loop:
                loop.remove_reader(self._socket)
            self._socket.close()
        self._socket = None
