"""Socket addresses as the kernel gives them, and as people read and write them. It opens nothing.

name(("::ffff:10.0.0.7", 5000, 0, 0)) == "10.0.0.7:5000"
"""

import re
import socket

from services.servers.redaction import clean
from services.servers.spec import join_address

Raw = tuple[str, int] | tuple[str, int, int, int] | str | bytes | None  # what recvfrom and accept give

MAPPED = "::ffff:"
UNNAMED = "unnamed"
_WRITTEN = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<v4>[0-9.]+)):(?P<port>[1-9][0-9]{0,4})")


def name(address: Raw) -> str:
    """`ip:port`, `[ip6]:port`, a path, `@name` for an abstract UNIX address, `unnamed` for a sender without one."""
    if isinstance(address, tuple):
        host = address[0].removeprefix(MAPPED) if "." in address[0] else address[0]
        # A link-local address is nothing without it
        scope = f"%{address[3]}" if len(address) == 4 and address[3] else ""
        return join_address(host + scope, address[1])
    if isinstance(address, bytes):
        return "@" + _readable(address[1:]) if address else UNNAMED
    return _readable(address.encode("utf-8", "surrogateescape")) if address else UNNAMED


def _readable(path: bytes) -> str:
    """At most 255 characters and no NUL, which no text column of PostgreSQL takes; without what opens the panel."""
    return clean(path).decode("utf-8", "backslashreplace").replace("\0", "\\x00")[:255]


def address(text: str, family: int) -> Raw:
    """The address that `name` shows as `text`, for a socket of `family`. Raises ValueError."""
    if family == socket.AF_UNIX:
        if not text or text == UNNAMED or "\0" in text:
            raise ValueError(text)
        return b"\0" + text[1:].encode() if text.startswith("@") else text
    host, port = _split(text)
    if family == socket.AF_INET6 and ":" not in host:  # an IPv4 peer of a socket that speaks both
        host = MAPPED + host
    try:
        return socket.getaddrinfo(host, port, family, flags=socket.AI_NUMERICHOST)[0][4]  # type: ignore[return-value]
    except OSError as error:
        raise ValueError(text) from error


def _split(text: str) -> tuple[str, int]:
    found = _WRITTEN.fullmatch(text)
    if found is None or int(found["port"]) > 65_535:
        raise ValueError(text)
    return found["v6"] or found["v4"], int(found["port"])
