"""Whoever is not let in learns nothing from how long it took."""

import statistics
import time
from collections.abc import Callable

import pytest

from services.servers.commands import handshake, wire
from services.servers.commands.handshake import Refused
from services.servers.commands.server_side import ServerSide
from tests.services.servers.commands.sides import LAB, STRANGER, Judge, auth_of, key_of, server_side

ROUNDS = 5000
MOST = 0.05  # of the median, that the fastest and the slowest face may be apart
ATTEMPTS = 3  # for a machine that is busy with something else just then

REVOKED, EXPIRED, ELSEWHERE = (handshake.private_key(letter * 32) for letter in (b"R", b"E", b"W"))
JUDGE = Judge(
    key_of(LAB, "lab"),
    key_of(REVOKED, "old"),
    key_of(EXPIRED, "late"),
    key_of(ELSEWHERE, "far"),
    old="the key old is revoked",
    late="the key late has expired",
    far="used from 10.9.8.7, which the key far is not for",
)


def spoiled(auth: bytes) -> bytes:
    """A signature that nobody made, but could have."""
    return auth[:-64] + STRANGER.sign(auth)


FACES: dict[str, Callable[[ServerSide], bytes]] = {
    "unknown": lambda server: auth_of(server, STRANGER),
    "revoked": lambda server: auth_of(server, REVOKED),
    "expired": lambda server: auth_of(server, EXPIRED),
    "elsewhere": lambda server: auth_of(server, ELSEWHERE),
    "bad signature": lambda server: spoiled(auth_of(server, LAB)),
    "unknown, bad signature": lambda server: spoiled(auth_of(server, STRANGER)),
    "no point of the curve": lambda server: (lambda auth: auth[:5] + b"\2" + bytes(31) + auth[37:])(auth_of(server)),
}


def refused(server: ServerSide, auth: bytes) -> float:
    """How long the server took to say no, in seconds."""
    began = time.perf_counter()
    try:
        list(server.receive(auth))
    except Refused:
        server.refusal()
        return time.perf_counter() - began
    raise AssertionError("it was let in")


def spread() -> tuple[float, dict[str, float]]:
    """How far the medians of the faces are apart, as a part of their own median."""
    servers = {face: server_side(judge=JUDGE) for face in FACES}
    auths = {face: answer(servers[face]) for face, answer in FACES.items()}
    times: dict[str, list[float]] = {face: [] for face in FACES}
    for _ in range(ROUNDS):
        for face, server in servers.items():
            server.__dict__.update(_tried=False, _decoder=wire.decoder(wire.MAX_STRANGER))
            times[face].append(refused(server, auths[face]))
    medians = {face: statistics.median(taken) for face, taken in times.items()}
    return (max(medians.values()) - min(medians.values())) / statistics.median(medians.values()), medians


@pytest.mark.timeout(300)
def test_every_face_takes_the_same_time():
    told = []
    for _ in range(ATTEMPTS):
        apart, medians = spread()
        if apart < MOST:
            return
        told.append(medians)
    raise AssertionError(f"the faces differ: {told}")


def test_an_ephemeral_key_that_is_refused_belongs_to_somebody_who_had_signed_in_rightly():
    """It is looked at last, so it tells nothing about keys."""
    server = server_side(judge=JUDGE)
    auth = auth_of(server, STRANGER)
    with pytest.raises(Refused, match="unknown key"):
        list(server.receive(auth[:69] + bytes(32) + auth[101:]))
