"""The keys that remote-command servers let in: made, restricted, revoked. Only public halves are kept.

key, pem = generate({"name": "ci", "commands": ["uname"]}, who="ada")  # `pem` is told once and kept nowhere
revoke("ci", who="ada")
"""

import base64
import hashlib
import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from services import audit, hints
from services.errors import KeyRefused
from services.models import Key
from services.remote import files
from services.servers.commands.handshake import is_weak

MAX_KEYS = 1_000
LIVES = timedelta(days=90)
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?")
RESTRICTIONS = ("owner", "servers", "commands", "shell", "sources", "expires_at")
MAX_LIST = 100  # names or networks
MAX_TEXT = 4_096  # characters of a public key as people give it
YEARS = range(2000, 9_999)


def listed() -> list[Key]:
    """By name, revoked ones too."""
    return list(Key.objects.all())


def find(name: str) -> Key:
    """Raises KeyRefused."""
    try:
        return Key.objects.get(name=name)
    except (Key.DoesNotExist, ValueError):
        raise KeyRefused(f"There is no key named {name[:64]!r}: look at the list of keys.", field="name") from None


def create(words: Mapping[str, Any], who: str) -> Key:
    """A key whose private half somebody else has. Raises KeyRefused; then nothing is saved."""
    _refuse_unknown(words, ("name", "public", *RESTRICTIONS))
    public = read_public(words.get("public"))
    if public == files.panel_public():
        raise KeyRefused("This is the panel's own key, which its servers let in anyway.", field="public")
    name = _name(words.get("name"))
    fields = {"expires_at": timezone.now() + LIVES, **_restrictions(words)}
    _refuse_past(fields["expires_at"])
    try:
        with transaction.atomic():
            _make_room()
            key = Key.objects.create(name=name, public=public.hex(), created_by=who, **fields)
            audit.record("key.create", who, what=name, new={"public": public.hex(), **fields})
    except IntegrityError:
        is_public = Key.objects.filter(public=public.hex()).exists()
        raise _taken("public", "public half") if is_public else _taken("name", "name") from None
    _tell()
    return key


def _refuse_past(end: datetime | None) -> None:
    """A key that is there may be given such an end, and is over then. Raises KeyRefused."""
    if end is not None and end <= timezone.now():
        raise KeyRefused(
            f"The key would have ended on {end:%Y-%m-%d} before it is made: give a later time, or null for never.",
            field="expires_at",
        )


def _taken(field: str, what: str) -> KeyRefused:
    return KeyRefused(f"Another key has this {what}: look at the list of keys.", field=field)


def _make_room() -> None:
    """Whoever was revoked first is forgotten first. Raises KeyRefused."""
    if Key.objects.count() < MAX_KEYS:
        return
    first = Key.objects.exclude(revoked_at=None).order_by("revoked_at").first()
    if first is None:
        raise KeyRefused(f"There are {MAX_KEYS:,} keys, and no room for more: revoke one that is not needed.")
    first.delete()


def generate(words: Mapping[str, Any], who: str) -> tuple[Key, str]:
    """A new pair: the key, and its private half as PEM (OpenSSH), told once. Raises KeyRefused."""
    private = Ed25519PrivateKey.generate()
    key = create({**words, "public": private.public_key().public_bytes_raw().hex()}, who)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return key, pem.decode()


def change(name: str, words: Mapping[str, Any], who: str) -> Key:
    """Other restrictions. Raises KeyRefused."""
    _refuse_unknown(words, RESTRICTIONS)
    restrictions = _restrictions(words)
    if restrictions:
        with transaction.atomic():
            key = find(name)
            Key.objects.filter(pk=key.pk).update(**restrictions)  # only these: a revocation meanwhile stays
            olds = {field: getattr(key, field) for field in restrictions}
            audit.record("key.change", who, what=name, old=olds, new=restrictions)
    _tell()
    return find(name)


def revoke(name: str, who: str) -> Key:
    """Nobody comes in with it any more, and who is in is thrown out with all that runs. Raises KeyRefused."""
    with transaction.atomic():
        rows = Key.objects.filter(pk=find(name).pk, revoked_at=None)
        if rows.update(revoked_at=timezone.now(), revoked_by=who):
            audit.record("key.revoke", who, what=name)
    _tell()
    return find(name)


def text(key: Key) -> str:
    """The public half as OpenSSH writes it."""
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public))
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    return f"{line} {key.name}"


def fingerprint(key: Key) -> str:
    """As `ssh-keygen -l` shows it."""
    digest = hashlib.sha256(base64.b64decode(text(key).split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def read_public(value: object) -> bytes:
    """32 bytes from 64 hex digits, an OpenSSH line or PEM. Raises KeyRefused."""
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        if "PRIVATE KEY" in value:
            raise KeyRefused(
                "This is a private key, which stays with its owner: give its public half (ssh-keygen -y -f FILE shows it).",
                field="public",
            )
        raw = _raw(value.strip())
        if raw is not None and not is_weak(raw):
            return raw
    raise KeyRefused(
        "This is no public Ed25519 key: give 64 hex digits, a line `ssh-ed25519 AAAA...`, or PEM (ssh-keygen -t ed25519 makes one).",
        field="public",
    )


def _raw(value: str) -> bytes | None:
    if re.fullmatch(r"[0-9a-fA-F]{64}", value):
        return bytes.fromhex(value)
    try:
        if value.startswith("-----BEGIN PUBLIC KEY-----"):
            key = serialization.load_pem_public_key(value.encode())
        else:
            key = serialization.load_ssh_public_key(value.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


def _name(value: object) -> str:
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    raise KeyRefused(
        "A key's name is 1 to 64 small letters, digits or any of _ . -, and begins and ends with a letter or digit.",
        field="name",
    )


def _refuse_unknown(words: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for field in words:
        if field not in known:
            raise KeyRefused(f"{field!r} is nothing that can be set here: use {', '.join(known)}.", field=str(field))


def _restrictions(words: Mapping[str, Any]) -> dict[str, Any]:
    checks = {
        "owner": _owner,
        "servers": _words,
        "commands": lambda field, value: None if value is None else _words(field, value),
        "shell": _flag,
        "sources": _sources,
        "expires_at": _expiry,
    }
    return {field: check(field, words[field]) for field, check in checks.items() if field in words}


def _owner(field: str, value: object) -> str:
    if isinstance(value, str) and len(value) <= 150 and value.isprintable():
        return value
    raise KeyRefused("The owner is a name of at most 150 characters.", field=field)


def _flag(field: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise KeyRefused(f"{field} is true or false.", field=field)


def _words(field: str, value: object) -> list[str]:
    if isinstance(value, list) and len(value) <= MAX_LIST and all(_is_word(word) for word in value):
        return value
    raise KeyRefused(f"{field} is a list of at most {MAX_LIST} names.", field=field)


def _is_word(word: object) -> bool:
    return isinstance(word, str) and 0 < len(word) <= 64 and word.isprintable()


def _sources(field: str, value: object) -> list[str]:
    if isinstance(value, list) and len(value) <= MAX_LIST and all(isinstance(source, str) for source in value):
        return [_network(field, source) for source in value]
    raise _no_networks(field)


def _network(field: str, text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _no_networks(field) from None
    if int(network.network_address) == int(ipaddress.ip_interface(text).ip):
        return str(network)
    raise KeyRefused(f"{text} has host bits: write {network}.", field=field)


def _no_networks(field: str) -> KeyRefused:
    return KeyRefused(
        f"{field} is a list of at most {MAX_LIST} networks or addresses, such as 10.0.0.0/8 or fd00::1.", field=field
    )


def _expiry(field: str, value: object) -> datetime | None:
    """RFC 3339, or null for never."""
    if value is None:
        return None
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.year not in YEARS:
        raise KeyRefused("The expiry is a time such as 2027-01-31T12:00:00Z, or null for never.", field=field)
    return found


def _tell() -> None:
    hints.hint("supervisor")
    hints.hint("panel")
