"""Tests with a network of their own: a namespace that is made for one test and gone with it. Nothing leaves it.

@in_own_network
async def test_two_servers_do_not_go_round_in_circles():
    add_address("203.0.113.5")     # far away, as servers see it, and yet here
"""

import asyncio
import fcntl
import functools
import importlib
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LASTS = 60.0  # seconds
# linux/sockios.h, net/if.h
_SIOCSIFADDR, _SIOCSIFFLAGS, _SIOCSIFNETMASK = 0x8916, 0x8914, 0x891C
_IFF_UP, _IFF_RUNNING = 0x1, 0x40

Test = Callable[[], Coroutine[Any, Any, None]]


def in_own_network(test: Test) -> Callable[[], None]:
    """Runs `test` in another process, whose only network is a loopback interface of its own."""

    @functools.wraps(test)
    def outside() -> None:
        enter = _entrance()
        command = [*enter, sys.executable, "-m", "tests.namespaces", test.__module__, test.__name__]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LASTS, check=False)
        if run.returncode:
            pytest.fail(run.stdout[-2000:] + run.stderr[-6000:], pytrace=False)

    del outside.__wrapped__  # pytest looks through it, and would await the inside
    outside.inside = test  # type: ignore[attr-defined]
    return outside


@functools.cache
def _entrance() -> tuple[str, ...]:
    """The command that makes a namespace; the test is skipped where that cannot be done."""
    program = shutil.which("unshare")
    if program is None:
        pytest.skip("Network namespaces are made by unshare, of util-linux, and it is not installed.")
    enter = (program, "--net") if os.geteuid() == 0 else (program, "--user", "--map-root-user", "--net")
    if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
        pytest.skip("The kernel lets this user make no network namespace: run as root, or allow user namespaces.")
    return enter


def add_address(address: str, interface: str = "lo:1", netmask: str = "255.255.255.255") -> None:
    """One more IPv4 address of the namespace, on an alias of its loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for request, text in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, netmask)):
            where = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
            fcntl.ioctl(sock, request, struct.pack("16s16s8x", interface.encode(), where))


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP | _IFF_RUNNING))


def main(module: str, name: str) -> None:
    """Inside."""
    _raise_loopback()
    test: Test = getattr(importlib.import_module(module), name).inside
    asyncio.run(test())


if __name__ == "__main__":
    main(*sys.argv[1:])
