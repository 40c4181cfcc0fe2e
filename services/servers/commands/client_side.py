"""The client's side of one session of `sp-rc/1`: bytes in, what the server tells out, and requests back. It knows no socket.

side = ClientSide(private, server_key, binding)
for told in side.receive(data): ...  # Welcome, Started, Output, Exit, Failure
send(side.take())
send(side.run(1, argv=["uname", "-s"]))
"""

from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.errors import FrameMalformed, FrameTooLong, ServerKeyDiffers, SessionRefused
from services.servers.commands import handshake, wire
from services.servers.commands.channel import Channel
from services.servers.commands.handshake import SIGNATURE_BYTES, Hello, Refused, Transcript
from services.servers.commands.wire import Exit, Failure, Output, Run, Started, Type, Welcome

Told = Welcome | Started | Output | Exit | Failure

REFUSED = (
    "The server did not let this key in, and does not say why: its admin finds the reason on the server's page. "
    "Check that the key is registered there, not expired, and allowed from this address."
)
STRANGER = "What answers does not speak sp-rc/1, so it is no remote-command server: check the port."


class ClientSide:
    """One connection. `server_key` is the public key that the server must have; None trusts whoever answers."""

    def __init__(self, private: Ed25519PrivateKey, server_key: bytes | None, binding: bytes) -> None:
        self.hello: Hello | None = None  # what the server says of itself; proven once it has welcomed us
        self._private = private
        self._server_key = server_key
        self._binding = binding
        self._ephemeral = handshake.fresh()
        self._transcript: Transcript | None = None
        self._channel: Channel | None = None
        self._welcomed = False
        self._decoder = wire.decoder(wire.MAX_STRANGER)
        self._waiting = b""

    def receive(self, data: bytes) -> Iterator[Told]:
        """What the server tells with these bytes; finish one call before the next, and send what `take` holds afterwards.

        Raises SessionRefused, ServerKeyDiffers, FrameTooLong or FrameMalformed; the connection is over then.
        """
        if self.hello is None:
            data = self._greeted(data)
        if self.hello is not None:
            for payload in self._decoder.frames(data):
                yield self._told(payload)

    def take(self) -> bytes:
        """What must be sent now."""
        waiting, self._waiting = self._waiting, b""
        return waiting

    def run(self, number: int, argv: Sequence[str] | None = None, shell: str | None = None, who: str = "") -> bytes:
        """Ask for a command; `number` is free to choose from 1 on. Raises FrameTooLong or FrameMalformed."""
        asked = Run(number, None if argv is None else tuple(argv), shell, who)
        return self._open_channel().seal(Type.RUN, wire.encode_run(asked))

    def cancel(self, number: int) -> bytes:
        """Ask for the end of a command. Its EXIT comes all the same."""
        return self._open_channel().seal(Type.CANCEL, wire.with_number(number))

    def _open_channel(self) -> Channel:
        if self._channel is None or not self._welcomed:
            raise RuntimeError("The server has not proven itself yet.")
        return self._channel

    def _greeted(self, data: bytes) -> bytes:
        """Answer HELLO once it is whole; what came behind it."""
        try:
            found = wire.first(self._decoder, data)
        except FrameTooLong:
            raise FrameMalformed(STRANGER) from None
        if found is None:
            return b""
        payload, rest = found
        self._decoder = wire.decoder(wire.MAX_TO_CLIENT)
        self.hello = _hello(payload)
        if self._server_key is not None and self.hello.server != self._server_key:
            raise ServerKeyDiffers(differs(self._server_key, self.hello.server))
        self._waiting = wire.frame(self._auth(payload, self.hello))
        return rest

    def _auth(self, payload: bytes, hello: Hello) -> bytes:
        public = self._private.public_key().public_bytes_raw()
        auth = handshake.unsigned_auth(public, self._ephemeral)
        self._transcript = Transcript(payload, auth, self._binding)
        try:
            keys = handshake.keys(self._transcript, self._ephemeral.shared_with(hello.ephemeral))
        except Refused as error:
            raise FrameMalformed(f"The server cannot be trusted: {error.reason}.") from None
        self._channel = Channel(sending=keys.to_server, receiving=keys.to_client)
        return auth + self._private.sign(self._transcript.digest("client"))

    def _told(self, payload: bytes) -> Told:
        if self._channel is None or self._transcript is None:
            raise RuntimeError("HELLO was not answered.")
        if not self._welcomed and payload == bytes([Type.REFUSED]):
            raise SessionRefused(REFUSED)
        kind, body = self._channel.open(payload)
        if self._welcomed:
            return _event(kind, body)
        return self._welcome(kind, body, self._transcript)

    def _welcome(self, kind: int, body: bytes, transcript: Transcript) -> Welcome:
        """Only the server's own key signs this transcript. Raises FrameMalformed or ServerKeyDiffers."""
        proof, words = body[:SIGNATURE_BYTES], body[SIGNATURE_BYTES:]
        if kind != Type.OK or self.hello is None:
            raise FrameMalformed(f"A server welcomes with OK, not with a frame of type {kind:#04x}.")
        if not handshake.fits(self.hello.server, proof, transcript.digest("server")):
            raise ServerKeyDiffers(
                "The server does not have the private half of the key that it shows: somebody else answers in its place."
            )
        welcome = wire.decode_json(words, Welcome)
        self._welcomed = True
        return welcome


def _hello(payload: bytes) -> Hello:
    try:
        return handshake.read_hello(payload)
    except Refused:
        raise FrameMalformed(STRANGER) from None


def differs(expected: bytes, shown: bytes) -> str:
    """What to tell somebody who expected another server; `expected` is empty when no key was named."""
    if not expected:
        return (
            f"The server shows the key {shown.hex()}, and none was expected: compare it with the one on its own page, "
            "then give it along as the server's key."
        )
    return (
        f"The server shows the key {shown.hex()} instead of {expected.hex()}: another server answers at this address, or somebody "
        "between. Ask its admin before you trust the new key."
    )


def _event(kind: int, body: bytes) -> Started | Output | Exit | Failure:
    """What a frame of an open session tells. Raises FrameMalformed."""
    match kind:
        case Type.STDOUT | Type.STDERR:
            number, data = wire.split_number(body)
            return Output(number, 1 if kind == Type.STDOUT else 2, data)
        case Type.STARTED:
            return Started(wire.split_number(body)[0])
        case Type.EXIT:
            return wire.decode_exit(body)
        case Type.ERROR:
            return wire.decode_failure(body)
    raise FrameMalformed(f"A server does not send frames of type {kind:#04x}: it speaks another protocol.")
