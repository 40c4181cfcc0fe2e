"""How a request may arrive: within a time, and no longer than it may be. Twisted's own channel is patient, and takes everything.

The head is there within HEAD_WITHIN seconds, the body within BODY_WITHIN more, however busily its bytes drip; a body of more than
BODY_BYTES is refused at its head, or where it gets too long, before it is kept anywhere. It knows no Django.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketProtocol
from twisted.web.http import HTTPChannel

from services.errors import BodyTooLong, RequestRefused, RequestTooSlow, SockpanelError
from sockpanel import plain
from sockpanel.brake import STALLED
from sockpanel.guests import Guests

HEAD_WITHIN = 10.0  # seconds from the connection, or from the first byte of a later request
BODY_WITHIN = 30.0  # seconds from the end of the head
REST_WITHIN = 60.0  # seconds that a connection may rest between two requests
HEAD_BYTES = HTTPChannel.totalHeadersSize
BODY_BYTES = 1024 * 1024
LINGER = 2.0  # seconds that a client may still send when it was refused: it would not see the answer otherwise
LEAVE = 0.5  # seconds to take an answer of refusal


class Request(WebRequest):
    """One whose body is kept in memory: it is short."""

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        if self.channel.takes(len(data)):
            super().handleContentChunk(data)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """daphne's own answers: to what it cannot read, and where an application broke."""
        self.handle_reply({"type": "http.response.start", "status": status, "headers": plain.PLAIN})
        self.handle_reply({"type": "http.response.body", "body": f"{status_text.decode()}. {body}\n".encode()})


class Upgrade(WebSocketProtocol):
    """A WebSocket, or one that is refused."""

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        """An Origin that autobahn cannot read is no page of ours either: refused as the border refuses others."""
        if reason.startswith("HTTP Origin header"):
            reason, code = HTTPStatus.FORBIDDEN.phrase, HTTPStatus.FORBIDDEN
        super().failHandshake(reason, code, responseHeaders)

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        self.sendData(plain.head(code, reason, b"", others=responseHeaders or ()))


class Channel(HTTPChannel):
    """One connection."""

    requestFactory = Request
    _deadline: Any = None
    _is_fresh = True  # nothing has come yet
    _rests = False
    _refused = False
    _body = 0
    _unsent = 0  # bytes of the last answer, when that was last looked at

    def connectionMade(self) -> None:
        self._guests: Guests = self.factory.guests
        self._guest = self.transport.guest  # TLS passes the question down
        self._set_deadline(HEAD_WITHIN)
        super().connectionMade()

    def connectionLost(self, reason: Any) -> None:
        self._set_deadline(None)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        if self._refused:
            return
        if self._rests:
            self._rests = False
            self._guests.asks(self._guest)
            self._set_deadline(HEAD_WITHIN)
        self._is_fresh = False
        super().dataReceived(data)

    def rawDataReceived(self, data: bytes) -> None:
        if not self._refused:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:
        self._body = 0
        if self.length is not None and self.length > BODY_BYTES:
            self._refuse_length()
            return
        self._set_deadline(BODY_WITHIN)
        super().allHeadersReceived()

    def takes(self, size: int) -> bool:
        """Whether so much more of the body is taken."""
        self._body += size
        if self._body > BODY_BYTES and not self._refused:
            self._refuse_length()
        if not self._refused:
            self._guests.holds(self._guest, size)
        return not self._refused

    def allContentReceived(self) -> None:
        if self._refused:
            return
        self._set_deadline(None)
        self._guests.is_served(self._guest)
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        self._rests = bool(self.persistent)
        if self._rests:
            self._guests.rests(self._guest)
            if self._waitingForTransport:
                self._guests.is_slow(self._guest)
        else:
            self._set_deadline(STALLED, self.transport.abortConnection)
        super().requestDone(request)

    def resumeProducing(self) -> None:
        """He has taken all of it."""
        super().resumeProducing()
        if self._rests:
            self._guests.rests(self._guest)

    def timeoutConnection(self) -> None:
        """He rests too long, or is still taking a long answer: that may last as long as it moves."""
        unsent = _unsent(self.transport)
        if unsent != self._unsent:
            self._unsent = unsent
            self.setTimeout(self.timeOut)
        else:
            super().timeoutConnection()

    # Refusals

    def _set_deadline(self, within: float | None, action: Callable[[], None] | None = None) -> None:
        """What happens after `within` seconds, if not something else before; without an action, that the request is late."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None if within is None else self.callLater(within, action or self._is_late)

    def _is_late(self) -> None:
        if self._is_fresh:  # a browser that opened it for later: nothing to answer
            self._leave()
            return
        self._refuse(
            HTTPStatus.REQUEST_TIMEOUT,
            RequestTooSlow("The request did not arrive in time: send its head within 10 s, its body within 30 s more."),
        )
        self._leave()

    def _refuse_length(self) -> None:
        self._refuse(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            BodyTooLong(f"The body is longer than {BODY_BYTES:,} bytes: send less."),
        )
        self._set_deadline(LINGER, self._leave)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Twisted would close without a word."""
        has_path = hasattr(self, "_path")
        self._refuse_head(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if has_path else HTTPStatus.REQUEST_URI_TOO_LONG)

    def _refuse_head(self, status: HTTPStatus) -> None:
        if self._refused:  # what is left of the same piece is gone through to its end
            return
        self._refuse(
            status,
            RequestRefused(
                f"The head of the request is longer than {HEAD_BYTES:,} bytes, or has more than {self.maxHeaders} headers: send less."
            ),
        )
        self._set_deadline(LINGER, self._leave)

    def _refuse(self, status: HTTPStatus, error: SockpanelError) -> None:
        self._refused = True
        self.transport.write(_answer(status, error, is_api=getattr(self, "_path", b"").startswith(b"/api/")))

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's own answer, which tells nothing."""
        if self._receivedHeaderSize > self.totalHeadersSize or self._receivedHeaderCount > self.maxHeaders:
            self._refuse_head(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        self._refuse(HTTPStatus.BAD_REQUEST, RequestRefused("The request is not HTTP/1.1 as the panel reads it."))
        self._leave()

    def _leave(self) -> None:
        self.loseConnection()
        self._set_deadline(LEAVE, self.transport.abortConnection)


class Factory(HTTPFactory):
    """Makes the channels of one port."""

    def __init__(self, server: Any, guests: Guests) -> None:
        super().__init__(server)
        self.guests = guests
        server.ws_factory.protocol = Upgrade
        self.timeOut = REST_WITHIN

    def buildProtocol(self, addr: Any) -> Channel:
        """HTTP/1.1 alone: what holds here would not hold for another version."""
        channel = Channel()
        channel.factory = self
        channel.callLater = self.reactor.callLater
        channel.timeOut = self.timeOut
        return channel

    def acceptableProtocols(self) -> list[bytes]:
        return [b"http/1.1"]


def _unsent(transport: Any) -> int:
    """Bytes that wait for the kernel to take them. TLS passes the question down."""
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen


def _answer(status: HTTPStatus, error: SockpanelError, is_api: bool) -> bytes:
    """The whole answer, after which the connection closes."""
    if is_api:
        said = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status,
            "detail": error.message,
            "code": error.code,
        }
        kind, body = "application/problem+json", json.dumps(said).encode()
    else:
        kind, body = "", f"{error.code} {error.message}\n".encode()
    return plain.head(status.value, status.phrase, body, kind) + body
