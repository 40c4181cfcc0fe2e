"""TLS around one stream: what the kernel's transport carries is ciphered, what the stream sees is not. It knows no listener.

To the loop's transport it is a protocol, to the stream a transport. The loop's own TLS holds a quarter of a mebibyte for each
connection, cannot end one direction and keep the other, and does not say why a handshake failed.
"""

import asyncio
import errno
import ssl
from collections.abc import Iterable
from typing import Any, Protocol, cast

from services.servers.stream import Stream
from services.servers.tls import agreement, failures

READ = 64 * 1024  # bytes asked for at once; a record holds 16 KiB


class Host(Protocol):
    """Whoever looks after handshakes."""

    @property
    def minimum(self) -> str:
        """The oldest version that is spoken."""

    def made(self, shell: "Shell") -> None:
        """TLS is up."""

    def failed(self, shell: "Shell", why: str, is_fault: bool) -> None:
        """There will be none; `is_fault`: the client did something wrong."""


class Shell(asyncio.Protocol, asyncio.Transport):
    """From the accept until both sides are gone."""

    _below: asyncio.Transport

    def __init__(self, stream: Stream, context: ssl.SSLContext, host: Host) -> None:
        super().__init__()
        self.stream = stream
        self.has_begun = False  # the client has sent something
        self._host = host
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._side = context.wrap_bio(self._in, self._out, server_side=True)
        self._is_accepted = self._is_up = self._is_over = (
            False  # the transport is there, TLS is up, nothing more is done
        )
        self._is_paused = self._has_ended = self._ends = self._has_parted = False
        self._broken: OSError | None = None

    # What the loop's transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._below = cast(asyncio.Transport, transport)
        self._is_accepted = True
        if self._is_over:
            self._below.abort()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._in.write(data)
        if self._is_up:
            self._deliver()
        else:
            self._shake_hands(data)

    def eof_received(self) -> bool:
        """Without a word of TLS before, as many clients do it. Whoever still gets an answer keeps the connection."""
        if not self._is_up:
            self.fail(failures.LEFT if self.has_begun else failures.SILENT, is_fault=self.has_begun)
            return False
        self._ends = True
        self._conclude()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_up:
            self._is_over = True
            self.stream.connection_lost(self._broken or error)
        else:
            self.fail(failures.LEFT if self.has_begun else failures.SILENT, is_fault=self.has_begun)

    def pause_writing(self) -> None:
        if self._is_up:
            self.stream.pause_writing()

    def resume_writing(self) -> None:
        if self._is_up:
            self.stream.resume_writing()

    # The handshake

    def _shake_hands(self, data: bytes) -> None:
        foreign = "" if self.has_begun else failures.foreign(data)
        self.has_begun = True
        if foreign:
            self.stream.overhear(data)
            self.fail(foreign)
            return
        try:
            self._side.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self.fail(failures.why(error, self._host.minimum))
        else:
            self._begin()

    def _begin(self) -> None:
        """TLS is up: the stream is made, and gets what came with the end of the handshake as soon as it reads."""
        self._flush()
        self._is_up = True
        self.stream.tls = agreement.of(self._side)
        self.stream.was_named(getattr(self._side, "asked_for", ""))
        self._host.made(self)
        self.stream.connection_made(self)
        if self._in.pending:
            asyncio.get_running_loop().call_soon(self._deliver)

    def fail(self, why: str, is_fault: bool = True) -> None:
        """There will be no TLS here; the client gets the alert that OpenSSL has for it."""
        if self._is_up or self._is_over:
            return
        self._is_over = True
        if self._is_accepted:
            self._flush()
            self._below.close()
        self._host.failed(self, why, is_fault)
        self.stream.never_made(why)

    # Reading

    def _deliver(self) -> None:
        """Give the stream everything that has come, at once, unless it waits."""
        if self._is_paused or self._is_over:
            return
        pieces: list[bytes] = []
        try:
            while piece := self._side.read(READ):
                pieces.append(piece)
            self._ends = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ends = True
        except ssl.SSLError as error:
            self._broken = OSError(errno.EPROTO, f"TLS broke: {failures.why(error, self._host.minimum)}")
        self._flush()
        if pieces:
            self.stream.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        self._conclude()

    def _conclude(self) -> None:
        """What stands behind the data, once the stream has taken that."""
        if self._is_over or self._is_paused:
            return
        if self._broken is not None:
            self.abort()
        elif self._ends and not self._has_ended:
            self._has_ended = True
            if not self.stream.eof_received():
                self.close()

    def pause_reading(self) -> None:
        self._is_paused = True
        self._below.pause_reading()

    def resume_reading(self) -> None:
        self._is_paused = False
        self._below.resume_reading()
        if self._in.pending or self._ends or self._broken is not None:
            asyncio.get_running_loop().call_soon(self._deliver)

    # Writing

    def write(self, data: Any) -> None:
        if not data or self._has_parted or self._is_over:
            return
        try:
            self._side.write(data)
        except ssl.SSLError as error:
            self._broken = OSError(errno.EPROTO, f"TLS broke: {failures.why(error, self._host.minimum)}")
            self.abort()
        else:
            self._flush()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Say that nothing more will come from us; what the client says is still heard."""
        if self._has_parted or self._is_over:
            return
        self._has_parted = True
        try:
            self._side.unwrap()
        except ssl.SSLError:  # it wants to hear the same from the client first, or that has broken TLS already
            pass
        self._flush()

    def close(self) -> None:
        self.write_eof()
        self._is_over = True
        self._below.close()

    def abort(self) -> None:
        self._is_over = True
        self._below.abort()

    def _flush(self) -> None:
        if self._out.pending and not self._below.is_closing():
            self._below.write(self._out.read())

    # What else a stream asks of a transport

    def is_closing(self) -> bool:
        return self._is_over or self._below.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._below.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._below.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._below.get_extra_info(name, default)
