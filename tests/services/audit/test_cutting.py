"""Old entries go into a file, and the chain goes on: what is left is still proved, what went can be checked."""

import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection

from services import audit
from services.audit import chain, cutting, guard
from services.audit.cutting import cut
from services.audit.heads import Head
from services.audit.verifying import verify
from services.errors import AuditBroken, RequestRefused
from services.models import AuditEntry
from tests.services.audit import tampering

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ten() -> Iterator[list[AuditEntry]]:
    """Ten entries, the first six of them old, under guard."""
    made = [audit.record("send", "ada", server="lab", data=b"%d\xff" % number) for number in range(10)]
    for entry in made[:6]:
        entry.at -= 10**12
    previous = chain.FIRST
    for entry in made:
        entry.previous = previous
        previous = entry.hash = chain.digest(entry)
        entry.save()
    guard.put_up()
    yield made
    guard.take_down()


def numbers() -> list[int]:
    return list(AuditEntry.objects.order_by("number").values_list("number", flat=True))


def test_what_is_older_goes_and_the_rest_is_still_proved(ten: list[AuditEntry], tmp_path: Path):
    assert cut(ten[6].at, tmp_path / "old", "root") == 6
    assert numbers() == [7, 8, 9, 10, 11]
    found = verify([Head(3, ten[2].hash), Head(10, ten[9].hash)])
    assert (found.entries, found.first, found.last, found.heads) == (5, 7, 11, 1)
    assert AuditEntry.objects.get(number=11).verb == "audit.cut"


def test_the_file_holds_what_went_for_its_owner_alone_and_each_line_can_be_checked(
    ten: list[AuditEntry], tmp_path: Path
):
    cut(ten[6].at, tmp_path / "old", "root")
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600
    lines = (tmp_path / "old").read_bytes()
    previous = chain.FIRST
    for line in lines.splitlines():
        said = json.loads(line)
        assert said["previous"] == previous
        previous = said.pop("hash")
        assert hashlib.sha256(chain.as_json(said).encode()).hexdigest() == previous
    told = json.loads(AuditEntry.objects.get(number=11).details)["new"]
    assert (told["hash"], told["sha256"]) == (previous, hashlib.sha256(lines).hexdigest())


def test_many_go_in_several_cuts_and_it_can_be_cut_again(
    ten: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cutting, "AT_ONCE", 4)
    assert cut(ten[6].at, tmp_path / "one", "root") == 6
    assert numbers() == [7, 8, 9, 10, 11, 12]
    assert verify([]).first == 7
    assert cut(2**62, tmp_path / "two", "root") == 5  # the newest stays
    assert verify([]).first == 12


def test_large_ones_go_in_several_cuts_too(ten: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cutting, "BYTES_AT_ONCE", 1)
    assert cut(ten[6].at, tmp_path / "one", "root") == 6
    assert AuditEntry.objects.filter(verb="audit.cut").count() == 6
    assert verify([]).first == 7


def test_the_name_of_the_file_is_on_the_disk_before_anything_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced = []
    monkeypatch.setattr(cutting.places, "sync", lambda folder: synced.append((folder, len(numbers()))))
    cut(2**62, tmp_path / "old", "root")
    assert synced == [(tmp_path, 10)]


def test_where_nothing_is_old_enough_nothing_happens(ten: list[AuditEntry], tmp_path: Path):
    assert cut(1, tmp_path / "old", "root") == 0
    assert (numbers()[-1], (tmp_path / "old").exists()) == (10, False)


def test_no_file_is_overwritten(ten: list[AuditEntry], tmp_path: Path):
    (tmp_path / "old").write_text("mine")
    with pytest.raises(RequestRefused, match="not there yet"):
        cut(ten[6].at, tmp_path / "old", "root")
    assert (numbers()[-1], (tmp_path / "old").read_text()) == (10, "mine")


def test_a_forged_cut_is_found_out(ten: list[AuditEntry], tmp_path: Path):
    guard.take_down()
    AuditEntry.objects.filter(number__lte=3).delete()
    AuditEntry.objects.filter(number=10).update(cut=3, details='{"new":{"hash":"x"}}')
    with pytest.raises(AuditBroken):
        verify([])
    guard.put_up()


def test_what_cannot_be_written_does_not_go(ten: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cutting, "os", SimpleNamespace(**{**vars(cutting.os), "fsync": fail}))
    with pytest.raises(RequestRefused, match="No space"):
        cut(ten[6].at, tmp_path / "old", "root")
    assert numbers() == list(range(1, 11))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite takes any type in any column")
def test_entries_that_somebody_edited_go_into_the_file_as_they_stand(tmp_path: Path):
    guard.take_down()
    edited = tampering.tamper()
    tampering.sql("UPDATE services_auditentry SET at = 1 WHERE what <> 'untouched'")
    assert cut(2, tmp_path / "old", "root") == edited + 10
    assert len([json.loads(line) for line in (tmp_path / "old").read_bytes().splitlines()]) == edited + 10
    assert numbers()[0] == edited + 11
