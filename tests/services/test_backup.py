"""`backup`: one verified file, while everything runs, without a secret that could be used."""

import errno
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from services import backup
from services.errors import BackupFailed
from tests.services.stored import CHECKOUT, Stored, is_whole, query
from tests.waiting import eventually

SESSION_KEY = "k3y0fsomeonewhoissignedin0000000"
SIGN_IN = (
    "INSERT INTO accounts_session (session_key, session_data, expire_date, address, browser) "
    "VALUES ('{}', 'e30:data', '2099-01-01', '', '')"
)


@pytest.fixture
def stored(data_directory: Path, environment: dict[str, str]) -> Stored:
    made = Stored(data_directory, environment)
    made.fill()
    return made


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_goes_to_backups_for_our_eyes_only_and_prints_its_path_alone(stored: Stored):
    done = stored.manage("backup", check=True)
    path = Path(done.stdout.strip())
    assert path.parent == stored.backups
    assert [stat.S_IMODE(where.stat().st_mode) for where in (path.parent, path)] == [0o700, 0o600]
    assert os.listdir(path.parent) == [path.name]
    assert "secret-key" in done.stderr
    assert "who is signed in" in done.stderr


def test_holds_both_databases_whole_and_a_manifest_that_is_true(stored: Stored, tmp_path: Path):
    told = stored.json("backup", str(tmp_path / "b.tar.gz"))
    assert (told["path"], told["bytes"]) == (str(tmp_path / "b.tar.gz"), (tmp_path / "b.tar.gz").stat().st_size)
    folder = unpacked(tmp_path / "b.tar.gz", tmp_path / "unpacked")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest == {key: told[key] for key in manifest}
    for name, kept in manifest["databases"].items():
        file = folder / f"{name}.sqlite3"
        assert is_whole(file)
        assert (kept["bytes"], kept["sha256"]) == (file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest())
        assert "services.0001_initial" in kept["migrations"]
    assert query(folder / "messages.sqlite3", "SELECT count(*) FROM services_message") == [(50,)]
    assert query(folder / "control.sqlite3", "SELECT name FROM services_server") == [("lab",)]


def test_nobody_can_sign_in_with_what_is_inside(stored: Stored, tmp_path: Path):
    """Not with a session, also of one that ended, nor with a token, nor by forging either with the secret key; nor pose as one."""
    query(stored.control, SIGN_IN.format(SESSION_KEY))
    query(stored.control, SIGN_IN.format("gone" + SESSION_KEY[4:]))
    query(stored.control, "DELETE FROM accounts_session WHERE session_key LIKE 'gone%'")
    stored.python(
        "import django; django.setup(); from sockpanel.accounts.models import User; User.objects.create_user('ada', role='admin')"
    )
    token = stored.manage("token", "create", "ada", check=True).stdout.splitlines()[-1]
    secret = (stored.directory / "secret-key").read_bytes().strip()
    stored.manage("certificates", "make", "lab", check=True)
    keys = [path.read_bytes().splitlines()[1] for path in (stored.directory / "tls").iterdir()]
    assert len(keys) == 2  # its own and the authority's
    assert "tls" in stored.manage("backup", str(tmp_path / "b.tar"), check=True).stderr
    inside = (tmp_path / "b.tar").read_bytes()
    assert b"ada" in inside
    assert [needle for needle in (SESSION_KEY[4:].encode(), token.encode(), secret, *keys) if needle in inside] == []
    assert query(stored.control, "SELECT count(*) FROM accounts_session") == [(1,)]  # who is signed in stays so


def test_overwrites_nothing_and_leaves_nothing_when_it_fails(stored: Stored, tmp_path: Path):
    there = tmp_path / "b.tar"
    there.write_text("precious")
    done = stored.manage("backup", str(there))
    assert (done.returncode, there.read_text()) == (1, "precious")
    assert "is there already" in done.stderr
    done = stored.manage("backup", str(tmp_path / "nowhere" / "b.tar"), "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "SP-4020")
    assert os.listdir(tmp_path) == ["b.tar"]


def test_a_damaged_database_yields_no_backup_but_the_word_that_helps(stored: Stored, tmp_path: Path):
    size = stored.messages.stat().st_size
    with stored.messages.open("r+b") as file:
        file.seek(size - 8192)
        file.write(os.urandom(8192))
    done = stored.manage("backup", str(tmp_path / "b.tar"), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["code"]) == (1, "SP-4010")
    assert "manage.py restore" in told["detail"]
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_nothing(stored: Stored, small_disk: Path):
    done = stored.manage("backup", str(small_disk / "b.tar"), "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "SP-4020")
    assert "are free" in json.loads(done.stdout)["detail"]
    assert os.listdir(small_disk) == []


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_killed_at_work_it_leaves_no_file_of_the_wanted_name(stored: Stored, tmp_path: Path):
    command = [sys.executable, "manage.py", "backup", str(tmp_path / "b.tar")]
    process = subprocess.Popen(command, cwd=CHECKOUT, env=stored.environment, stderr=subprocess.DEVNULL)
    eventually(lambda: list(tmp_path.glob(".sockpanel-backup-*/sockpanel-draft")), within=20)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    if not (tmp_path / "b.tar").exists():  # it may have been quicker
        stored.manage("backup", str(tmp_path / "b.tar"), check=True)
    assert os.listdir(tmp_path) == ["b.tar"]  # the leftovers of the first one went with the second
    with tarfile.open(tmp_path / "b.tar") as tar:
        assert tar.getnames()[-1] == "manifest.json"


def test_folders_of_other_people_beside_the_target_are_left_alone(stored: Stored, tmp_path: Path):
    """Also one that has the name of ours, and a file of that name."""
    for name in (".backup-photos", ".sockpanel-backup-photos"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cat.jpg").write_text("precious")
    (tmp_path / ".sockpanel-backup-list").write_text("precious")
    before = sorted(tmp_path.rglob("*"))
    stored.manage("backup", str(tmp_path / "b.tar"), check=True)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "b.tar"])


def test_a_file_system_without_links_gets_its_backup_and_none_is_overwritten(tmp_path: Path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    packed, path = tmp_path / "packed", tmp_path / "b.tar"
    packed.write_text("whole")
    backup._publish(packed, path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["whole"]
    packed.write_text("another")
    with pytest.raises(BackupFailed, match="is there already"):
        backup._publish(packed, path)
    assert path.read_text() == "whole"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works for somebody else")
def test_what_root_makes_in_somebody_elses_data_directory_is_theirs(stored: Stored):
    (stored.directory / "databases.used").unlink(missing_ok=True)
    for path in (stored.directory, *stored.directory.rglob("*")):
        os.chown(path, 65534, 65534)
    path = Path(stored.manage("backup", check=True).stdout.strip())
    stored.manage("restore", str(path), "--yes", check=True)
    assert [one for one in stored.directory.rglob("*") if one.stat().st_uid != 65534] == []
