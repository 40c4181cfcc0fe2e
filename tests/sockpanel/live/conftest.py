"""Rows without a database, for the parts of the live view that know none."""

from collections.abc import Callable, Iterable

import pytest

from services.history import MessageOut
from sockpanel.live.tail import Row, encode_rows

Rows = Callable[..., list[Row]]


@pytest.fixture
def rows() -> Rows:
    """Makes rows with these numbers."""

    def make(numbers: Iterable[int], data: bytes = b"x", direction: str = "in") -> list[Row]:
        at = "2026-11-20T10:11:12.000345Z"
        return encode_rows(
            MessageOut(seq, at, 1, "127.0.0.1:5000", direction, len(data), False, None, data) for seq in numbers
        )

    return make
