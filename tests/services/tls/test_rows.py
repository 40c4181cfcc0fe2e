"""A private key's file is there exactly as long as a row names it: whoever renews, removes, uploads beside, or is killed meanwhile."""

import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, close_old_connections, connections, transaction

from services import audit
from services.errors import CertificateRefused, CertificateUnknown, SockpanelError
from services.models import Certificate
from services.tls import keyfiles, pem, rows, shelf, store
from tests.services.tls import making

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

LONG_AGO = time.time() - 7200


def made(name: str = "lab") -> Certificate:
    pair = making.pair()
    return store.upload({"name": name, "chain": pair.chain, "key": pair.key_text}, "ada")


def keys(data: Path) -> set[str]:
    return {path.name.removesuffix(".key") for path in (data / "tls").iterdir()}


def test_a_renewal_just_before_a_removal_leaves_no_key_behind(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever row the removal finds, it is the one of its own turn."""
    made()
    take = rows.advisory.take

    def renewed_first(*words: Any) -> None:
        monkeypatch.setattr(rows.advisory, "take", take)
        monkeypatch.undo()
        pair = making.pair()
        store.renew("lab", {"chain": pair.chain, "key": pair.key_text}, "bob")

    monkeypatch.setattr(rows.advisory, "take", renewed_first)
    store.remove("lab", "ada")
    assert keys(data) == set()


def test_what_is_removed_while_it_is_renewed_stays_removed(data: Path) -> None:
    row = made()
    store.remove("lab", "ada")
    pair = making.pair()
    with pytest.raises(CertificateUnknown, match="removed meanwhile"):
        rows.replace(row, pem.certificates(pair.chain, "chain"), pem.private_key(pair.key_text), "bob", is_own=False)
    assert keys(data) == set()


def test_an_upload_that_cannot_be_told_leaves_neither_row_nor_key(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(audit, "record", away)
    with pytest.raises(OperationalError):
        made()
    assert not Certificate.objects.exists()
    assert not (data / "tls").exists() or keys(data) == set()


def test_a_key_that_cannot_be_kept_leaves_no_row(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.mkdir()
    (data / "tls").write_text("in the way")
    with pytest.raises(SockpanelError, match="cannot be used"):
        made()
    assert not Certificate.objects.exists()


def test_two_uploads_of_one_key_at_once_leave_a_row_with_its_key(data: Path) -> None:
    """Both bring the name too: one gets it, and the other's refusal takes nothing from it."""
    for _ in range(5):
        pair = making.pair()
        words = {"name": "lab", "chain": pair.chain, "key": pair.key_text}
        start = threading.Barrier(2)
        refused: list[Exception] = []

        def upload(
            words: dict[str, str] = words, start: threading.Barrier = start, refused: list[Exception] = refused
        ) -> None:
            start.wait(5)
            try:
                store.upload(words, "ada")
            except CertificateRefused as error:
                refused.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=upload) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert (len(refused), keys(data)) == (1, {shelf.find("lab").public})
        store.remove("lab", "ada")
    close_old_connections()


def old(path: Path) -> Path:
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def laid(public: str) -> Path:
    """A key's file that has lain there for long."""
    keyfiles.keep(public, f"the key {public[0]}")
    return old(keyfiles.path_of(public))


def test_keys_that_no_row_names_are_put_aside_at_a_start_and_no_others(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = made().public
    old(keyfiles.path_of(kept))
    laid("a" * 64)
    keyfiles.keep("b" * 64, "a key")
    draft = data / "tls" / f".{'c' * 64}.{'d' * 16}"
    draft.write_text("half")
    old(draft)
    foreign = data / "tls" / "notes.txt"
    foreign.write_text("mine")
    old(foreign)
    rows.sweep()
    assert keys(data) == {kept, "b" * 64, "notes.txt", keyfiles.UNNAMED}
    [aside] = (data / "tls" / keyfiles.UNNAMED).iterdir()
    assert (aside.name, aside.read_text()) == (f"{'a' * 64}.key", "the key a")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (aside.parent, aside)] == [0o700, 0o600]
    assert "aaaaaaaaaaaaaaaa..." in caplog.text


@pytest.mark.parametrize("is_restored", [False, True])
def test_the_keys_of_another_database_come_back_with_it(data: Path, is_restored: bool) -> None:
    """Whoever tries out another database, and makes a certificate there, loses no key of the one before."""
    first = made("first")
    key = old(keyfiles.path_of(first.public)).read_text()
    Certificate.objects.all().delete()
    made("of-the-other")
    rows.sweep()
    assert not keyfiles.exists(first.public)
    Certificate.objects.all().delete()
    first.save(force_insert=True)
    rows.sweep(is_restored=is_restored)
    assert keyfiles.read(first.public) == key
    assert list((data / "tls" / keyfiles.UNNAMED).iterdir()) == []


def test_a_start_after_a_restore_puts_no_key_aside(data: Path) -> None:
    made()
    orphan = laid("a" * 64)
    rows.sweep(is_restored=True)
    assert orphan.exists()


def test_a_database_without_certificates_takes_nobodys_keys(data: Path) -> None:
    keyfiles.keep("a" * 64, "a key")
    old(keyfiles.path_of("a" * 64))
    rows.sweep()
    assert keyfiles.exists("a" * 64)


def test_a_start_goes_on_when_nothing_can_be_swept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("away")

    made()
    monkeypatch.setattr(rows.advisory, "take", away)
    rows.sweep()
    assert "could not be looked for: away" in caplog.text


@pytest.mark.skipif("connections['default'].vendor != 'postgresql'")
def test_who_hangs_while_changing_certificates_keeps_nobody_waiting_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "WAIT", 0.1)
    has, may_go = threading.Event(), threading.Event()

    def hang() -> None:
        with transaction.atomic():
            rows.advisory.take(connections["default"], rows.LOCK, 5)
            has.set()
            may_go.wait(10)
        connections.close_all()

    thread = threading.Thread(target=hang)
    thread.start()
    try:
        assert has.wait(5)
        with pytest.raises(OperationalError, match="lock timeout"):
            made()
    finally:
        may_go.set()
        thread.join(10)
