"""What the panel says over a WebSocket, on the wire. It knows no application.

The same text for many sockets becomes a frame once. autobahn would make one for each: it is what two hundred pages cost most.
"""

from collections import OrderedDict
from typing import Any

from daphne.ws_protocol import WebSocketProtocol

from sockpanel.brake import Brake

CLOSE_WITHIN = 15.0  # seconds for a browser to read what was sent before the close, and to close too
CLOSING = 200  # sockets that may take that long at a time; beyond them the first is cut
RECENT = 8  # texts whose frames are kept
_TEXT, _SHORT, _LONG = 0x81, 126, 127  # RFC 6455: a whole text frame; lengths of two and of eight bytes


def frame(text: str) -> bytes:
    """A text as one frame of a server, which is not masked."""
    payload = text.encode()
    size = len(payload)
    if size < _SHORT:
        return bytes((_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_TEXT, _SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, _LONG)) + size.to_bytes(8, "big") + payload


class Frames:
    """Text -> frame, with a short memory."""

    def __init__(self) -> None:
        self._recent: OrderedDict[str, bytes] = OrderedDict()

    def of(self, text: str) -> bytes:
        made = self._recent.get(text)
        if made is None:
            made = self._recent[text] = frame(text)
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)
        return made


class Speaking:
    """Carries out what applications send to their sockets."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._closing: OrderedDict[WebSocketProtocol, None] = OrderedDict()

    async def reply(self, protocol: WebSocketProtocol, message: Any, brake: Brake) -> None:
        """Waits while the transport is full. A browser that takes nothing for very long is cut."""
        match message["type"]:
            case "websocket.accept":
                protocol.handle_reply(message)
                protocol.closeHandshakeTimeout = CLOSE_WITHIN  # autobahn's one second would cut a slow browser off
                protocol.transport.unregisterProducer()  # the HTTP channel's
                protocol.transport.registerProducer(brake, True)
            case "websocket.send":
                self._say(protocol, message)
                if not await brake.wait():
                    protocol.transport.abortConnection()
            case "websocket.close" if protocol.state == WebSocketProtocol.STATE_OPEN:
                self._close(protocol, message)
            case _:
                protocol.handle_reply(message)

    def gone(self, protocol: WebSocketProtocol) -> None:
        """It is closed."""
        self._closing.pop(protocol, None)

    def _say(self, protocol: WebSocketProtocol, message: Any) -> None:
        if protocol.state == WebSocketProtocol.STATE_OPEN:
            protocol.transport.write(self._frames.of(message["text"]))

    def _close(self, protocol: WebSocketProtocol, message: Any) -> None:
        protocol.sendClose(code=message.get("code") or 1000, reason=message.get("reason") or None)
        self._closing[protocol] = None
        if len(self._closing) > CLOSING:
            self._closing.popitem(last=False)[0].transport.abortConnection()
