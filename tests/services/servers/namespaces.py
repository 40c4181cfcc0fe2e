"""A network of its own for a test, whose machines are addresses of one loopback device: they are far away as far as a server can tell.

with Network("10.0.0.1", "2001:db8::1") as network:
    sock = network.open(socket.AF_INET)       # lives in it, in whatever thread it is used
"""

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
CLONE_NEWNET = 0x40000000


class Network:
    """Namespaces belong to threads: one of its own makes the sockets."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")

    def __enter__(self) -> "Network":
        try:
            self._in(self._begin)
        except OSError as error:
            self._thread.shutdown()
            pytest.skip(f"No network namespace can be made here: {error}.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()

    def open(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
        return self._in(lambda: socket.socket(family, kind))

    def listener(self, host: str) -> socket.socket:
        """A listening socket of a server at `host`, at a port of the kernel's choice."""
        sock = self.open(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, 0))
        sock.listen(4096)
        return sock

    def client(self, source: str, address: Any) -> socket.socket:
        """Connected from `source`. Raises OSError."""
        sock = self.open(socket.AF_INET6 if ":" in source else socket.AF_INET)
        sock.settimeout(5)
        try:
            sock.bind((source, 0))
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        return sock

    def _in(self, what: Callable[[], T]) -> T:
        return self._thread.submit(what).result(10)

    def _begin(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        _ip("link", "set", "lo", "up")
        for address in self._addresses:
            _ip("address", "add", f"{address}/{128 if ':' in address else 32}", "dev", "lo")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr)
