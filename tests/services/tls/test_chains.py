"""What makes no sense in a chain is refused before anything is kept, with a sentence that says what to do."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.errors import CertificateRefused
from services.tls import chains
from tests.services.tls.making import Pair, pair, root


def refused(*found: Pair, key: Pair | None = None) -> str:
    with pytest.raises(CertificateRefused) as told:
        chains.check_server([one.certificate for one in found], (key or found[0]).key)
    return told.value.message


def test_a_whole_chain_is_taken() -> None:
    top = root()
    middle = root("Middle", top)
    own = pair(issuer=middle)
    chains.check_server([one.certificate for one in (own, middle, top)], own.key)
    chains.check_server([own.certificate], own.key)


def test_a_key_of_another_certificate() -> None:
    assert "bring the pair" in refused(pair(), key=pair())


def test_a_chain_with_the_authority_on_top() -> None:
    top = root()
    own = pair(issuer=top)
    assert "belongs to certificate 2" in refused(top, own, key=own)


def test_a_chain_with_a_stranger_in_it() -> None:
    assert "CN=Root) did not issue the one above it (CN=lab)" in refused(pair(issuer=root()), root())


@pytest.mark.parametrize(("days", "word"), [((-9, -0.001), "ended on"), ((0.001, 9), "begins on")])
def test_dates(days: tuple[float, float], word: str) -> None:
    assert word in refused(pair(days=days))
    top = root(days=days)
    assert word in refused(pair(issuer=top), top)


def test_one_without_a_name() -> None:
    assert "names no host" in refused(pair(names=(), subject="x", more=[x509.SubjectAlternativeName([])]))


def test_one_that_is_for_clients_alone() -> None:
    assert "serverAuth" in refused(pair(more=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])]))


def test_weak_keys() -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 (that is the point)
    assert "1024 bits" in refused(pair(key=weak))


def by_openssl(tmp_path: Path, key: Pair, digest: str, *extensions: str) -> Path:
    """A certificate that the library itself would not sign any more."""
    (tmp_path / "key.pem").write_text(key.key_text)
    made = tmp_path / f"{digest}-{len(list(tmp_path.iterdir()))}.pem"
    wanted = [part for extension in extensions for part in ("-addext", extension)]
    command = ["openssl", "req", "-x509", "-new", f"-{digest}", "-key", str(tmp_path / "key.pem"), "-subj", "/CN=Old"]
    subprocess.run([*command, *wanted, "-days", "9", "-out", str(made)], check=True, capture_output=True, timeout=30)
    return made


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes what the library refuses to")
@pytest.mark.parametrize(("digest", "is_refused"), [("sha1", True), ("sha256", False)])
def test_a_servers_own_signature_of_itself_is_looked_at_and_a_roots_is_not(
    tmp_path: Path, digest: str, is_refused: bool
) -> None:
    own = root("Old")
    signed = x509.load_pem_x509_certificate(
        by_openssl(tmp_path, own, digest, "subjectAltName=DNS:localhost").read_bytes()
    )
    if is_refused:
        assert "signed with SHA1" in refused(Pair(signed, own.key))
    else:
        chains.check_server([signed], own.key)
    below = pair(issuer=Pair(signed, own.key))
    chains.check_server([below.certificate, signed], below.key)
    chains.check_authorities([signed])


def test_authorities_and_single_clients_may_be_believed_while_they_last() -> None:
    top = root()
    chains.check_authorities([top.certificate, pair(issuer=top).certificate])
    with pytest.raises(CertificateRefused, match="ended on"):
        chains.check_authorities([top.certificate, root(days=(-9, -1)).certificate])


def test_what_openssl_refuses_is_refused_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    own = pair()
    monkeypatch.setattr(chains.pem, "key_text", lambda _: "no key")
    assert "OpenSSL does not take this certificate (" in refused(own)


def test_every_strong_kind_of_key_is_taken() -> None:
    for key in (
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
    ):
        own = pair(key=key)
        chains.check_server([own.certificate], own.key)
