"""What the kernel says becomes an error that tells what to do."""

import errno
import os

import pytest

from services.client.failures import failure
from services.errors import ExchangeFailed, ExchangeRefused, ExchangeReset, ExchangeTimedOut, ExchangeUnreachable

HERE = "192.0.2.7:9000"


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENETUNREACH, ExchangeUnreachable, "No way leads to 192.0.2.7:9000 (Network is unreachable): check"),
        (errno.EHOSTUNREACH, ExchangeUnreachable, "No way leads to"),
        (errno.ECONNREFUSED, ExchangeRefused, "refuses TCP: nothing listens there"),
        (errno.EPIPE, ExchangeReset, "reset the connection before anything came back"),
        (errno.ETIMEDOUT, ExchangeTimedOut, "did not take the connection in time"),
        (errno.EPERM, ExchangeFailed, "This user may not talk to"),
        (errno.EIO, ExchangeFailed, "failed: Input/output error"),
    ],
)
def test_each_failure_has_its_error_and_its_next_step(number: int, kind: type[ExchangeFailed], words: str) -> None:
    told = failure(OSError(number, os.strerror(number)), "tcp", HERE)
    assert type(told) is kind
    assert words in told.message
