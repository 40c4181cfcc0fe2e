"""Whatever somebody between makes of a session's bytes: nothing is taken that the other side did not say, in its place, once.

100,000 changed transcripts; a million with LONG_TESTS=1.
"""

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from services.errors import SockpanelError
from services.servers import clock
from services.servers.commands import handshake
from services.servers.commands.handshake import Refused
from services.servers.commands.wire import Exit
from tests.services.servers.commands.sides import LAB, PANEL, asked, client_side, server_side

TIMES = 1_000_000 if os.environ.get("LONG_TESTS") else 100_000
SHARE = TIMES // 4

Frames = list[bytes]


class Session:
    """The frames of both directions of one session, and what each side understood."""

    def __init__(self, private: Any) -> None:
        server, client = server_side(), client_side(private)
        hello = server.greet()
        asked(client, hello)
        auth = client.take()
        asked(server, auth)
        ok = server.take()
        welcomed = asked(client, ok)
        self.to_server: Frames = [auth, client.run(1, ["uname", "-s"]), client.cancel(1), client.run(2, shell="id")]
        self.asked = asked(server, *self.to_server[1:])
        self.to_client: Frames = [
            hello,
            ok,
            server.started(1),
            server.output(1, 1, b"Linux\n"),
            server.output(1, 2, b"?"),
            server.exit(1, Exit(code=0)),
        ]
        self.told = welcomed + asked(client, *self.to_client[2:])


OTHER = Session(PANEL)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nonces, ephemeral keys and time are always the same, so that only the bytes differ."""
    always = handshake.fresh()  # the same for both sides does no harm: nothing depends on a difference
    monkeypatch.setattr(handshake, "fresh", lambda: always)
    monkeypatch.setattr(clock, "now", lambda: 1_700_000_000_000_000)


# What somebody between may do to frames


def flip(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    data = bytearray(b"".join(frames))
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def truncate(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    data = b"".join(frames)
    return data[: chance.randrange(len(data))]


def delete(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    data = b"".join(frames)
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randrange(1, 80) :]


def insert(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    data = b"".join(frames)
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.randbytes(chance.randrange(1, 80)) + data[start:]


def overwrite(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    data = bytearray(b"".join(frames))
    start, size = chance.randrange(len(data)), chance.choice((1, 4, 8, 32, 64))
    data[start : start + size] = chance.choice((bytes(size), b"\xff" * size, chance.randbytes(size)))
    return bytes(data)


def repeat(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    changed = list(frames)
    changed.insert(chance.randrange(len(changed) + 1), chance.choice(frames))
    return b"".join(changed)


def reorder(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    changed = list(frames)
    chance.shuffle(changed)
    return b"".join(changed)


def omit(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    changed = list(frames)
    del changed[chance.randrange(len(changed))]
    return b"".join(changed)


def splice(frames: Frames, others: Frames, chance: random.Random) -> bytes:
    """In with a frame of another session or of the other direction."""
    changed = list(frames)
    place = chance.randrange(len(changed))
    changed[place : place + chance.randrange(2)] = [chance.choice(others)]
    return b"".join(changed)


CHANGES = (flip, flip, flip, flip, truncate, delete, insert, overwrite, overwrite, repeat, reorder, omit, splice)


def changed_streams(frames: Frames, others: Frames, times: int, seed: int) -> Iterator[tuple[bytes, int]]:
    """A stream that is not `frames`, and how many frames at its beginning are as they were."""
    chance, whole = random.Random(seed), b"".join(frames)
    while times:
        stream = chance.choice(CHANGES)(frames, others, chance)
        if stream == whole:
            continue
        times -= 1
        yield stream, unchanged(frames, stream)


def unchanged(frames: Frames, stream: bytes) -> int:
    end = 0
    for number, frame in enumerate(frames):
        if stream[end : end + len(frame)] != frame:
            return number
        end += len(frame)
    return len(frames)


def understood(side: Any, stream: bytes) -> list[Any]:
    """What the side takes for true before it notices, if there is anything to notice."""
    taken = []
    try:
        for told in side.receive(stream):
            taken.append(told)
    except (Refused, SockpanelError):
        pass
    return taken


@pytest.mark.timeout(1800 if TIMES > 100_000 else 300)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_server_takes_nothing_of_a_changed_transcript(still: None, seed: int):
    session = Session(LAB)
    others = OTHER.to_server + session.to_client + OTHER.to_client
    for stream, frames in changed_streams(session.to_server, others, SHARE, seed):
        server = server_side()
        assert understood(server, stream) == session.asked[: max(frames - 1, 0)], stream.hex()
        assert (server.key is not None) == (frames > 0), stream.hex()


@pytest.mark.timeout(1800 if TIMES > 100_000 else 300)
@pytest.mark.parametrize("seed", [3, 4])
def test_a_client_takes_nothing_of_a_changed_transcript(still: None, seed: int):
    session = Session(LAB)
    others = OTHER.to_client + session.to_server + OTHER.to_server
    for stream, frames in changed_streams(session.to_client, others, SHARE, seed):
        assert understood(client_side(LAB), stream) == session.told[: max(frames - 1, 0)], stream.hex()


def test_a_recorded_session_opens_no_other():
    """The server has other nonces the next time."""
    recorded = Session(LAB)
    server = server_side()
    with pytest.raises(Refused, match="bad signature of key lab"):
        asked(server, b"".join(recorded.to_server))
    assert server.key is None


def test_a_recorded_servers_answers_open_no_other_session():
    recorded, client = Session(LAB), client_side(LAB)
    asked(client, recorded.to_client[0])
    with pytest.raises(SockpanelError, match="somebody meddles"):
        asked(client, *recorded.to_client[1:])


def test_a_sign_in_thrown_back_at_its_sender_is_none():
    session = Session(LAB)
    for side, frames in ((server_side(), session.to_client), (client_side(), session.to_server)):
        assert understood(side, b"".join(frames)) == []


@pytest.mark.parametrize("version", [b"sp-rc/0\0", b"sp-rc/2\0", b"ssh-2.0\0", bytes(8)])
def test_there_is_no_older_version_to_fall_back_to(version: bytes):
    client = client_side()
    hello = server_side().greet()
    with pytest.raises(SockpanelError, match="does not speak sp-rc/1"):
        asked(client, hello[:5] + version + hello[13:])
    assert client.take() == b""
