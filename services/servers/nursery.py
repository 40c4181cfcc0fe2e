"""Has everything imported that a worker needs, and forks one whenever the supervisor asks: within milliseconds, sharing its memory.

Its stdin is the socket that `births` tells of. A worker is a grandchild whose parent ends at once: so it becomes the child of the
supervisor, which adopts orphans (prctl(2)).
"""

import fcntl
import gc
import json
import os
import signal
import socket
import traceback
from typing import NoReturn

from services.servers import registry, worker
from services.servers.births import MAX_DESCRIPTORS, MAX_REQUEST, NO_WORKER, READY

ABOVE = 3 + 4 * MAX_DESCRIPTORS  # where descriptors are parked while each finds its place
# What most servers are; others import their own at their start
KINDS = (("tcp", "tcp"), ("udp", "udp"), ("time", "udp"), ("broadcast-receiver", "udp"), ("broadcast-sender", "udp"))


def main() -> int:
    """Serves until the supervisor closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the supervisor's to understand
    for kind, transport in KINDS:
        registry.load(kind, transport)
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as control:
        try:
            control.send(READY)
            while _serve(control):
                pass
        except ConnectionError:
            pass  # the supervisor went without taking our last word
    return os.EX_OK


def _serve(control: socket.socket) -> bool:
    """One request. False at the end of them."""
    request, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, MAX_DESCRIPTORS)
    if not request:
        return False
    answer = _born(control, json.loads(request), descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    control.send(answer)
    return True


def _born(control: socket.socket, numbers: list[int], descriptors: list[int]) -> bytes:
    """A worker's pid, in digits, once it leads a session of its own; NO_WORKER when the system forks no more."""
    reading, writing = os.pipe()
    try:
        parent = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return NO_WORKER
    if parent == 0:
        _leave_a_child(control, (reading, writing), numbers, descriptors)
    os.close(writing)
    os.waitpid(parent, 0)
    pid = os.read(reading, 32)
    os.close(reading)
    return pid or NO_WORKER


def _leave_a_child(
    control: socket.socket, pipe: tuple[int, int], numbers: list[int], descriptors: list[int]
) -> NoReturn:
    code = os.EX_OSERR
    try:
        if os.fork():
            code = os.EX_OK
        else:
            control.close()
            os.setsid()
            os.write(pipe[1], b"%d" % os.getpid())
            os.close(pipe[0])
            os.close(pipe[1])
            _place(descriptors, (0, 2, *numbers))
            code = worker.main()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _place(descriptors: list[int], numbers: tuple[int, ...]) -> None:
    """Give each descriptor its number, whichever numbers they have now."""
    above = max(ABOVE, *numbers) + 1
    parked = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above) for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    for descriptor, number in zip(parked, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
