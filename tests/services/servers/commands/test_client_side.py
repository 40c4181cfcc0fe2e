"""The client's side: it trusts the server's key and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import ArgumentRefused, FrameMalformed, FrameTooLong, ServerKeyDiffers, SessionRefused
from services.servers.commands import handshake, wire
from services.servers.commands.handshake import NO_BINDING
from services.servers.commands.wire import Exit, Failure, Output, Started, Type, Welcome
from tests.services.servers.commands.sides import (
    LAB,
    SERVER_KEY,
    asked,
    client_side,
    cut,
    server_side,
    signed_in,
)


def test_it_says_nothing_before_the_server_does():
    assert client_side().take() == b""


def test_a_server_with_another_key_does_not_even_get_a_signature():
    client = client_side(server_key=b"x" * 32)
    with pytest.raises(ServerKeyDiffers, match=f"{SERVER_KEY.hex()} instead of {'78' * 32}"):
        asked(client, server_side().greet())
    assert client.take() == b""


def test_somebody_who_shows_the_servers_key_without_having_it_is_noticed():
    """The impostor passes for the server until it must sign."""
    impostor, client = server_side(identity=b"i" * 32), client_side()
    impostor._hello = handshake.hello(SERVER_KEY, impostor._ephemeral)
    asked(client, impostor.greet())
    asked(impostor, client.take())
    with pytest.raises(ServerKeyDiffers, match="does not have the private half"):
        asked(client, impostor.take())


def test_without_an_expected_key_whoever_answers_is_told():
    client = client_side(server_key=None)
    asked(client, server_side().greet())
    assert client.hello is not None
    assert client.hello.server == SERVER_KEY


def test_where_a_key_must_be_known_the_one_that_answers_is_told_and_no_more():
    client = client_side(server_key=b"")
    with pytest.raises(ServerKeyDiffers, match=f"shows the key {SERVER_KEY.hex()}, and none was expected"):
        asked(client, server_side().greet())
    assert client.take() == b""


def test_a_refusal_is_a_refusal():
    server, client = server_side(), client_side()
    asked(client, server.greet())
    with pytest.raises(SessionRefused, match="does not say why"):
        asked(client, server.refusal())


def test_nobody_is_refused_any_more_once_the_session_is_open():
    server, client = signed_in()
    with pytest.raises(FrameMalformed):
        asked(client, server.refusal())


def test_a_welcome_that_is_none_is_refused():
    server, client = server_side(), client_side()
    asked(client, server.greet())
    asked(server, client.take())
    server._waiting = b""
    with pytest.raises(FrameMalformed):
        asked(client, server._channel.seal(Type.STARTED, bytes(4)))  # its counter says that OK was left out
    with pytest.raises(RuntimeError, match="not proven itself"):
        client.run(1, ["uname"])


@given(st.lists(st.integers(0, 10_000), max_size=20))
def test_a_server_is_understood_in_whatever_pieces_it_comes(places):
    server, client = server_side(), client_side()
    asked(client, server.greet())
    asked(server, client.take())
    stream = (
        server.take()
        + server.started(1)
        + server.output(1, 1, b"Linux\n")
        + server.output(1, 2, b"hm")
        + server.exit(1, Exit(code=0, seconds=0.5, stdout=6, stderr=2))
        + server.failure(2, ArgumentRefused("no"))
    )
    told = asked(client, *cut(stream, places))
    assert isinstance(told[0], Welcome)
    assert told[1:] == [
        Started(1),
        Output(1, 1, b"Linux\n"),
        Output(1, 2, b"hm"),
        Exit(number=1, code=0, seconds=0.5, stdout=6, stderr=2),
        Failure(2, "SP-5004", "no"),
    ]


@pytest.mark.parametrize("kind", [0, Type.HELLO, Type.OK, Type.REFUSED, Type.RUN, Type.CANCEL, 0xFF])
def test_a_frame_that_no_server_sends_ends_the_session(kind):
    server, client = signed_in()
    with pytest.raises(FrameMalformed, match=f"frames of type {kind:#04x}"):
        asked(client, server._channel.seal(kind, bytes(4)))


def test_a_server_sends_1_mib_at_most_in_a_frame():
    _, client = signed_in()
    assert asked(client, (wire.MAX_TO_CLIENT).to_bytes(4, "big")) == []
    _, client = signed_in()
    with pytest.raises(FrameTooLong):
        asked(client, (wire.MAX_TO_CLIENT + 1).to_bytes(4, "big"))


def test_a_server_whose_ephemeral_key_makes_the_secret_known_is_not_trusted():
    server, client = server_side(), client_side()
    hello = bytearray(server.greet())
    hello[4 + 73 : 4 + 105] = bytes(32)
    with pytest.raises(FrameMalformed, match="cannot be trusted"):
        asked(client, bytes(hello))
    assert client.take() == b""


def test_a_relay_to_another_server_with_the_same_key_gets_nowhere():
    """The client talks to one server; its AUTH is carried to another that knows the same key."""
    first, second = server_side(), server_side(identity=b"2" * 32)
    client = client_side(LAB, server_key=None)
    asked(client, first.greet())
    with pytest.raises(handshake.Refused, match="bad signature of key lab"):
        asked(second, client.take())


def test_a_relay_that_passes_on_the_other_servers_hello_is_noticed_by_the_pinned_key():
    with pytest.raises(ServerKeyDiffers):
        asked(client_side(), server_side(identity=b"2" * 32).greet())


def test_a_relay_with_a_certificate_of_its_own_gets_nowhere():
    """Every byte is passed on as it is, but the client saw the relay's certificate."""
    server = server_side(binding=handshake.certificate_binding(b"the server's"))
    client = client_side(binding=handshake.certificate_binding(b"the relay's"))
    asked(client, server.greet())
    with pytest.raises(handshake.Refused, match="bad signature"):
        asked(server, client.take())


def test_taking_tls_away_is_noticed():
    server = server_side(binding=handshake.certificate_binding(b"the server's"))
    client = client_side(binding=NO_BINDING)
    asked(client, server.greet())
    with pytest.raises(handshake.Refused, match="bad signature"):
        asked(server, client.take())
