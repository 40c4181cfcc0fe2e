"""Where what is done just now comes from. Whoever answers a request sets it; `record` writes it down. It knows no database."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

WAYS = ("page", "api", "socket", "command line", "admin", "supervisor")


@dataclass(frozen=True)
class Origin:
    """The way somebody came, one of WAYS, and the address, where there is one."""

    way: str = ""
    source: str = ""


UNKNOWN = Origin()
origin: ContextVar[Origin] = ContextVar("origin", default=UNKNOWN)


@contextmanager
def coming_from(way: str, source: str = "") -> Iterator[None]:
    """For the length of a block."""
    before = origin.set(Origin(way, source))
    try:
        yield
    finally:
        origin.reset(before)
