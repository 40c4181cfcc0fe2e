"""The panel's own authority: what it issues is believed for the names that it may vouch for, and for no others, by OpenSSL too."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from services.errors import CertificateRefused
from services.tls import authority, pem
from tests.services.tls.making import serving, shake, trusting

OWN = authority.make("Sockpanel CA of lab")


def issued(*names: str, for_client: bool = False) -> authority.Signed:
    return authority.issue(OWN, "Sockpanel lab", list(names), for_client)


def believed(signed: authority.Signed, name: str) -> None:
    """Raises what a client says that trusts the authority."""
    server = serving(pem.chain_text([signed[0]]), pem.key_text(signed[1]))
    with shake(server, trusting(pem.chain_text([OWN[0]])), name):
        pass


@pytest.mark.parametrize("name", ["localhost", "lab.lan", "a.b.home.arpa", "127.0.0.1", "10.1.2.3", "::1", "fd00::7"])
def test_private_names_are_vouched_for(name: str) -> None:
    assert authority.foreign(OWN[0], [name]) == []
    believed(issued(name), name)


@pytest.mark.parametrize("name", ["bank.example.com", "lan.example.com", "notlan", "8.8.8.8", "2606:4700::1111"])
def test_a_stolen_key_speaks_for_no_bank(name: str) -> None:
    """Even a certificate that was issued without asking is believed by nobody."""
    assert authority.foreign(OWN[0], [name]) == [name]
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        believed(issued(name), name)


def test_a_wildcard_is_for_one_level() -> None:
    believed(issued("*.lab.lan"), "a.lab.lan")
    with pytest.raises(ssl.SSLCertVerificationError):
        believed(issued("*.lab.lan"), "a.b.lab.lan")


def test_what_was_asked_for_is_vouched_for_besides() -> None:
    made, _ = authority.make("Sockpanel CA of lab", ["example.org", "8.8.8.8"])
    assert authority.foreign(made, ["www.example.org", "*.example.org", "8.8.8.8", "8.8.4.4", "org"]) == [
        "8.8.4.4",
        "org",
    ]


@pytest.mark.parametrize("name", ["com", "uk", "*.com", "nas", "dev", "co.uk", "com.au", "*.co.uk", "ac.jp"])
def test_names_that_are_everybodys_are_not_vouched_for(name: str) -> None:
    with pytest.raises(CertificateRefused, match="no domain of yours alone") as told:
        authority.make("Sockpanel CA of lab", ["example.org", name])
    assert told.value.field == "names"


@pytest.mark.parametrize(
    "name", ["localhost", "lan", "nas.lan", "example.co.uk", "lab.de", "co.example", "home.arpa", "8.8.8.8"]
)
def test_what_is_somebodys_or_private_is(name: str) -> None:
    assert authority.foreign(authority.make("Sockpanel CA of lab", [name])[0], [name]) == []


def test_what_this_machine_is_called_is_vouched_for_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "workshop")
    assert authority.foreign(authority.make("Sockpanel CA of lab", ["workshop"])[0], ["workshop"]) == []


def test_the_certificate_of_a_client_is_for_clients_alone() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"(?i)purpose"):
        believed(issued("localhost", for_client=True), "localhost")


def test_it_lasts_a_year_and_no_longer_than_its_authority() -> None:
    certificate, key = issued("localhost")
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=365)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert OWN[0].not_valid_after_utc > datetime.now(UTC) + timedelta(days=3650)


def test_it_issues_no_other_authorities() -> None:
    found = OWN[0].extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (found.ca, found.path_length) == (True, 0)
