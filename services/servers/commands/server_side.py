"""The server's side of one session of `sp-rc/1`: bytes in, what the client asks for out, and answers back. It knows no socket.

side = ServerSide(identity, judge, "10.0.0.7:5000", binding, welcome)
send(side.greet())
for asked in side.receive(data): ...  # Run, Cancel; raises Refused
send(side.take())
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.errors import FrameMalformed, SockpanelError
from services.servers.commands import handshake, wire
from services.servers.commands.channel import Channel
from services.servers.commands.handshake import Refused, Transcript
from services.servers.commands.wire import Cancel, Exit, Failure, Run, Type, Welcome
from services.servers.report import Key

# What a stranger's signature is checked against, so that a stranger waits as long as an acquaintance. Its private half is forgotten.
_NOBODY = Key(public=Ed25519PrivateKey.generate().public_key().public_bytes_raw(), name="")


class Judge(Protocol):
    """Knows the keys, and which may come in."""

    def find(self, public: bytes) -> Key | None:
        """The key with this public half, revoked and expired ones too."""

    def objection(self, key: Key, source: str) -> str:
        """Why the key may not come in from `source` (`ip:port`) just now; empty: it may."""


class ServerSide:
    """One connection. Frames to the client are good for the place in the stream where they were made: send them in order."""

    def __init__(
        self, identity: bytes, judge: Judge, source: str, binding: bytes, welcome: Callable[[Key], Welcome]
    ) -> None:
        self.key: Key | None = None  # once it has signed in
        self._identity = handshake.private_key(identity)
        self._judge = judge
        self._source = source
        self._binding = binding
        self._welcome = welcome
        self._ephemeral = handshake.fresh()
        self._hello = handshake.hello(self._identity.public_key().public_bytes_raw(), self._ephemeral)
        self._decoder = wire.decoder(wire.MAX_STRANGER)
        self._tried = False
        self._channel: Channel | None = None
        self._running: set[int] = set()
        self._waiting = b""

    def greet(self) -> bytes:
        """The first frame."""
        return wire.frame(self._hello)

    def receive(self, data: bytes) -> Iterator[Run | Cancel]:
        """What the client asks for with these bytes; finish one call before the next, and send what `take` holds afterwards.

        Raises Refused for a client that may not come in, FrameTooLong or FrameMalformed; the connection is over then.
        """
        if self._channel is None:
            data = self._sign_in(data)
        if self._channel is not None:
            for payload in self._decoder.frames(data):
                yield self._asked(*self._channel.open(payload))

    def take(self) -> bytes:
        """What must be sent now."""
        waiting, self._waiting = self._waiting, b""
        return waiting

    @staticmethod
    def refusal() -> bytes:
        """What everybody gets who is not let in."""
        return wire.frame(bytes([Type.REFUSED]))

    def started(self, number: int) -> bytes:
        """The command runs."""
        return self._sealed(Type.STARTED, wire.with_number(number, b"{}"))

    def output(self, number: int, stream: int, data: bytes) -> bytes:
        """Bytes of stdout (1) or stderr (2), in as many frames as they need."""
        kind = Type.STDOUT if stream == 1 else Type.STDERR
        pieces = (data[start : start + wire.CHUNK_BYTES] for start in range(0, len(data), wire.CHUNK_BYTES))
        return b"".join(self._sealed(kind, wire.with_number(number, piece)) for piece in pieces)

    def exit(self, number: int, ended: Exit) -> bytes:
        """The command has ended; its number is free again."""
        self._running.discard(number)
        return self._sealed(Type.EXIT, wire.encode_exit(number, ended))

    def failure(self, number: int, error: SockpanelError) -> bytes:
        """The command does not run; its number is free again. Number 0: the connection ends."""
        self._running.discard(number)
        return self._sealed(Type.ERROR, wire.encode_failure(Failure(number, error.code, error.message)))

    def _sign_in(self, data: bytes) -> bytes:
        """Look at AUTH once it is whole; what came behind it. One attempt."""
        if self._tried:
            raise Refused("it goes on after it was refused")
        found = wire.first(self._decoder, data)
        if found is None:
            return b""
        self._tried = True
        payload, rest = found
        self._decoder = wire.decoder(wire.MAX_TO_SERVER)
        self._admit(payload)
        return rest

    def _admit(self, payload: bytes) -> None:
        """One signature is checked, whoever it is; only who owns a key has it judged: the time tells nothing. Raises Refused."""
        auth = handshake.read_auth(payload)
        transcript = Transcript(self._hello, payload[: handshake.AUTH_SIGNED], self._binding)
        found = self._judge.find(auth.public)
        key = found or _NOBODY
        signed = handshake.fits(key.public, auth.signature, transcript.digest("client"))
        if found is None:
            raise Refused(f"unknown key {auth.public.hex()[:16]}…")
        if not signed:
            raise Refused(f"bad signature of key {key.name}")
        if objection := self._judge.objection(key, self._source):
            raise Refused(objection)
        keys = handshake.keys(transcript, self._ephemeral.shared_with(auth.ephemeral))
        self.key, self._channel = key, Channel(sending=keys.to_client, receiving=keys.to_server)
        proof = self._identity.sign(transcript.digest("server"))
        self._waiting = self._sealed(Type.OK, proof + msgspec.json.encode(self._welcome(key)))

    def _asked(self, kind: int, body: bytes) -> Run | Cancel:
        """Raises FrameMalformed."""
        if kind == Type.CANCEL:
            number, rest = wire.split_number(body)
            if rest:
                raise FrameMalformed(f"A CANCEL has {len(rest)} bytes too many: send the command's number alone.")
            return Cancel(number)
        if kind != Type.RUN:
            raise FrameMalformed(f"A client does not send frames of type {kind:#04x}: look at docs/remote-commands.md.")
        run = wire.decode_run(body)
        if run.number == 0 or run.number in self._running:
            raise FrameMalformed(f"The number {run.number} is not free: give each running command another, from 1 on.")
        self._running.add(run.number)
        believed = self.key is not None and self.key.panel
        return run if believed else msgspec.structs.replace(run, who="")

    def _sealed(self, kind: Type, body: bytes) -> bytes:
        """What waits goes first, for frames are numbered in the order in which they are made."""
        if self._channel is None:
            raise RuntimeError("Nobody has signed in yet.")
        return self.take() + self._channel.seal(kind, body)
