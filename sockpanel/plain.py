"""What every answer carries, pages and plain texts alike, those too that never reach Django: it knows none.

head(400, "Bad Request", b"No.")     # b"HTTP/1.1 400 Bad Request\\r\\nx-content-type-options: nosniff\\r\\n..."
"""

from collections.abc import Iterable

# The referrer goes to our own pages only. `no-referrer` would make browsers send `Origin: null` with our own forms (Fetch standard).
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

NOTHING = "default-src 'none'; frame-ancestors 'none'"  # what a file or a plain text may do, in few bytes
KIND = "Content-Type"

# What a plain text carries, as ASGI wants it
PLAIN: list[tuple[bytes, bytes]] = [
    (name.lower().encode(), value.encode())
    for name, value in {
        **FIXED,
        KIND: "text/plain; charset=utf-8",
        "Content-Security-Policy": NOTHING,
        "Cache-Control": "no-store",
    }.items()
]


def head(status: int, phrase: str, body: bytes, kind: str = "", others: Iterable[tuple[str, str]] = ()) -> bytes:
    """The head of an answer with this body, behind which the connection closes."""
    headers = dict(PLAIN) | ({KIND.lower().encode(): kind.encode()} if kind else {})
    lines = [b"%b: %b" % pair for pair in headers.items()] + [f"{name}: {value}".encode() for name, value in others]
    first = f"HTTP/1.1 {status} {phrase}".encode()
    return b"\r\n".join([first, *lines, b"Content-Length: %d" % len(body), b"Connection: close", b"", b""])
