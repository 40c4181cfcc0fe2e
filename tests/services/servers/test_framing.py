"""Whatever the pieces that a stream comes in, the same messages come out."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import FrameMalformed, FrameTooLong
from services.servers import framing
from services.servers.spec import Framing

LINE = Framing(type="line")
PREFIXES = st.builds(
    Framing,
    type=st.just("length"),
    size=st.sampled_from([1, 2, 4, 8]),
    order=st.sampled_from(["big", "little"]),
    includes_itself=st.booleans(),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in pieces."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def fed(words: Framing, pieces: list[bytes]) -> tuple[list[bytes], bytes, str]:
    """The messages, what is left, and the error's code where there was one."""
    decoder, frames = framing.decoder(words), []
    try:
        for piece in pieces:
            if piece:
                frames += decoder.feed(piece)
        frames += decoder.feed(b"")
    except (FrameTooLong, FrameMalformed) as error:
        return frames, b"", error.code
    return frames, decoder.rest(), ""


def whole(words: Framing, data: bytes) -> tuple[list[bytes], bytes, str]:
    """The same, with a decoder that gets everything at once."""
    return fed(words, [data])


places = st.lists(st.integers(0, 10_000), max_size=12)
payload = st.binary(max_size=200)


@given(st.lists(payload, max_size=8), PREFIXES, places)
def test_length_prefixed_messages_survive_every_segmentation(messages, words, where):
    stream = b"".join(framing.encode(words, message) for message in messages)
    assert fed(words, cut(stream, where)) == (messages, b"", "")


@given(
    st.lists(payload.filter(lambda data: b"\n" not in data), max_size=8), st.lists(st.booleans(), min_size=8), places
)
def test_lines_survive_every_segmentation_whatever_their_endings(messages, carriage, where):
    ended = [message.rstrip(b"\r") for message in messages]
    stream = b"".join(
        message + (b"\r\n" if with_cr else b"\n") for message, with_cr in zip(ended, carriage, strict=False)
    )
    assert fed(LINE, cut(stream, where)) == (ended, b"", "")


@given(
    st.lists(st.text("abc", max_size=20).map(str.encode), max_size=8),
    st.sampled_from(["|", "||", "x|x|", r"\0\xff"]),
    places,
)
def test_delimited_messages_survive_every_segmentation(messages, delimiter, where):
    words = Framing(type="delimiter", delimiter=delimiter)
    stream = b"".join(framing.encode(words, message) for message in messages)
    assert fed(words, cut(stream, where)) == (messages, b"", "")


@given(st.binary(max_size=300), st.integers(1, 20), places)
def test_messages_of_fixed_size_survive_every_segmentation(data, size, where):
    frames, rest, _ = fed(Framing(type="fixed", size=size), cut(data, where))
    assert {len(frame) for frame in frames} <= {size}
    assert len(rest) < size
    assert b"".join(frames) + rest == data


@given(st.binary(max_size=120), places, st.sampled_from(["line", "delimiter", "length"]))
def test_any_bytes_mean_the_same_in_any_pieces_good_or_bad(data, where, kind):
    words = Framing(type=kind, size=1, delimiter="ab", includes_itself=True, max_bytes=9)
    frames, rest, code = whole(words, data)
    assert fed(words, cut(data, where)) == (frames, rest, code)


def test_without_framing_each_read_is_a_message():
    decoder = framing.decoder(Framing())
    assert (decoder.feed(b"one"), decoder.feed(b"two"), decoder.pending) == ([b"one"], [b"two"], 0)


@pytest.mark.parametrize(
    ("words", "good", "bad"),
    [
        (Framing(type="line", max_bytes=3), b"abc\r\n", b"abcd\n"),
        (Framing(type="delimiter", delimiter="||", max_bytes=3), b"abc||", b"abcd||"),
        (Framing(type="length", size=1, max_bytes=3), b"\3abc", b"\4"),
        (Framing(type="length", size=4, max_bytes=3, includes_itself=True), b"\0\0\0\7abc", b"\0\0\0\x08"),
    ],
)
def test_the_last_good_and_the_first_bad_length(words, good, bad):
    assert framing.decoder(words).feed(good) == [b"abc"]
    with pytest.raises(FrameTooLong, match="4 > max 3"):
        framing.decoder(words).feed(bad)


def test_a_length_is_refused_before_any_payload_is_kept():
    decoder = framing.decoder(Framing(type="length", size=4))
    with pytest.raises(FrameTooLong, match="4294967295 > max 1048576"):
        decoder.feed(b"\xff\xff\xff\xff")
    assert decoder.pending <= 4


@pytest.mark.parametrize("trickle", [b"a" * 5, b"abcd\r"])
def test_a_line_that_never_ends_is_refused_once_it_must_be_too_long(trickle):
    decoder = framing.decoder(Framing(type="line", max_bytes=3))
    with pytest.raises(FrameTooLong):
        for byte in trickle:
            decoder.feed(bytes([byte]))


def test_good_messages_before_a_bad_one_are_not_lost():
    decoder = framing.decoder(Framing(type="length", size=1, max_bytes=3))
    assert decoder.feed(b"\1a\2bc\xff") == [b"a", b"bc"]
    with pytest.raises(FrameTooLong):
        decoder.feed(b"anything")


def test_frames_come_one_at_a_time_and_the_error_behind_them():
    frames = framing.decoder(Framing(type="line", max_bytes=3)).frames(b"one\nabcd\n")
    assert next(frames) == b"one"
    with pytest.raises(FrameTooLong):
        next(frames)


def test_a_length_that_does_not_count_itself_is_malformed():
    with pytest.raises(FrameMalformed, match="does not even count its own 2 bytes"):
        framing.decoder(Framing(type="length", size=2, includes_itself=True)).feed(b"\0\1")


def test_an_empty_message_is_a_message():
    assert framing.decoder(Framing(type="length", size=2)).feed(b"\0\0") == [b""]
    assert framing.decoder(LINE).feed(b"\n\r\n") == [b"", b""]


def test_an_answer_to_a_line_ends_as_the_line_did():
    decoder, answers = framing.decoder(LINE), []
    for frame in decoder.frames(b"a\nb\r\nc\n"):
        answers.append(decoder.wrap(frame))
    assert answers == [b"a\n", b"b\r\n", b"c\n"]
    assert framing.encode(LINE, b"first") == b"first\n"


def test_a_carriage_return_inside_a_line_stays():
    assert framing.decoder(LINE).feed(b"a\rb\r\r\n") == [b"a\rb\r"]


def test_what_a_prefix_cannot_count_is_no_message():
    assert framing.encode(Framing(type="length", size=1), b"x" * 255) == b"\xff" + b"x" * 255
    with pytest.raises(FrameTooLong, match="cannot count 256 bytes"):
        framing.encode(Framing(type="length", size=1), b"x" * 256)


def test_what_nobody_finished_is_the_rest():
    decoder = framing.decoder(LINE)
    decoder.feed(b"whole\nhalf")
    assert (decoder.pending, decoder.rest(), decoder.pending) == (4, b"half", 0)
