"""What both sides sign, and the keys they get."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.servers.commands import handshake
from services.servers.commands.handshake import Refused, Transcript, fresh

HELLO, AUTH = bytes(113), bytes(97)

# Points of small order: RFC 7748 wants their result refused. (RFC 7748, section 6.1, and the list of D. J. Bernstein)
SMALL_X25519 = [
    bytes(32),
    b"\1" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ec" + "ff" * 30 + "7f"),
    bytes.fromhex("ed" + "ff" * 30 + "7f"),
    bytes.fromhex("ee" + "ff" * 30 + "7f"),
]


def test_hello_and_auth_come_back_field_by_field():
    ephemeral = fresh()
    payload = handshake.hello(b"s" * 32, ephemeral)
    hello = handshake.read_hello(payload)
    assert (len(payload), hello.server, hello.nonce, hello.ephemeral) == (
        113,
        b"s" * 32,
        ephemeral.nonce,
        ephemeral.public,
    )
    auth = handshake.read_auth(handshake.unsigned_auth(b"c" * 32, ephemeral) + b"g" * 64)
    assert auth == handshake.Auth(b"c" * 32, ephemeral.nonce, ephemeral.public, b"g" * 64)


@pytest.mark.parametrize("change", [lambda hello: hello[:-1], lambda hello: hello + b"\0", lambda hello: b""])
def test_a_hello_of_another_length_is_none(change):
    with pytest.raises(Refused, match="no HELLO"):
        handshake.read_hello(change(handshake.hello(bytes(32), fresh())))


def test_a_hello_of_another_version_is_none():
    payload = handshake.hello(bytes(32), fresh())
    with pytest.raises(Refused):
        handshake.read_hello(payload.replace(b"sp-rc/1", b"sp-rc/0"))


@pytest.mark.parametrize("payload", [b"", b"\2" + bytes(159), b"\2" + bytes(161), b"\1" + bytes(160)])
def test_an_auth_of_another_shape_is_none(payload):
    with pytest.raises(Refused, match="no AUTH"):
        handshake.read_auth(payload)


def test_nothing_that_is_signed_can_be_read_in_two_ways():
    whole = Transcript(HELLO, AUTH, bytes(32))
    assert whole.digest("client") == hashlib.sha256(b"sp-rc/1 client\0" + HELLO + AUTH + bytes(32)).digest()
    others = [
        whole.digest("server"),
        whole.digest("keys"),
        Transcript(b"\1" + HELLO[1:], AUTH, bytes(32)).digest("client"),
        Transcript(HELLO, b"\1" + AUTH[1:], bytes(32)).digest("client"),
        Transcript(HELLO, AUTH, b"\1" + bytes(31)).digest("client"),
    ]
    assert len({whole.digest("client"), *others}) == 6


def test_both_sides_get_the_same_keys_and_each_direction_its_own():
    ours, theirs = fresh(), fresh()
    transcript = Transcript(HELLO, AUTH, bytes(32))
    keys = handshake.keys(transcript, ours.shared_with(theirs.public))
    assert keys == handshake.keys(transcript, theirs.shared_with(ours.public))
    other = handshake.keys(Transcript(HELLO, AUTH, b"\1" * 32), ours.shared_with(theirs.public))
    assert len({keys.to_server, keys.to_client, other.to_server, other.to_client}) == 4


@pytest.mark.parametrize("point", SMALL_X25519, ids=lambda point: point.hex()[:8])
def test_a_point_that_makes_the_secret_known_is_refused(point):
    with pytest.raises(Refused, match="no secret"):
        fresh().shared_with(point)


WEAK_SIGNATURE = b"\1" + bytes(63)  # R is the neutral point, S is 0


@pytest.mark.parametrize("public", sorted(handshake._WEAK), ids=lambda public: public.hex()[:8])
@pytest.mark.parametrize("sign", [0, 0x80])
def test_a_key_that_everybody_can_sign_with_fits_no_signature(public, sign):
    public = public[:31] + bytes([public[31] | sign])
    assert handshake.is_weak(public)
    assert not any(handshake.fits(public, WEAK_SIGNATURE, bytes([number]) * 32) for number in range(32))


def test_without_that_rule_such_a_key_would_let_everybody_in():
    """OpenSSL takes the signature that belongs to no secret."""
    Ed25519PublicKey.from_public_bytes(b"\1" + bytes(31)).verify(WEAK_SIGNATURE, b"any text")


def test_a_signature_fits_its_key_and_text_alone():
    private = Ed25519PrivateKey.generate()
    public, signature = private.public_key().public_bytes_raw(), private.sign(b"text")
    assert handshake.fits(public, signature, b"text")
    assert not handshake.fits(public, signature, b"Text")
    assert not handshake.fits(fresh().nonce, signature, b"text")
    assert not handshake.fits(public, signature[:32] + b"\xff" * 32, b"text")
    assert not handshake.is_weak(public)


def test_a_certificate_binds_by_its_hash_and_its_absence_by_zeros():
    assert handshake.certificate_binding(b"der") == hashlib.sha256(b"der").digest()
    assert handshake.certificate_binding(None) == handshake.NO_BINDING == bytes(32)
