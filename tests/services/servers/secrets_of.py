"""Keys and tokens as tests make them up, and a request as a browser sends it with them."""

import hashlib

KEY = b"k7w3v9q1zx0d5m2p8r4t6y1u3i5o7a9s"  # as Django makes them: 32 small letters and digits
TOKEN = b"sp_Zk3_x-Q9vB1nM7cR5tY2uI8oP4aS6dF0gH-jH2dBuaR"
NAME = b"sp_0123abcd"
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost:9000\r\nCookie: theme=dark; " + NAME + b"=" + KEY + b"; a=b\r\n"
    b"Authorization: Bearer " + TOKEN + b"\r\nAccept: */*\r\n\r\n"
)
STORED = REQUEST.replace(KEY, b"[redacted]").replace(TOKEN[3:], b"[redacted]")
SESSION = ("session", hashlib.sha256(KEY).digest())
TOKEN_FOUND = ("token", hashlib.sha256(TOKEN).digest())


def leaks(stored: bytes) -> list[bytes]:
    """Pieces of a key in `stored`, in any case of letters; of a token sixteen characters may be there."""
    low = stored.lower()
    pieces = [(KEY, 6), (TOKEN[3:], 17)]
    found = [secret[at : at + size] for secret, size in pieces for at in range(len(secret) - size + 1)]
    return [piece for piece in found if piece.lower() in low]
