"""The bytes in docs/remote-commands.md are those that our code sends, with the keys and nonces that it names."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from services.servers import clock
from services.servers.commands import handshake, wire
from services.servers.commands.client_side import ClientSide
from services.servers.commands.handshake import AUTH_SIGNED, NO_BINDING, Ephemeral, Transcript
from services.servers.commands.server_side import ServerSide
from services.servers.commands.wire import Exit, Offered, Welcome
from services.servers.report import Key
from tests.services.servers.commands.sides import Judge, asked
from tests.sources import CHECKOUT

DOCUMENT = (CHECKOUT / "docs" / "remote-commands.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```hex (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
AT = 1_795_169_472_000_345  # 2026-11-20T10:11:12.000345Z


def secret(first: int) -> bytes:
    """32 bytes that count up."""
    return bytes(range(first, first + 32))


SERVER, CLIENT = handshake.private_key(secret(0x00)), handshake.private_key(secret(0x20))
OF_SERVER = Ephemeral(secret(0x40), X25519PrivateKey.from_private_bytes(secret(0x60)))
OF_CLIENT = Ephemeral(secret(0x80), X25519PrivateKey.from_private_bytes(secret(0xA0)))
LAB = Key(public=CLIENT.public_key().public_bytes_raw(), name="lab")
WELCOME = Welcome(
    session="3f2a91c0",
    commands=(Offered("uname", "the operating system", ("-s|-n|-r ...",)),),
    timeout=30.0,
    output_bytes=262_144,
)
ENDED = Exit(code=0, seconds=0.004, stdout=6)


def frames() -> dict[str, bytes]:
    """A whole session, and what is computed on the way."""
    ephemerals = [OF_SERVER, OF_CLIENT]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handshake, "fresh", lambda: ephemerals.pop(0))
        patch.setattr(clock, "now", lambda: AT)
        server = ServerSide(secret(0x00), Judge(LAB), "127.0.0.1:40116", NO_BINDING, lambda key: WELCOME)
        client = ClientSide(CLIENT, SERVER.public_key().public_bytes_raw(), NO_BINDING)
        made = {"hello": server.greet()}
    asked(client, made["hello"])
    made["auth"] = client.take()
    asked(server, made["auth"])
    made["ok"] = server.take()
    asked(client, made["ok"])
    made["run"] = client.run(1, ["uname", "-s"])
    made["cancel"] = client.cancel(1)
    asked(server, made["run"], made["cancel"])
    made["started"] = server.started(1)
    made["stdout"] = server.output(1, 1, b"Linux\n")
    made["exit"] = server.exit(1, ENDED)
    return made | computed(made)


def computed(made: dict[str, bytes]) -> dict[str, bytes]:
    transcript = Transcript(made["hello"][4:], made["auth"][4 : 4 + AUTH_SIGNED], NO_BINDING)
    shared = OF_CLIENT.shared_with(OF_SERVER.public)
    keys = handshake.keys(transcript, shared)
    digests = {f"digest-{label}": transcript.digest(label) for label in ("client", "keys", "server")}
    return {"shared": shared, "key-c2s": keys.to_server, "key-s2c": keys.to_client, **digests}


def told() -> dict[str, bytes]:
    """What the document says: hex digits, and remarks behind #."""
    return {
        name: bytes.fromhex(re.sub(r"#.*", "", digits, flags=re.MULTILINE)) for name, digits in BLOCK.findall(DOCUMENT)
    }


@pytest.mark.parametrize("name", frames())
def test_the_document_has_the_bytes_that_are_sent(name: str):
    assert told()[name].hex(" ") == frames()[name].hex(" ")


def test_the_document_has_no_others():
    assert told().keys() == frames().keys()


@pytest.mark.parametrize("key", [SERVER, CLIENT])
def test_the_document_names_the_public_keys(key):
    assert key.public_key().public_bytes_raw().hex() in DOCUMENT


def test_the_document_names_every_type_of_frame_and_the_limits():
    for kind in wire.Type:
        assert f"| `{kind.value:#04x}` | {kind.name} |" in DOCUMENT.replace("`0x0a", "`0x0A")
    for limit in (wire.MAX_STRANGER, wire.MAX_TO_SERVER, wire.MAX_TO_CLIENT, wire.CHUNK_BYTES):
        assert f"{limit:,}" in DOCUMENT
