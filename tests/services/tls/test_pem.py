"""PEM as people bring it: whatever is no certificate or no key is told apart, in a sentence, and nothing else ever happens."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from services.errors import CertificateRefused
from services.tls import pem
from tests.services.tls.making import pair

OWN = pair()


def test_the_texts_come_back_as_they_were() -> None:
    assert pem.chain_text(pem.certificates(OWN.chain, "chain")) == OWN.chain
    assert pem.key_text(pem.private_key(OWN.key_text)) == OWN.key_text


def test_what_stands_around_is_ignored() -> None:
    chain = f"Subject: lab\n{OWN.chain.replace(chr(10), chr(13) + chr(10))}\n\n{OWN.chain}"
    assert len(pem.certificates(chain, "chain")) == 2
    assert pem.key_text(pem.private_key(OWN.chain + OWN.key_text)) == OWN.key_text


def test_older_forms_of_keys_are_taken() -> None:
    old = OWN.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    assert pem.key_text(pem.private_key(parameters + old)) == OWN.key_text


@pytest.mark.parametrize("bad", [None, 7, "", "  ", "x", "é", OWN.key_text, "x" * (pem.MAX_TEXT + 1), OWN.chain[:-60]])
def test_what_is_no_certificate(bad: object) -> None:
    with pytest.raises(CertificateRefused) as told:
        pem.certificates(bad, "chain")
    assert told.value.field == "chain"


def test_the_longest_chain_and_one_more() -> None:
    assert len(pem.certificates(OWN.chain * pem.MAX_CHAIN, "chain")) == pem.MAX_CHAIN
    with pytest.raises(CertificateRefused, match=f"at most {pem.MAX_CHAIN}"):
        pem.certificates(OWN.chain * (pem.MAX_CHAIN + 1), "chain")


@pytest.mark.parametrize("bad", [None, "", "x", OWN.chain, OWN.key_text[:-60]])
def test_what_is_no_key(bad: object) -> None:
    with pytest.raises(CertificateRefused) as told:
        pem.private_key(bad)
    assert told.value.field == "key"


def test_a_passphrase_for_an_open_key() -> None:
    with pytest.raises(CertificateRefused, match="not encrypted"):
        pem.private_key(OWN.key_text, "open sesame")


def test_keys_that_tls_has_no_use_for() -> None:
    for key, word in (
        (dsa.generate_private_key(2048), "take RSA or EC"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
    ):
        with pytest.raises(CertificateRefused, match=word):
            pem.private_key(pem.key_text(key))  # type: ignore[arg-type]


@given(st.binary(max_size=200), st.integers(0, len(OWN.chain)))
def test_nothing_but_a_sentence_comes_of_damaged_text(noise: bytes, at: int) -> None:
    damaged = OWN.chain[:at] + noise.decode("latin-1") + OWN.chain[at:]
    for read in (lambda: pem.certificates(damaged, "chain"), lambda: pem.private_key(damaged, "x")):
        with suppress(CertificateRefused):
            read()


def test_what_is_no_pem_is_told_without_half_a_sentence_of_the_library() -> None:
    with pytest.raises(CertificateRefused) as refused:
        pem.certificates("hello", "chain")
    said = refused.value.message
    assert "Unable to load PEM file):" in said
    assert "http" not in said
