"""The server's side: who comes in, what is asked for, and that everybody else sees the same face."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import ArgumentRefused, FrameMalformed, FrameTooLong
from services.servers.commands import handshake, wire
from services.servers.commands.handshake import Refused
from services.servers.commands.server_side import ServerSide
from services.servers.commands.wire import Cancel, Exit, Output, Run, Started, Type
from services.servers.report import Key
from tests.services.servers.commands.sides import (
    LAB,
    PANEL,
    STRANGER,
    Judge,
    asked,
    auth_of,
    client_side,
    cut,
    key_of,
    resealed,
    server_side,
    signed_in,
)

UNAME = Run(1, argv=("uname", "-s"))


def test_a_known_key_comes_in_and_asks():
    server, client = signed_in(LAB)
    assert server.key == key_of(LAB, "lab")
    assert asked(server, client.run(1, ["uname", "-s"]), client.cancel(1)) == [UNAME, Cancel(1)]


@pytest.mark.parametrize(
    ("private", "judge", "reason"),
    [
        (STRANGER, Judge(), "unknown key "),
        (LAB, Judge(lab="the key lab is revoked"), "the key lab is revoked"),
        (LAB, Judge(lab="the key lab has expired"), "the key lab has expired"),
        (LAB, Judge(lab="used from 10.9.8.7, which the key lab is not for"), "used from 10.9.8.7"),
        (LAB, Judge(key_of(STRANGER, "another")), "unknown key "),
    ],
)
def test_who_may_not_come_in_is_refused_and_the_admin_told_why(private, judge, reason):
    server = server_side(judge=judge)
    with pytest.raises(Refused, match=reason) as refused:
        asked(server, auth_of(server, private))
    assert refused.value.reason == str(refused.value)
    assert (server.key, server.take()) == (None, b"")


def test_an_unknown_key_is_told_by_the_beginning_of_its_number():
    server = server_side()
    with pytest.raises(Refused, match=f"unknown key {STRANGER.public_key().public_bytes_raw().hex()[:16]}…"):
        asked(server, auth_of(server, STRANGER))


def test_a_signature_that_does_not_fit_is_refused_by_the_name_of_its_key():
    server = server_side()
    auth = auth_of(server)
    with pytest.raises(Refused, match="bad signature of key lab"):
        asked(server, auth[:-1] + bytes([auth[-1] ^ 1]))


def test_a_bad_signature_is_judged_before_what_the_key_may():
    server = server_side(judge=Judge(lab="the key lab is revoked"))
    with pytest.raises(Refused, match="bad signature"):
        asked(server, auth_of(server)[:-64] + bytes(64))


def test_only_the_owner_of_a_key_has_it_judged():
    """Judging may take longer for one key than for another, and nobody else is to know which are known."""

    class Unasked(Judge):
        def objection(self, key: Key, source: str) -> str:
            raise AssertionError(f"{key.name} was judged")

    for private, change in ((STRANGER, 0), (LAB, 1)):
        server = server_side(judge=Unasked())
        auth = auth_of(server, private)
        with pytest.raises(Refused):
            asked(server, auth[:-1] + bytes([auth[-1] ^ change]))


def test_a_weak_key_lets_nobody_in_even_when_it_is_registered():
    weak = b"\1" + bytes(31)
    server = server_side(judge=Judge(Key(public=weak, name="weak")))
    payload = bytes([Type.AUTH]) + weak + bytes(32) + handshake.fresh().public + b"\1" + bytes(63)
    with pytest.raises(Refused, match="bad signature of key weak"):
        asked(server, wire.frame(payload))


def test_an_ephemeral_key_that_makes_the_secret_known_is_refused():
    server, auth = resealed(LAB, lambda auth: auth[:65] + bytes(32))
    with pytest.raises(Refused, match="no secret"):
        asked(server, auth)
    assert server.key is None


@pytest.mark.parametrize(
    "payload", [b"", b"\2", bytes([Type.RUN]) + bytes(160), bytes([Type.AUTH]) + bytes(161), bytes(4096)]
)
def test_whatever_else_comes_first_is_refused(payload):
    with pytest.raises(Refused, match="no AUTH"):
        asked(server_side(), wire.frame(payload))


def test_there_is_one_attempt():
    server = server_side()
    good = auth_of(server)
    with pytest.raises(Refused):
        asked(server, good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(Refused, match="goes on after it was refused"):
        asked(server, good)


def test_every_refusal_is_the_same_few_bytes():
    assert ServerSide.refusal() == b"\0\0\0\1\4"


def test_before_anybody_is_known_a_frame_has_4_kib_at_most():
    assert asked(server_side(), (4096).to_bytes(4, "big")) == []
    with pytest.raises(FrameTooLong, match="4097 > max 4096"):
        asked(server_side(), (4097).to_bytes(4, "big"))


def test_the_greatest_length_costs_next_to_nothing():
    server, (known, client) = server_side(), signed_in()
    tracemalloc.start()
    try:
        for side in (server, known, client):
            with pytest.raises(FrameTooLong):
                asked(side, b"\xff\xff\xff\xff")
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    finally:
        tracemalloc.stop()


@given(st.lists(st.integers(0, 10_000), max_size=20))
def test_a_client_is_understood_in_whatever_pieces_it_comes(places):
    """Sign-in and commands in one stream: a client need not wait for OK, though a careful one does."""
    server, client = server_side(), client_side()
    asked(client, server.greet())
    auth = client.take()
    client._welcomed = True  # it does not wait
    stream = auth + client.run(1, ["uname", "-s"]) + client.cancel(1) + client.run(2, shell="id")
    assert asked(server, *cut(stream, places)) == [UNAME, Cancel(1), Run(2, shell="id")]


def test_what_the_server_says_first_stands_first_in_the_stream():
    """OK before STARTED, also when nobody has taken it yet."""
    server, client = server_side(), client_side()
    asked(client, server.greet())
    asked(server, client.take())
    assert [type(told).__name__ for told in asked(client, server.started(1))] == ["Welcome", "Started"]
    assert server.take() == b""


def test_a_running_commands_number_is_taken_until_it_ends():
    server, client = signed_in()
    asked(server, client.run(1, ["uname"]))
    server.exit(1, Exit(code=0))
    asked(server, client.run(1, ["uname"]))
    server.failure(1, ArgumentRefused("no"))
    asked(server, client.run(1, ["uname"]))
    with pytest.raises(FrameMalformed, match="The number 1 is not free"):
        asked(server, client.run(1, ["uname"]))


def test_the_number_of_the_connection_is_no_commands():
    server, client = signed_in()
    with pytest.raises(FrameMalformed, match="The number 0 is not free"):
        asked(server, client.run(0, ["uname"]))


def test_the_panel_is_believed_for_whom_it_asks_and_nobody_else():
    for private, who in ((PANEL, "ada"), (LAB, "")):
        server, client = signed_in(private)
        assert [run.who for run in asked(server, client.run(1, ["id"], who="ada"))] == [who]


@pytest.mark.parametrize("kind", [0, Type.HELLO, Type.AUTH, Type.OK, Type.STARTED, Type.EXIT, 0xFF])
def test_a_frame_that_no_client_sends_ends_the_session(kind):
    server, client = signed_in()
    with pytest.raises(FrameMalformed, match=f"frames of type {kind:#04x}"):
        asked(server, client._channel.seal(kind, bytes(4)))


def test_a_cancel_with_something_behind_it_ends_the_session():
    server, client = signed_in()
    with pytest.raises(FrameMalformed, match="1 bytes too many"):
        asked(server, client._channel.seal(Type.CANCEL, bytes(5)))


def test_output_of_any_length_arrives_in_chunks_of_64_kib():
    server, client = signed_in()
    data = bytes(range(256)) * 600  # 150 KiB
    told = asked(
        client, server.started(1), server.output(1, 1, data), server.output(1, 2, b"!"), server.output(1, 1, b"")
    )
    assert told[0] == Started(1)
    assert [len(output.data) for output in told[1:]] == [65_536, 65_536, 22_528, 1]
    assert b"".join(output.data for output in told[1:-1]) == data
    assert told[-1] == Output(1, 2, b"!")


def test_nothing_can_be_said_to_somebody_who_has_not_signed_in():
    with pytest.raises(RuntimeError):
        server_side().started(1)
