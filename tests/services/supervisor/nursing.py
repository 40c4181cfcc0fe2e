"""A nursery for tests: ready; closed at the end, and then this process adopts no orphans any more."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from services.supervisor.nursery import Nursery
from services.supervisor.strays import _SUBREAPER
from services.supervisor.supervisor import COMMAND
from tests.waiting import eventually


@contextmanager
def bring_up() -> Iterator[Nursery]:
    nursery = Nursery(COMMAND)
    try:
        eventually(lambda: nursery.is_ready)
        yield nursery
    finally:
        nursery.close()
        ctypes.CDLL(None).prctl(_SUBREAPER, ctypes.c_ulong(0), 0, 0, 0)
