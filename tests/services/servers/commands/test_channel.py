"""A sealed frame is taken once, in its place and its direction, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import FrameMalformed
from services.servers.commands.channel import Channel


def pair() -> tuple[Channel, Channel]:
    return Channel(sending=b"a" * 32, receiving=b"b" * 32), Channel(sending=b"b" * 32, receiving=b"a" * 32)


def payloads(channel: Channel, *bodies: bytes) -> list[bytes]:
    """Each body sealed, without the length in front."""
    return [channel.seal(0x21, body)[4:] for body in bodies]


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=100)), max_size=6))
def test_what_one_seals_the_other_opens_in_order(frames):
    ours, theirs = pair()
    sealed = [ours.seal(kind, body) for kind, body in frames]
    assert [int.from_bytes(frame[:4], "big") for frame in sealed] == [len(frame) - 4 for frame in sealed]
    assert [theirs.open(frame[4:]) for frame in sealed] == frames


@given(st.binary(max_size=64), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_bit_anywhere_is_noticed(body, place, flip):
    ours, theirs = pair()
    payload = bytearray(payloads(ours, body)[0])
    payload[place % len(payload)] ^= flip
    with pytest.raises(FrameMalformed):
        theirs.open(bytes(payload))


@pytest.mark.parametrize("order", [[1], [0, 0], [0, 2], [2, 1, 0]], ids=["omitted", "replayed", "skipped", "reversed"])
def test_frames_are_taken_in_their_order_alone(order):
    ours, theirs = pair()
    sealed = payloads(ours, b"0", b"1", b"2")
    with pytest.raises(FrameMalformed, match="not the one that the other side sealed next"):
        for place in order:
            theirs.open(sealed[place])


def test_a_frame_turned_round_is_not_taken():
    ours, _ = pair()
    with pytest.raises(FrameMalformed):
        ours.open(payloads(ours, b"body")[0])


def test_a_frame_of_another_session_is_not_taken():
    other = Channel(sending=b"c" * 32, receiving=b"d" * 32)
    with pytest.raises(FrameMalformed):
        pair()[1].open(payloads(other, b"body")[0])


@pytest.mark.parametrize("length", [0, 1, 40])
def test_a_frame_too_short_for_its_seal_is_refused(length):
    with pytest.raises(FrameMalformed, match=f"A frame of {length} bytes has no room"):
        pair()[1].open(bytes(length))


def test_the_shortest_frame_has_no_body():
    ours, theirs = pair()
    assert len(payloads(ours, b"")[0]) == 41
    assert theirs.open(payloads(pair()[0], b"")[0]) == (0x21, b"")
