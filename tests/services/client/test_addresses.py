"""A host that is an address already needs no resolver, however little time there is."""

import asyncio
import time

import pytest

from services.client.addresses import resolve
from services.client.request import Request
from services.errors import ExchangeTimedOut, TargetNameUnknown


def asked(host: str, timeout: float = 0.2) -> Request:
    return Request(transport="udp", host=host, port=9, data=b"x", timeout=timeout)


async def texts(request: Request) -> list[str]:
    return [address.text for address in await resolve(request)]


@pytest.fixture
def slow_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> list[object]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", never)


@pytest.mark.parametrize(
    ("host", "text"), [("127.255.255.255", "127.255.255.255:9"), ("::1", "[::1]:9"), ("0x7f.1", "127.0.0.1:9")]
)
async def test_an_address_is_found_without_a_resolver(slow_resolver: None, host: str, text: str) -> None:
    assert await texts(asked(host)) == [text]


async def test_a_resolver_that_says_nothing_is_waited_for_no_longer_than_the_request_says(slow_resolver: None) -> None:
    began = time.monotonic()
    with pytest.raises(ExchangeTimedOut, match=r"within 0\.2 s"):
        await resolve(asked("printer.invalid"))
    assert time.monotonic() - began >= 0.2


async def test_a_host_that_is_no_name_is_refused_in_words() -> None:
    with pytest.raises(TargetNameUnknown, match="check the name"):
        await resolve(asked("..", timeout=20))
