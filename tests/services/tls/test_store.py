"""Certificates: made by the panel's own authority, uploaded, renewed under the same name, removed; their keys stay files."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from services import operations
from services.errors import (
    CertificateInUse,
    CertificateRefused,
    CertificateUnknown,
    CertificateUnusable,
    SockpanelError,
)
from services.models import AuditEntry, Certificate
from services.servers import validation
from services.servers.spec import ServerSpec
from services.tls import keyfiles, own, shelf, store
from services.tls.materials import material_for
from tests.services.tls import making
from tests.written import first_entry_is_behind, tables_written

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


def spec(certificate: str, client: str = "none", client_ca: str = "") -> ServerSpec:
    tls = {"mode": "on", "certificate": certificate, "client": client, "client_ca": client_ca}
    return validation.build({"name": "echo", "kind": "tcp", "port": 9100, "tls": tls})


def made(name: str = "lab", *names: str) -> Certificate:
    return store.make({"name": name, "names": list(names) or ["localhost", "127.0.0.1"]}, "ada")


def uploaded(name: str = "lab", **words: Any) -> Certificate:
    pair = making.pair()
    return store.upload({"name": name, "chain": pair.chain, "key": pair.key_text} | words, "ada")


def refused(words: dict[str, Any]) -> SockpanelError:
    with pytest.raises(CertificateRefused) as told:
        store.upload({"name": "lab"} | words, "ada")
    assert not Certificate.objects.exists()
    return told.value


def test_a_certificate_is_made_at_once_and_whoever_trusts_the_authority_trusts_it() -> None:
    made("lab", "localhost", "127.0.0.1", "lab.lan")
    material = material_for(spec("lab"))
    trusting = making.trusting(shelf.find(own.AUTHORITY).chain)
    with making.shake(making.serving(material.certificate, material.key), trusting) as client:
        assert client.version() == "TLSv1.3"


def test_whoever_does_not_trust_the_authority_does_not_trust_it() -> None:
    made()
    material = material_for(spec("lab"))
    with pytest.raises(ssl.SSLCertVerificationError):
        making.shake(making.serving(material.certificate, material.key), ssl.create_default_context())


def test_the_authority_is_made_once() -> None:
    first = own.get("ada").fingerprint
    made("one")
    made("two")
    assert shelf.find(own.AUTHORITY).fingerprint == first
    assert Certificate.objects.filter(purpose="authority").count() == 1


def test_private_keys_are_in_files_of_their_owner_and_in_no_row(data: Path) -> None:
    row = made()
    files = list((data / "tls").iterdir())
    assert len(files) == 2  # the authority's and its own
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (data / "tls").stat().st_mode & 0o777 == 0o700
    assert keyfiles.path_of(row.public) in files
    assert not [row for row in Certificate.objects.values_list() if "PRIVATE" in str(row)]
    assert "PRIVATE" not in repr(material_for(spec("lab")))


def test_a_name_that_the_authority_may_not_vouch_for_is_refused_with_the_way_out() -> None:
    with pytest.raises(CertificateRefused, match=r"bank\.example\.com.*--new --for"):
        made("lab", "localhost", "bank.example.com")
    own.make(["example.com", "8.8.8.8"], "ada")
    assert made("lab", "bank.example.com", "*.example.com", "8.8.8.8").names[0] == "bank.example.com"


def test_names_that_are_none_are_refused() -> None:
    for bad in ([], ["a b"], ["-x"], ["1.2.3"], ["a" * 300], [7], "lab", ["lab"] * 101, ["\0"], ["*.*"]):
        with pytest.raises(CertificateRefused) as told:
            store.make({"name": "lab", "names": bad or [""]}, "ada")
        assert told.value.field == "names"


def test_a_renewed_certificate_has_its_name_another_key_and_no_former_file(data: Path) -> None:
    before = made()
    after = store.renew("lab", {}, "bob")
    assert (after.pk, after.names, after.revision, after.renewed_by) == (before.pk, before.names, 2, "bob")
    assert after.public != before.public
    assert not keyfiles.exists(before.public)
    assert keyfiles.exists(after.public)


def test_an_uploaded_one_is_renewed_with_what_is_brought_and_a_bad_one_changes_nothing() -> None:
    before = uploaded()
    with pytest.raises(CertificateRefused):
        store.renew("lab", {}, "ada")
    other = making.pair()
    with pytest.raises(CertificateRefused, match="bring the pair"):
        store.renew("lab", {"chain": other.chain, "key": making.pair().key_text}, "ada")
    assert shelf.find("lab").fingerprint == before.fingerprint
    assert keyfiles.exists(before.public)
    assert store.renew("lab", {"chain": other.chain, "key": other.key_text}, "ada").fingerprint != before.fingerprint


def test_a_certificate_renewed_with_the_same_key_keeps_its_file() -> None:
    pair = making.pair()
    row = uploaded(chain=pair.chain, key=pair.key_text)
    again = making.pair(key=pair.key, days=(-1, 60))
    store.renew("lab", {"chain": again.chain, "key": again.key_text}, "ada")
    assert keyfiles.exists(row.public)
    assert material_for(spec("lab")).certificate == again.chain


def test_an_encrypted_key_needs_its_passphrase_and_is_kept_open_for_its_owner_alone() -> None:
    pair = making.pair()
    words = {"chain": pair.chain, "key": pair.encrypted("open sesame")}
    assert refused(words).field == "password"
    assert refused(words | {"password": "open sesamy"}).field == "password"
    uploaded(**words, password="open sesame")
    assert material_for(spec("lab")).key == pair.key_text


def test_names_of_certificates() -> None:
    for bad in ("", "Lab", "-lab", "a" * 65, 7, None, own.AUTHORITY, "lab\0"):
        pair = making.pair()
        assert refused({"name": bad, "chain": pair.chain, "key": pair.key_text}).field == "name"
    uploaded("a" * 64)
    with pytest.raises(CertificateRefused, match="Another certificate"):
        uploaded("a" * 64)


def test_a_refused_upload_leaves_no_key_behind(data: Path) -> None:
    refused({"chain": making.pair().chain, "key": making.pair().key_text})
    assert not (data / "tls").exists()


def test_authorities_of_clients_have_no_key_and_serve_nobody() -> None:
    one, other = making.root("One"), making.root("Other")
    row = store.upload({"name": "staff", "purpose": "clients", "chain": one.chain + other.chain}, "ada")
    assert (row.public, row.subject) == ("", "CN=One")
    made()
    assert material_for(spec("lab", "required", "staff")).client_ca == one.chain + other.chain
    assert material_for(spec("lab", "none", "staff")).client_ca == ""
    with pytest.raises(CertificateUnusable, match="no server can show it"):
        material_for(spec("staff"))


def test_a_certificate_in_use_is_not_removed() -> None:
    row = made()
    server = operations.create(
        {"name": "echo", "kind": "tcp", "port": 9100, "tls": {"mode": "on", "certificate": "lab"}}, "ada"
    )
    with pytest.raises(CertificateInUse, match="used by echo"):
        store.remove("lab", "ada")
    operations.change(server, {"tls": {"mode": "off"}}, "ada")
    store.remove("lab", "ada")
    assert not keyfiles.exists(row.public)
    with pytest.raises(CertificateUnknown):
        material_for(spec("lab"))


def test_whatever_is_done_stands_in_the_audit_without_a_key() -> None:
    first = made()
    store.renew("lab", {}, "bob")
    store.remove("lab", "eve")
    entries = list(AuditEntry.objects.filter(verb="tls.change").order_by("number"))
    assert [(entry.who, entry.what) for entry in entries] == [
        ("ada", "sockpanel-ca is new"),
        ("ada", "lab is new"),
        ("bob", "lab is renewed"),
        ("eve", "lab is removed"),
    ]
    assert first.fingerprint in entries[2].details
    assert not [entry for entry in entries if "PRIVATE" in entry.details]


def test_a_certificate_goes_before_that_is_told_so_that_a_renewal_beside_it_waits_for_nobody() -> None:
    made()
    with tables_written() as tables:
        store.remove("lab", "ada")
    assert first_entry_is_behind(tables, "services_certificate")


def test_a_key_that_is_not_here_is_told_with_its_path() -> None:
    row = made()
    path = keyfiles.path_of(row.public)
    path.unlink()
    with pytest.raises(CertificateUnusable, match=str(path)):
        material_for(spec("lab"))


def test_a_key_that_others_may_read_is_refused_until_it_is_renewed() -> None:
    path = keyfiles.path_of(made().public)
    path.chmod(0o640)
    with pytest.raises(CertificateUnusable, match="may be read by others"):
        material_for(spec("lab"))
    store.renew("lab", {}, "ada")
    material_for(spec("lab"))


def test_a_renewal_between_the_look_at_the_row_and_that_at_the_file_harms_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made()
    read = keyfiles.read

    def renewed_meanwhile(public: str) -> str | None:
        monkeypatch.setattr(keyfiles, "read", read)
        store.renew("lab", {}, "bob")
        return read(public)

    monkeypatch.setattr(keyfiles, "read", renewed_meanwhile)
    material = material_for(spec("lab"))
    making.serving(material.certificate, material.key)  # raises when they do not belong together
