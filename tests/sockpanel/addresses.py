"""Every address of the panel, as its urlconf has it: for tests that leave none out."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import get_resolver


@dataclass(frozen=True)
class Address:
    """An address with gaps, and the view behind it."""

    pattern: str
    view: Callable[..., Any]
    name: str

    def filled(self, **words: object) -> str:
        """With these words in the gaps, and 1 in the others."""
        return re.sub(
            r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)", lambda gap: str(words.get(gap[1] or gap[2], 1)), self.pattern
        )

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith("/api/")

    @property
    def is_admin(self) -> bool:
        return self.pattern.startswith("/admin/")


def every_address() -> list[Address]:
    """All of them."""
    return sorted(_walk(get_resolver().url_patterns, "/"), key=lambda address: address.pattern)


def _walk(patterns: list[Any], before: str) -> Iterator[Address]:
    for entry in patterns:
        path = before + str(entry.pattern).lstrip("^").rstrip("$")
        if hasattr(entry, "url_patterns"):
            yield from _walk(entry.url_patterns, path)
        else:
            yield Address(path, entry.callback, entry.name or "")


def every_path() -> list[str]:
    """A path for each address; variable parts are 1."""
    return sorted({address.filled() for address in every_address()})
