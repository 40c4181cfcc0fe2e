"""`restore`: verified before anything is touched, what was there is kept, and killed at any moment it leaves old or new."""

import io
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.services.stored import CHECKOUT, Stored, is_whole, long_form, query, seeded
from tests.waiting import eventually

COUNT = "SELECT count(*) FROM services_message"
KILLS = 50 if long_form() else 8
DRIVER = """
import sys, django
from pathlib import Path
django.setup()
from services import restore
print("ready", flush=True)
sys.stdin.readline()
restore.restore(Path(sys.argv[1]))
print("done", flush=True)
"""
CRASH = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA journal_mode = WAL")
c.execute("PRAGMA wal_autocheckpoint = 0")
c.execute("DELETE FROM services_message")
os._exit(0)
"""
PREPARE = "import django; django.setup(); from services import databases; databases.prepare()"


@pytest.fixture
def stored(data_directory: Path, environment: dict[str, str]) -> Stored:
    made = Stored(data_directory, environment)
    made.fill()
    return made


@pytest.fixture
def backup(stored: Stored, tmp_path: Path) -> Path:
    """A backup with 50 messages, of a panel that had 60 afterwards."""
    stored.manage("backup", str(tmp_path / "b.tar"), check=True)
    rest = "at, run, connection, peer, direction, data, size, sent_by"
    more = f"SELECT server_id, seq + 50, {rest} FROM services_message WHERE seq <= 10"  # noqa: S608 - only fixed text
    query(stored.messages, f"INSERT INTO services_message (server_id, seq, {rest}) {more}")
    return tmp_path / "b.tar"


def test_brings_back_what_there_was_and_keeps_what_there_is(stored: Stored, backup: Path):
    told = stored.json("restore", str(backup), "--yes")
    assert told["restored"] == ["control", "messages"]
    assert stored.seqs() == list(range(1, 51))
    assert {stat.S_IMODE(file.stat().st_mode) for file in (stored.control, stored.messages)} == {0o600}
    assert query(Path(told["aside"]) / "messages.sqlite3", COUNT) == [(60,)]


def test_the_audit_is_told_how_much_of_it_came_back(stored: Stored, backup: Path):
    """By the number of its last entry: clocks of two machines prove nothing."""
    [(last,)] = query(stored.control, "SELECT max(number) FROM services_auditentry")
    stored.json("restore", str(backup), "--yes")
    assert json.loads((stored.control.parent / "audit.restored").read_text())["last_entry"] == last > 0


def test_a_log_of_the_former_database_is_not_applied_to_the_new_one(stored: Stored, backup: Path):
    """As a crash leaves it: the last transactions in the log alone."""
    stored.python(CRASH, str(stored.messages))
    assert stored.messages.with_name("messages.sqlite3-wal").stat().st_size > 0
    told = stored.json("restore", str(backup), "--yes")
    assert query(stored.messages, COUNT) == [(50,)]
    assert query(Path(told["aside"]) / "messages.sqlite3", COUNT) == [(0,)]


def test_works_where_the_databases_are_damaged_or_gone(stored: Stored, backup: Path):
    stored.control.unlink()
    stored.messages.write_bytes(b"nonsense" * 1000)
    assert stored.manage("servers", "list").returncode == 1
    stored.manage("restore", str(backup), "--yes", check=True)
    assert [server["name"] for server in stored.json("servers", "list")["servers"]] == ["lab"]


def test_asks_first_and_a_script_must_say_yes(stored: Stored, backup: Path):
    done = stored.manage("restore", str(backup), input="y\n")
    assert (done.returncode, query(stored.messages, COUNT)) == (2, [(60,)])
    assert "--yes" in done.stderr


def test_an_automatic_copy_replaces_its_own_database_only(stored: Stored):
    copy = stored.backups / "messages-20260101T000000000000Z.sqlite3"
    stored.backups.mkdir()
    copy.write_bytes(stored.messages.read_bytes())
    query(stored.messages, "DELETE FROM services_message")
    query(stored.control, "UPDATE services_server SET notes = 'newer'")
    assert stored.json("restore", str(copy), "--yes")["restored"] == ["messages"]
    assert query(stored.messages, COUNT) == [(50,)]
    assert query(stored.control, "SELECT notes FROM services_server") == [("newer",)]


@pytest.mark.parametrize("role", ["supervise", "web"])
def test_is_refused_while_anything_runs_on_the_data_and_names_it(stored: Stored, backup: Path, role: str):
    environment = stored.environment | {"SOCKPANEL_PORT": str(free_port())}
    with subprocess.Popen(
        [sys.executable, "manage.py", role], cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL
    ) as running:
        try:
            eventually(lambda: has_joined(running.pid, stored.directory / "databases.used"), within=60)
            done = stored.manage("restore", str(backup), "--yes", "--json")
            assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "SP-4022")
            assert f"pid {running.pid}: manage.py {role}" in json.loads(done.stdout)["detail"]
            assert query(stored.messages, COUNT) == [(60,)]
        finally:
            running.terminate()
    done = stored.manage("restore", str(backup), "--yes", "--json")
    assert done.returncode == 0, done.stderr


def has_joined(pid: int, file: Path) -> bool:
    """Whether a process has the lock, as the kernel tells: trying it would keep the process from it."""
    if not file.exists():
        return False
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    inode = str(file.stat().st_ino)
    return any(words[4] == str(pid) and words[5].endswith(f":{inode}") for words in locks if words[1] == "FLOCK")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def swap(path: Path) -> None:
    """Both files under each other's name, checksums and all."""
    with tarfile.open(path) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    manifest = json.loads(files["manifest.json"])
    kept = manifest["databases"]
    kept["control"], kept["messages"] = (
        kept["messages"] | {"file": "control.sqlite3"},
        kept["control"] | {"file": "messages.sqlite3"},
    )
    files["control.sqlite3"], files["messages.sqlite3"] = files["messages.sqlite3"], files["control.sqlite3"]
    rewrite(path, files | {"manifest.json": json.dumps(manifest).encode()})


def escape(path: Path) -> None:
    """A manifest that names a file elsewhere."""
    with tarfile.open(path) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    manifest = json.loads(files["manifest.json"])
    manifest["databases"]["control"]["file"] = "../../control.sqlite3"
    rewrite(path, files | {"../../control.sqlite3": b"x", "manifest.json": json.dumps(manifest).encode()})


def rewrite(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def age(path: Path) -> None:
    """From a Sockpanel of the future."""
    with tarfile.open(path) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    manifest = json.loads(files["manifest.json"]) | {"format": 2, "new": "field"}
    rewrite(path, files | {"manifest.json": json.dumps(manifest).encode()})


@pytest.mark.parametrize("harm", [flip, cut, swap, escape, age])
def test_a_backup_that_is_not_whole_and_ours_changes_nothing(stored: Stored, backup: Path, harm):
    harm(backup)
    before = stored.control.read_bytes(), sorted(os.listdir(stored.directory))
    done = stored.manage("restore", str(backup), "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "SP-4021")
    assert (stored.control.read_bytes(), sorted(os.listdir(stored.directory))) == before
    assert query(stored.messages, COUNT) == [(60,)]


def test_killed_at_any_moment_it_leaves_the_old_databases_or_the_new_ones(stored: Stored, backup: Path):
    chance, seen = seeded(), set()
    query(stored.control, "UPDATE services_server SET notes = 'newer'")
    old = stored.control.read_bytes(), stored.messages.read_bytes()
    for _ in range(KILLS):
        stored.control.write_bytes(old[0])
        stored.messages.write_bytes(old[1])
        kill_while_restoring(stored, backup, chance.uniform(0.0, 0.12))
        assert stored.python(PREPARE).stderr == ""
        assert not (stored.directory / "restore-under-way").exists()
        state = query(stored.messages, COUNT)[0][0], query(stored.control, "SELECT notes FROM services_server")[0][0]
        assert state in ((60, "newer"), (50, ""))
        assert is_whole(stored.control)
        assert is_whole(stored.messages)
        seen.add(state)
    print(seen)


def kill_while_restoring(stored: Stored, backup: Path, after: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(backup)],
        cwd=CHECKOUT,
        env=stored.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        killer = threading.Timer(after, process.send_signal, [signal.SIGKILL])
        process.stdin.write("\n")
        process.stdin.flush()
        killer.start()
        process.wait(20)
        killer.join()


WRITE = CRASH.replace("DELETE FROM services_message", "DELETE FROM services_message WHERE seq > 20")


def test_a_database_that_was_set_aside_comes_back_with_what_only_its_log_has(stored: Stored, backup: Path):
    stored.python(WRITE, str(stored.messages))
    aside = Path(stored.json("restore", str(backup), "--yes")["aside"])
    log = (aside / "messages.sqlite3-wal").read_bytes()
    stored.json("restore", str(aside / "messages.sqlite3"), "--yes")
    assert query(stored.messages, COUNT) == [(20,)]
    assert (aside / "messages.sqlite3-wal").read_bytes() == log


def test_messages_of_servers_that_an_older_control_database_does_not_know_are_kept(stored: Stored):
    """The next start forgets such servers."""
    copy = stored.backups / "control-20260101T000000000000Z.sqlite3"
    stored.backups.mkdir()
    copy.write_bytes(stored.control.read_bytes())
    query(copy, "DELETE FROM services_server")
    told = stored.json("restore", str(copy), "--yes")
    query(stored.messages, "DELETE FROM services_message")
    assert len(told["unknown_servers"]) == 1
    assert query(Path(told["aside"]) / "messages.sqlite3", COUNT) == [(50,)]
    for name in ("control", "messages"):
        stored.json("restore", f"{told['aside']}/{name}.sqlite3", "--yes")
    assert stored.seqs() == list(range(1, 51))
