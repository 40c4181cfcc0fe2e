"""Bytes in, answer out. It knows neither sockets nor frames.

replies.replier(Reply(type="suffix", text="from server"))(b"hi") == b"hifrom server"
"""

import time
from collections.abc import Callable

from services.servers import escapes
from services.servers.spec import Reply

Replier = Callable[[bytes], bytes | None]


def replier(reply: Reply) -> Replier:
    """What answers a message; None where there is no answer. Made once, called for every message."""
    text = escapes.to_bytes(reply.text)
    return {
        "none": nothing,
        "echo": _echo,
        "upper": bytes.upper,  # ASCII letters; every other byte stays as it came
        "timestamp": _timestamp,
        "fixed": lambda data: text,
        "suffix": lambda data: data + text,
    }[reply.type]


def nothing(data: bytes) -> None:
    """No answer."""


def _echo(data: bytes) -> bytes:
    return data


def _timestamp(data: bytes) -> bytes:
    return f"[{time.ctime()}] ".encode() + data
