"""One exchange over TCP or a UNIX stream: connect, send, read the answer. Our side stays open until the answer is whole."""

import asyncio
import contextlib
import socket

import msgspec

from services.client import failures
from services.client.addresses import Address, address_text
from services.client.collector import Collector
from services.client.request import MAX_SENT, Ended, Exchange, Request
from services.client.wires import Plain, secured
from services.errors import ExchangeNotSecured, RequestRefused
from services.servers import framing

_READ_BYTES = 256 * 1024
_SLICE = 64 * 1024  # bytes handed to the kernel at once, so that it is known how many were taken
_LEAVE_WITHIN = 0.2  # seconds


async def converse(request: Request, address: Address, connect_within: float) -> Exchange:
    """Raises OSError, ExchangeTimedOut when nobody takes the connection, ExchangeNotSecured, or FrameTooLong."""
    out = encoded(request)
    deadline = asyncio.get_running_loop().time() + connect_within
    with socket.socket(address.family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        await connect(sock, address, connect_within)
        wire = Plain(sock) if request.tls is None else await _secured(request, sock, address.text, deadline)
        return await _Conversation(request, wire, (address.text, address_text(sock.getsockname())), out).run()


async def _secured(request: Request, sock: socket.socket, where: str, deadline: float) -> Plain:
    try:
        async with asyncio.timeout_at(deadline):
            return await secured(sock, request, where)
    except TimeoutError:
        raise ExchangeNotSecured(
            f"{where} did not finish the handshake in time: it may not speak TLS, so look at the port.", field="tls"
        ) from None


async def connect(sock: socket.socket, address: Address, within: float) -> None:
    """Raises OSError, or ExchangeTimedOut when nobody takes the connection."""
    try:
        async with asyncio.timeout(within):
            await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
    except TimeoutError:
        raise failures.timed_out(address.text, round(within, 1)) from None


def encoded(request: Request) -> bytes:
    """What goes over the wire. Data that is framed already (lines with their ends) is left alone. Raises RequestRefused."""
    kind, data = request.framing.type, request.data
    if kind == "none" or (kind != "length" and _frames(request, data)):
        return data
    if kind == "fixed":
        raise RequestRefused(
            f"A message has {request.framing.size} bytes here, and this has {len(data):,}: send whole messages.",
            field="data",
        )
    return framing.encode(request.framing, data)


def _frames(request: Request, data: bytes) -> int:
    """How many whole frames `data` is; 0 when something is left over. Sending more than one's own limit is no fault here."""
    decoder = framing.decoder(msgspec.structs.replace(request.framing, max_bytes=2 * MAX_SENT))
    frames = decoder.feed(data)
    return 0 if decoder.pending else len(frames)


def _expected(request: Request, out: bytes) -> int | None:
    if request.expect is not None or request.framing.type == "none":
        return request.expect
    return _frames(request, out)


class _Conversation:
    """One connection: it sends and listens at the same time, for a peer may stop reading until its answers are read."""

    def __init__(self, request: Request, wire: Plain, ends: tuple[str, str], out: bytes) -> None:
        self._wire = wire
        self._peer, self._local = ends
        self._out = out
        self._sent = 0
        self._finish = request.finish
        self._decoder = framing.decoder(request.framing)
        self._collector = Collector(request, _expected(request, out))

    async def run(self) -> Exchange:
        sender = asyncio.create_task(self._send(), name="client-send")
        try:
            ended = await self._listen(sender)
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        self._collector.add_rest(self._decoder.rest(), self._peer)
        sent = self._out[: self._sent]
        done = self._collector.finish(ended, peer=self._peer, local=self._local, sent=sent, of=len(self._out))
        return msgspec.structs.replace(done, tls=self._wire.met)

    async def _send(self) -> None:
        for start in range(0, len(self._out), _SLICE):
            piece = self._out[start : start + _SLICE]
            await self._wire.send(piece)
            self._sent += len(piece)
        if self._finish:
            await self._wire.finish()

    async def _listen(self, sender: asyncio.Task[None]) -> Ended:
        """Read until the answer is whole, the peer ends, or the time is over."""
        while not self._collector.enough:
            try:
                async with asyncio.timeout_at(self._collector.deadline):
                    data = await self._wire.receive(_READ_BYTES)
            except TimeoutError:
                return "timeout"
            except ConnectionError:
                if not self._collector.came:
                    raise
                return "reset"
            if not data:
                return "closed"
            for piece in self._decoder.feed(data):
                self._collector.add(piece, self._peer)
        return await self._leave(sender)

    async def _leave(self, sender: asyncio.Task[None]) -> Ended:
        """All that was expected is here (or nothing is): hand over what is unsent, and close so that the peer reads it all."""
        try:
            async with asyncio.timeout_at(self._collector.deadline):
                await asyncio.shield(sender)
        except TimeoutError:
            return "timeout"
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LEAVE_WITHIN):
                await self._wire.finish()
                while await self._wire.receive(_READ_BYTES):
                    pass
        return "answered"
