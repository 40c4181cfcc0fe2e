"""Signing in with `sp-rc/1`: what both sides sign, how they check it, the keys they get from it. It knows no socket and no state.

Both sign the same facts: HELLO, AUTH, and the server's TLS certificate (`binding`). So neither a replay, nor a relay to another
server, nor anybody between the two gets past.

    transcript = Transcript(hello_payload, auth_payload[:AUTH_SIGNED], binding)
    signature = private.sign(transcript.digest("client"))
"""

import hashlib
import os

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.servers import clock
from services.servers.commands.wire import VERSION, Type

KEY_BYTES = NONCE_BYTES = 32
SIGNATURE_BYTES = 64
HELLO_BYTES = 1 + len(VERSION) + 3 * 32 + 8
AUTH_SIGNED = 1 + 3 * 32  # bytes of AUTH before its signature
AUTH_BYTES = AUTH_SIGNED + SIGNATURE_BYTES
NO_BINDING = bytes(32)  # on loopback without TLS

# A public key of small order makes signatures that fit any text; OpenSSL takes these seven (the highest bit is only a sign).
_WEAK = frozenset(
    bytes.fromhex(key)
    for key in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


class Refused(Exception):
    """Somebody was not let in. `reason` is for the admin's eyes; the peer gets the same few bytes whatever it was."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Ephemeral:
    """One side's secret of one connection, and its nonce. Used once."""

    def __init__(self, nonce: bytes, private: X25519PrivateKey) -> None:
        self.nonce = nonce
        self.public = private.public_key().public_bytes_raw()
        self._private = private

    def shared_with(self, theirs: bytes) -> bytes:
        """What only both sides know. Raises Refused for a point that would make it known to everybody."""
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(theirs))
        except ValueError:
            raise Refused("its ephemeral key leads to a secret that is no secret") from None


def fresh() -> Ephemeral:
    """For one connection."""
    return Ephemeral(os.urandom(NONCE_BYTES), X25519PrivateKey.generate())


class Hello(msgspec.Struct, frozen=True):
    """What a server says of itself."""

    server: bytes  # its public key
    nonce: bytes
    ephemeral: bytes
    time: int  # microseconds since 1970, UTC


class Auth(msgspec.Struct, frozen=True):
    """What a client says of itself."""

    public: bytes
    nonce: bytes
    ephemeral: bytes
    signature: bytes


class Keys(msgspec.Struct, frozen=True):
    """The keys of one session."""

    to_server: bytes
    to_client: bytes


def certificate_binding(der: bytes | None) -> bytes:
    """What ties a session to its TLS connection: `tls-server-end-point` (RFC 5929). None: there is no TLS."""
    return hashlib.sha256(der).digest() if der else NO_BINDING


def hello(server: bytes, ephemeral: Ephemeral) -> bytes:
    """The payload of HELLO."""
    time = clock.now().to_bytes(8, "big")
    return bytes([Type.HELLO]) + VERSION + server + ephemeral.nonce + ephemeral.public + time


def read_hello(payload: bytes) -> Hello:
    """Raises Refused."""
    if len(payload) != HELLO_BYTES or payload[0] != Type.HELLO or payload[1:9] != VERSION:
        raise Refused("what it says first is no HELLO of sp-rc/1")
    return Hello(payload[9:41], payload[41:73], payload[73:105], int.from_bytes(payload[105:], "big"))


def unsigned_auth(public: bytes, ephemeral: Ephemeral) -> bytes:
    """The payload of AUTH up to its signature."""
    return bytes([Type.AUTH]) + public + ephemeral.nonce + ephemeral.public


def read_auth(payload: bytes) -> Auth:
    """Raises Refused."""
    if len(payload) != AUTH_BYTES or payload[0] != Type.AUTH:
        raise Refused("what it says first is no AUTH of sp-rc/1")
    return Auth(payload[1:33], payload[33:65], payload[65:97], payload[97:])


class Transcript(msgspec.Struct, frozen=True):
    """What both sides sign: all of it has a fixed length."""

    hello: bytes
    auth: bytes  # without its signature
    binding: bytes

    def digest(self, label: str) -> bytes:
        """32 bytes that stand for the transcript; `label` says what for: client, server, keys."""
        return hashlib.sha256(b"sp-rc/1 %b\0" % label.encode() + self.hello + self.auth + self.binding).digest()


def keys(transcript: Transcript, shared: bytes) -> Keys:
    """The keys of the session, one for each direction."""
    salt = transcript.digest("keys")
    return Keys(*(_derived(shared, salt, info) for info in (b"sp-rc/1 c2s", b"sp-rc/1 s2c")))


def _derived(shared: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(shared)


def private_key(raw: bytes) -> Ed25519PrivateKey:
    """From its 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(raw)


def is_weak(public: bytes) -> bool:
    """Whether anybody can sign as this key: its point has a small order."""
    return public[:31] + bytes([public[31] & 0x7F]) in _WEAK


def fits(public: bytes, signature: bytes, digest: bytes) -> bool:
    """Whether the signature is that of this key. It takes the same time either way."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, digest)
    except InvalidSignature:
        return False
    return not is_weak(public)
