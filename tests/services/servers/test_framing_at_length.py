"""Any list of frames, cut anywhere, ended anywhere: the same messages come out, and what is left is known. By LONG_TESTS=1 at length.

Decoders are driven step by step beside a model that has seen the whole stream; a real connection ends in the middle of it.
"""

import os
import random
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from services.errors import FrameMalformed, FrameTooLong
from services.servers import framing
from services.servers.spec import Framing

LONG = bool(os.environ.get("LONG_TESTS"))
pytestmark = pytest.mark.timeout(1_800 if LONG else 120)
EXAMPLES = settings(max_examples=5_000 if LONG else 100, deadline=None)
FUZZED = 8_000_000 if LONG else 40_000  # cases

KINDS = st.one_of(
    st.just(Framing(type="line")),
    st.builds(Framing, type=st.just("delimiter"), delimiter=st.sampled_from(["|", "||", r"\0\xff"])),
    st.builds(Framing, type=st.just("fixed"), size=st.integers(1, 9)),
    st.builds(
        Framing,
        type=st.just("length"),
        size=st.sampled_from([1, 2, 4, 8]),
        order=st.sampled_from(["big", "little"]),
        includes_itself=st.booleans(),
    ),
)


def payloads(words: Framing) -> st.SearchStrategy[bytes]:
    """What can be a message of this framing."""
    if words.type == "fixed":
        return st.binary(min_size=words.size, max_size=words.size)
    if words.type == "length":
        return st.binary(max_size=40)
    return st.text("ab\r", max_size=20).map(lambda text: text.rstrip("\r").encode())


class Stream(RuleBasedStateMachine):
    """A peer that sends whole and half frames in pieces, and at any moment ends its side."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []  # messages whose last byte has been put on the wire
        self.wire = b""  # on its way
        self.ended = False
        self.got: list[bytes] = []

    @initialize(words=KINDS)
    def begin(self, words: Framing) -> None:
        self.words = words
        self.decoder = framing.decoder(words)
        self.given = b""

    @precondition(lambda self: not self.ended)
    @rule(data=st.data())
    def a_frame_is_sent(self, data: Any) -> None:
        payload = data.draw(payloads(self.words))
        self.sent.append(payload)
        self.wire += framing.encode(self.words, payload)

    @precondition(lambda self: self.wire)
    @rule(data=st.data())
    def a_piece_arrives(self, data: Any) -> None:
        size = data.draw(st.integers(1, len(self.wire)))
        piece, self.wire = self.wire[:size], self.wire[size:]
        self.given += piece
        self.got += self.decoder.feed(piece)
        assert self.got == self.sent[: len(self.got)]
        assert self.decoder.pending == len(self.given) - sum(self.sizes()[: len(self.got)])

    @precondition(lambda self: not self.ended)
    @rule(lost=st.integers(0, 30))
    def the_peer_ends_its_side(self, lost: int) -> None:
        self.ended = True
        self.wire = self.wire[: max(0, len(self.wire) - lost)]

    @rule()
    def a_read_brings_nothing(self) -> None:
        self.got += self.decoder.feed(b"")

    def sizes(self) -> list[int]:
        return [len(framing.encode(self.words, payload)) for payload in self.sent]

    def teardown(self) -> None:
        if not hasattr(self, "decoder"):
            return
        self.got += self.decoder.feed(self.wire)
        self.given += self.wire
        ends = list(accumulate(self.sizes()))
        whole = sum(end <= len(self.given) for end in ends)
        assert self.got == self.sent[:whole]
        assert self.decoder.rest() == self.given[ends[whole - 1] if whole else 0 :]
        assert self.decoder.pending == 0


TestStream = Stream.TestCase
TestStream.settings = settings(max_examples=2_000 if LONG else 60, stateful_step_count=40, deadline=None)


@EXAMPLES
@given(st.data())
def test_any_frames_in_any_pieces_are_the_same_messages(data):
    words = data.draw(KINDS)
    messages = data.draw(st.lists(payloads(words), max_size=8))
    wire = b"".join(framing.encode(words, message) for message in messages)
    decoder, got = framing.decoder(words), []
    while wire:
        size = data.draw(st.integers(1, len(wire)))
        got += decoder.feed(wire[:size])
        wire = wire[size:]
    assert (got, decoder.rest()) == (messages, b"")


# Lengths at the edges: signed, zero, truncated, trailing

FOUR = Framing(type="length", size=4)


@pytest.mark.parametrize(
    ("stream", "messages", "rest"),
    [
        (b"\0\0\0\0", [b""], b""),
        (b"\0\0\0\0\0\0\0\1a\0\0\0\0", [b"", b"a", b""], b""),
        (b"\0\0\0", [], b"\0\0\0"),
        (b"\0\0\0\5ab", [], b"\0\0\0\5ab"),
        (b"\0\0\0\2abc", [b"ab"], b"c"),
        (b"\0\x10\0\0" + b"x" * 1024 * 1024, [b"x" * 1024 * 1024], b""),
    ],
)
def test_edges_of_a_length_are_defined(stream, messages, rest):
    decoder = framing.decoder(FOUR)
    assert (decoder.feed(stream), decoder.rest()) == (messages, rest)


@pytest.mark.parametrize("header", [b"\x80\0\0\0", b"\xff\xff\xff\xff", b"\0\x10\0\1", b"\x7f\xff\xff\xff"])
def test_a_length_is_never_negative_and_never_too_much(header):
    decoder = framing.decoder(FOUR)
    with pytest.raises(FrameTooLong, match=f"(?i)frame of {int.from_bytes(header, 'big')} > max 1048576"):
        decoder.feed(header + b"x" * 100)


@pytest.mark.parametrize("kind", ["line", "delimiter", "fixed", "length"])
def test_random_bytes_break_no_decoder_and_nothing_is_lost_of_them(kind):
    """Seeded: the same cases each time, more of them at length. A case is a read."""
    dice = random.Random(7)
    for _ in range(FUZZED // 4 // 20):
        words = Framing(type=kind, size=dice.choice([1, 2, 4]), delimiter="a|", max_bytes=60)
        decoder, given, taken = framing.decoder(words), 0, 0
        try:
            for _ in range(20):
                data = dice.choice([b"\0", b"|", b"a", b"\n", b""]) + dice.randbytes(dice.randrange(9))
                given += len(data)
                taken += sum(map(len, decoder.feed(data)))
                assert decoder.pending <= 60 + 8
        except (FrameTooLong, FrameMalformed):
            continue
        assert taken + decoder.pending <= given
