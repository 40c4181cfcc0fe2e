"""The time server: an empty request gets the time in the server's format, any other is the format.

    replier(TimeOptions())(b"%Y %m %d") == b"2026 11 20"

What a stranger may ask for is `time_format`'s to say.
"""

from typing import cast

from services.errors import TextMalformed
from services.servers import time_format
from services.servers.replies import Replier
from services.servers.spec import TimeOptions
from services.servers.tcp_server import TcpServer
from services.servers.udp_server import UdpServer

COMPLAINT = b"bad format: "


def replier(options: TimeOptions) -> Replier:
    """Answers with the time. A request that ends with a line's end is answered with one."""
    time_format.now(options.timezone)  # a zone that is not known here is found out now

    def reply(data: bytes) -> bytes:
        request = data.rstrip(b"\r\n")
        try:
            text = request.decode("ascii") or options.format
            answer = time_format.render(text, time_format.now(options.timezone)).encode()
        except UnicodeDecodeError:
            answer = COMPLAINT + b"it holds bytes that are not ASCII."
        except TextMalformed as error:
            answer = COMPLAINT + ascii(error.message)[1:-1].encode()
        return answer + data[len(request) :]

    return reply


class UdpTimeServer(UdpServer):
    """Says nothing to a complaint: it is another time server's, and so would be the next."""

    def replier(self) -> Replier:
        reply = replier(cast(TimeOptions, self._spec.options))
        return lambda data: None if data.startswith(COMPLAINT) else reply(data)


class TcpTimeServer(TcpServer):
    """Whoever ends the stream without a word has sent an empty request."""

    answers_silence = True

    def replier(self) -> Replier:
        return replier(cast(TimeOptions, self._spec.options))
