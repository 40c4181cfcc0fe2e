"""Where what is done just now comes from. Whoever answers a request sets it; `record` writes it down. It knows no database."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Any

WAYS = ("page", "api", "socket", "command line", "admin", "supervisor")


@dataclass(frozen=True)
class Origin:
    """The way somebody came, one of WAYS, and the address, where there is one."""

    way: str = ""
    source: str = ""
    restored: int = 0  # the entry whose configuration comes back by what is done now
    token: int = 0  # the number of the token that it was done with; 0: it was done in person
    token_name: str = ""


UNKNOWN = Origin()
origin: ContextVar[Origin] = ContextVar("origin", default=UNKNOWN)


def coming_from(way: str, source: str = "") -> AbstractContextManager[None]:
    """For the length of a block."""
    return _being(Origin(way, source))


def restoring(number: int) -> AbstractContextManager[None]:
    """The same, for a configuration that comes back."""
    return _being(replace(origin.get(), restored=number))


def with_token(number: int, name: str) -> AbstractContextManager[None]:
    """The same, for what a script does that brought this token."""
    return _being(replace(origin.get(), token=number, token_name=name))


def came() -> dict[str, Any]:
    """The origin as JSON, for whoever does the deed in another process."""
    return asdict(origin.get())


def coming_as(words: Mapping[str, Any]) -> AbstractContextManager[None]:
    """For the length of a block, as somebody else came."""
    return _being(Origin(**words))


@contextmanager
def _being(one: Origin) -> Iterator[None]:
    before = origin.set(one)
    try:
        yield
    finally:
        origin.reset(before)
