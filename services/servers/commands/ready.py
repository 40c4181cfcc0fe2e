"""The dialect `ready` of textbooks, as bytes: a command line, `Ready|<size>`, `Start`, the output. It knows no socket.

Any web page can make a browser send an HTTP request to a loopback port: what could be one is refused.

    words(b"uname -s\\n") == ("uname", "-s")
"""

import shlex

MOST = 4096  # bytes of a command line
START = b"Start"
ERROR = b"cmd ERROR"
# As they stand in a request; `patch` is a program.
METHODS = frozenset(b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI".split())


class Unfit(Exception):
    """No command line. It carries why, in a few words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Foreign(Unfit):
    """No client of this dialect: it is answered once and left."""


def line(data: bytes) -> bytes:
    """Without its end. Raises Foreign."""
    found = data.removesuffix(b"\r\n") if data.endswith(b"\r\n") else data.removesuffix(b"\n")
    if len(found) > MOST:
        raise Foreign(f"its command line is longer than {MOST:,} bytes")
    if any(byte in found for byte in b"\r\n\0"):
        raise Foreign("it sent CR, LF or NUL before the end of its command line")
    if found.partition(b" ")[0] in METHODS:
        raise Foreign("it sent an HTTP request")
    return found


def words(data: bytes) -> tuple[str, ...]:
    """The program and its arguments, as a shell would split them. Raises Unfit, or Foreign."""
    try:
        found = tuple(shlex.split(line(data).decode()))
    except UnicodeDecodeError:
        raise Unfit("its command line is no UTF-8") from None
    except ValueError as error:
        raise Unfit(f"its command line cannot be split: {error}") from None
    if not found:
        raise Unfit("its command line is empty")
    return found


def offer(size: int) -> bytes:
    """So many bytes of output wait for `Start`."""
    return b"Ready|%d" % size
