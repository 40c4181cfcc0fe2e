"""A client that fills a server which answers after the commit, and remembers every message whose answer it read."""

import contextlib
import socket
import threading

LENGTH = 16 * 1024  # bytes of one message


class Filler(threading.Thread):
    """Sends numbered lines as fast as they are answered, until `stop`."""

    def __init__(self, port: int, length: int = LENGTH) -> None:
        super().__init__(name="filler", daemon=True)
        self.acknowledged: list[int] = []
        self._length = length
        self._ending = threading.Event()
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.settimeout(0.2)
        self._number = 0

    def run(self) -> None:
        with contextlib.suppress(ConnectionError):  # the server is gone, and with it what nobody acknowledged
            self._converse()

    def _converse(self) -> None:
        waiting, under_way = b"", 0
        while not self._ending.is_set():
            while under_way < 8:
                self._send_next()
                under_way += 1
            try:
                heard = self._socket.recv(1 << 20)
            except TimeoutError:
                continue
            if not heard:
                return
            waiting += heard
            *lines, waiting = waiting.split(b"\n")
            under_way -= len(lines)
            self.acknowledged += [int(line[:12]) for line in lines]

    def stop(self) -> None:
        self._ending.set()
        self.join(10)
        self._socket.close()

    def _send_next(self) -> None:
        self._number += 1
        line = b"%012d" % self._number
        self._socket.settimeout(30)
        self._socket.sendall(line.ljust(self._length - 1, b".") + b"\n")
        self._socket.settimeout(0.2)
