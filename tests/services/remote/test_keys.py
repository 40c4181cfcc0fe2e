"""Keys: read in every spelling, restricted, revoked; a private half is told once and kept nowhere."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.utils import timezone

from services.errors import KeyRefused
from services.models import Key
from services.remote import files, keys

pytestmark = pytest.mark.django_db

PUBLIC = Ed25519PrivateKey.from_private_bytes(b"\7" * 32).public_key()
RAW = PUBLIC.public_bytes_raw().hex()
OPENSSH = PUBLIC.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
PEM = PUBLIC.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
ECDSA = (
    generate_private_key(SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    .decode()
)


@pytest.mark.parametrize("text", [RAW, RAW.upper(), f"  {RAW}\n", OPENSSH, f"{OPENSSH} ada@laptop", PEM])
def test_a_public_key_is_read_in_every_spelling(text: str) -> None:
    assert keys.create({"name": "lab", "public": text}, "ada").public == RAW


@pytest.mark.parametrize(
    "text", ["", "abc", RAW[:-1], "00" * 32, "01" + "00" * 31, ECDSA, "ssh-ed25519 AAAA", None, 7, PEM[:40], "\0"]
)
def test_what_is_no_ed25519_key_or_a_weak_one_is_refused(text: Any) -> None:
    with pytest.raises(KeyRefused) as caught:
        keys.create({"name": "lab", "public": text}, "ada")
    assert caught.value.field == "public"
    assert not Key.objects.exists()


def test_a_generated_private_half_fits_and_is_kept_nowhere(settings: Any) -> None:
    key, pem = keys.generate({"name": "ci"}, "ada")
    private = serialization.load_ssh_private_key(pem.encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    assert private.public_key().public_bytes_raw().hex() == key.public
    secret = private.private_bytes_raw()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM services_key")
        row = repr(cursor.fetchall())
    assert secret.hex() not in row
    assert pem.split()[5] not in row
    assert not list(Path(settings.SOCKPANEL_DATA_DIR).rglob("ci*"))


def test_a_key_lives_for_ninety_days_unless_it_is_said() -> None:
    key = keys.create({"name": "lab", "public": RAW}, "ada")
    assert timedelta(days=89) < key.expires_at - timezone.now() <= timedelta(days=90)
    assert keys.change("lab", {"expires_at": None}, "ada").expires_at is None
    assert keys.change("lab", {"expires_at": "2027-01-31T12:00:00+01:00"}, "ada").expires_at.hour == 11


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"name": "Lab"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"name": ""}, "name"),
        ({"owner": "a\nb"}, "owner"),
        ({"owner": 7}, "owner"),
        ({"servers": "lab"}, "servers"),
        ({"commands": [""]}, "commands"),
        ({"commands": ["x"] * 101}, "commands"),
        ({"shell": "yes"}, "shell"),
        ({"sources": ["10.0.0.1/8"]}, "sources"),
        ({"sources": ["nowhere"]}, "sources"),
        ({"sources": [7]}, "sources"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2027-01-31T12:00:00"}, "expires_at"),
        ({"expires_at": "2027-02-31T12:00:00Z"}, "expires_at"),
        ({"expires_at": "1999-12-31T23:59:59Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(words: dict[str, Any], field: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        keys.create({"name": "lab", "public": RAW, **words}, "ada")
    assert caught.value.field == field
    assert not Key.objects.exists()


def test_no_key_is_made_that_has_ended_already() -> None:
    past, soon = timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(minutes=1)
    for make in (keys.create, keys.generate):
        with pytest.raises(KeyRefused, match="later time") as refused:
            make({"name": "lab", "expires_at": past.isoformat(), "public": RAW}, "ada")
        assert refused.value.field == "expires_at"
    assert not Key.objects.exists()
    keys.create({"name": "lab", "expires_at": soon.isoformat(), "public": RAW}, "ada")
    assert keys.change("lab", {"expires_at": past.isoformat()}, "ada").expires_at == past


def test_a_network_with_host_bits_is_refused_and_the_right_one_named() -> None:
    with pytest.raises(KeyRefused, match=r"^10\.0\.0\.1/8 has host bits: write 10\.0\.0\.0/8\.$"):
        keys.create({"name": "lab", "public": RAW, "sources": ["10.0.0.1/8"]}, "ada")
    assert keys.create({"name": "lab", "public": RAW, "sources": ["10.0.0.1", "fd00::/8"]}, "ada").sources == [
        "10.0.0.1/32",
        "fd00::/8",
    ]


def test_a_name_and_a_key_are_there_once() -> None:
    keys.create({"name": "lab", "public": RAW}, "ada")
    with pytest.raises(KeyRefused) as caught:
        keys.create({"name": "other", "public": OPENSSH}, "ada")
    assert caught.value.field == "public"
    with pytest.raises(KeyRefused) as caught:
        keys.generate({"name": "lab"}, "ada")
    assert caught.value.field == "name"


def test_a_revoked_key_stays_in_the_list_and_revoked() -> None:
    keys.create({"name": "lab", "public": RAW}, "ada")
    first = keys.revoke("lab", "ada")
    assert (first.revoked_by, keys.revoke("lab", "otto").revoked_at) == ("ada", first.revoked_at)
    assert [key.name for key in keys.listed()] == ["lab"]


def test_a_change_that_was_begun_before_a_revocation_does_not_undo_it(monkeypatch: pytest.MonkeyPatch) -> None:
    key, _ = keys.generate({"name": "lab"}, "ada")
    monkeypatch.setattr(keys, "find", lambda name: key)  # as it was before
    keys.revoke("lab", "ada")
    keys.change("lab", {"owner": "otto"}, "otto")
    key.refresh_from_db()
    assert (key.owner, key.revoked_by) == ("otto", "ada")


def test_a_key_that_nobody_has_is_refused_by_its_name() -> None:
    for do in (lambda: keys.revoke("lab", "ada"), lambda: keys.change("lab", {"owner": "otto"}, "ada")):
        with pytest.raises(KeyRefused, match="There is no key named 'lab'") as caught:
            do()
        assert caught.value.field == "name"


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    _, pem = keys.generate({"name": "ci"}, "ada")
    with pytest.raises(KeyRefused, match="private key, which stays with its owner"):
        keys.create({"name": "lab", "public": pem}, "ada")


def test_the_panels_own_key_needs_no_entry() -> None:
    with pytest.raises(KeyRefused, match="the panel's own key"):
        keys.create({"name": "lab", "public": files.panel_public().hex()}, "ada")


@pytest.mark.parametrize("do", [lambda: keys.revoke("lab", "ada"), lambda: keys.change("lab", {"shell": True}, "ada")])
def test_the_supervisor_is_told_of_every_change_at_once(do: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.create({"name": "lab", "public": RAW}, "ada")
    hinted: list[str] = []
    monkeypatch.setattr(keys.hints, "hint", hinted.append)
    do()
    assert "supervisor" in hinted


def test_fingerprints_are_those_of_ssh_keygen() -> None:
    key = keys.create({"name": "lab", "public": RAW}, "ada")
    assert keys.text(key) == f"{OPENSSH} lab"
    assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", keys.fingerprint(key))


def test_keys_are_bounded_and_who_was_revoked_first_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MAX_KEYS", 3)
    for name in ("one", "two", "three"):
        keys.generate({"name": name}, "ada")
    with pytest.raises(KeyRefused, match="no room for more: revoke one"):
        keys.generate({"name": "four"}, "ada")
    for name in ("two", "one"):
        keys.revoke(name, "ada")
    keys.generate({"name": "four"}, "ada")
    assert [key.name for key in keys.listed()] == ["four", "one", "three"]
