"""One exchange: find the addresses of the target, try each in turn until one takes it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.client import datagram, failures, stream
from services.client.addresses import Address, resolve
from services.client.request import Exchange, Request
from services.errors import ExchangeFailed, ExchangeRefused, ExchangeTimedOut, ExchangeUnreachable
from services.servers.spec import STREAMS

T = TypeVar("T")
Guard = Callable[[Request, list[Address]], Awaitable[None]]

_TRY_NEXT = (ExchangeRefused, ExchangeUnreachable, ExchangeTimedOut)  # nothing reached anybody: another address may do


async def exchange(request: Request, guard: Guard | None = None) -> Exchange:
    """Make one exchange. `guard` sees every address before anything is sent, and raises for one that it forbids.

    Raises ExchangeFailed and its kinds, RequestRefused, or FrameTooLong. No answer is no failure: the `note` tells.
    """
    addresses = await resolve(request)
    if guard:
        await guard(request, addresses)
    return await try_each(addresses, request.timeout, lambda address, within: _converse(request, address, within))


async def try_each(addresses: list[Address], within: float, attempt: Callable[[Address, float], Awaitable[T]]) -> T:
    """What the first address gives that takes us; each has its share of `within` seconds. Raises what the last one said."""
    deadline = asyncio.get_running_loop().time() + within
    failed: ExchangeFailed | None = None
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        share = max((deadline - asyncio.get_running_loop().time()) / left, 0.05)
        try:
            return await attempt(address, share)
        except _TRY_NEXT as error:
            failed = error
    raise failed or ExchangeUnreachable("No address leads to the target: check its name.")


async def _converse(request: Request, address: Address, within: float) -> Exchange:
    try:
        if request.transport in STREAMS:
            return await stream.converse(request, address, within)
        return await datagram.converse(request, address)
    except OSError as error:
        raise failures.failure(error, request.transport, address.text) from error
