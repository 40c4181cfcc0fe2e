"""Both sides of a session of `sp-rc/1` in memory, and people's keys."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.servers.commands import handshake
from services.servers.commands.client_side import ClientSide, Told
from services.servers.commands.server_side import ServerSide
from services.servers.commands.wire import Cancel, Offered, Run, Welcome
from services.servers.report import Key

IDENTITY = bytes(range(32))
SERVER_KEY = handshake.private_key(IDENTITY).public_key().public_bytes_raw()
LAB = handshake.private_key(b"L" * 32)
PANEL = handshake.private_key(b"P" * 32)
STRANGER = handshake.private_key(b"S" * 32)
SOURCE = "10.9.8.7:5000"


def key_of(private: Ed25519PrivateKey, name: str, **words: Any) -> Key:
    """The key as a server knows it."""
    return Key(public=private.public_key().public_bytes_raw(), name=name, **words)


KEYS = (key_of(LAB, "lab"), key_of(PANEL, "the panel", panel=True))


class Judge:
    """Knows some keys; has the objections that a test gives it, by name."""

    def __init__(self, *keys: Key, **objections: str) -> None:
        self._keys = {key.public: key for key in keys or KEYS}
        self._objections = objections

    def find(self, public: bytes) -> Key | None:
        return self._keys.get(public)

    def objection(self, key: Key, source: str) -> str:
        return self._objections.get(key.name, "")


def welcome(key: Key) -> Welcome:
    return Welcome(session="3f2a", commands=(Offered("uname", "the system", ("-s|-n|-r ...",)),), timeout=30.0)


def server_side(**words: Any) -> ServerSide:
    words = {"identity": IDENTITY, "judge": Judge(), "source": SOURCE, "binding": handshake.NO_BINDING} | words
    return ServerSide(**words, welcome=words.get("welcome", welcome))


def client_side(
    private: Ed25519PrivateKey = LAB, server_key: bytes | None = SERVER_KEY, binding: bytes = handshake.NO_BINDING
) -> ClientSide:
    return ClientSide(private, server_key, binding)


def signed_in(private: Ed25519PrivateKey = LAB, **words: Any) -> tuple[ServerSide, ClientSide]:
    """A session that is open."""
    server, client = server_side(**words), client_side(private)
    assert list(client.receive(server.greet())) == []
    assert list(server.receive(client.take())) == []
    assert [type(told) for told in client.receive(server.take())] == [Welcome]
    return server, client


def auth_of(server: ServerSide, private: Ed25519PrivateKey = LAB) -> bytes:
    """The frame with which a client answers this server's HELLO."""
    client = client_side(private)
    assert list(client.receive(server.greet())) == []
    return client.take()


def asked(side: ServerSide | ClientSide, *pieces: bytes) -> list[Run | Cancel | Told]:
    """Everything that a side makes of these bytes."""
    return [told for piece in pieces for told in side.receive(piece)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in pieces, none of them empty."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if end > start]


def resealed(private: Ed25519PrivateKey, change: Callable[[bytes], bytes]) -> tuple[ServerSide, bytes]:
    """A server, and the AUTH of somebody who signs what `change` makes of it: right in everything but that."""
    server = server_side()
    client = client_side(private)
    assert list(client.receive(server.greet())) == []
    auth = change(client.take()[4 : 4 + handshake.AUTH_SIGNED])
    transcript = handshake.Transcript(server.greet()[4:], auth, handshake.NO_BINDING)
    payload = auth + private.sign(transcript.digest("client"))
    return server, len(payload).to_bytes(4, "big") + payload


def builtins(told: Any) -> Any:
    """For comparisons."""
    return msgspec.to_builtins(told)
