"""Sends datagrams, and records each or counts why it never left. It reads nothing."""

import errno
import socket

from services.servers import socket_options
from services.servers.peers import Peer
from services.servers.redaction import UNDERSCORE, clean
from services.servers.report import OUT
from services.servers.reporter import Reporter
from services.servers.socket_options import Control

_REASONS = {
    **dict.fromkeys((errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM), "full"),
    errno.EMSGSIZE: "oversize",
}
_CONTROLS = 1000  # local addresses whose control data is kept at hand


class Outbox:
    """The sending side of a datagram socket. Whoever calls `send` calls `reporter.noted` afterwards."""

    def __init__(self, sock: socket.socket, reporter: Reporter, keep: int) -> None:
        self._socket = sock
        self._reporter = reporter
        self._keep = keep
        self._controls: dict[bytes, Control] = {}  # what the kernel told with a datagram -> what makes the answer fit

    def answer(self, peer: Peer, data: bytes, control: Control, at: int) -> None:
        """Answer a datagram that came with `control`, from the address that it was sent to."""
        try:
            if not control or not self._answered_from(peer, data, control):
                self._socket.sendto(data, peer.address)  # type: ignore[arg-type]
        except OSError as error:
            self._reporter.sent_dropped(_REASONS.get(error.errno or 0, "refused"), 1, len(data))
        else:
            size = len(data)
            part = data if UNDERSCORE not in data else clean(data)
            part = part if size <= self._keep else part[: self._keep]
            self._reporter.messages.append((at, peer.number, peer.name, OUT, part, size, ""))

    def send(self, peer: Peer, data: bytes, at: int, sent_by: str = "") -> None:
        """Send `data` to `peer`, whom nobody has asked us to answer. Raises OSError, and has counted it then."""
        try:
            self._socket.sendto(data, peer.address)  # type: ignore[arg-type]
        except OSError as error:
            self._reporter.sent_dropped(_REASONS.get(error.errno or 0, "refused"), 1, len(data))
            raise
        if self._reporter.is_held:
            self._reporter.sent_dropped("backlog", 1, len(data))  # it left, but nothing more may be told now
            return
        row = (at, peer.number, peer.name, OUT, clean(data)[: self._keep], len(data), sent_by)
        self._reporter.messages.append(row)

    def _answered_from(self, peer: Peer, data: bytes, control: Control) -> bool:
        """Whether the answer left from where the datagram went; nothing leaves from a broadcast address or a group."""
        fitting = self._fitting(control)
        if not fitting:
            return False
        try:
            self._socket.sendmsg((data,), fitting, 0, peer.address)
        except OSError as error:
            if error.errno in _REASONS:
                raise
            return False
        return True

    def _fitting(self, control: Control) -> Control:
        key = control[0][2]
        if key not in self._controls:
            if len(self._controls) >= _CONTROLS:
                self._controls.clear()
            self._controls[key] = socket_options.answer_control(control)
        return self._controls[key]
