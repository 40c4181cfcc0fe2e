"""On PostgreSQL, both databases in one: what comes in is recorded, found, pruned and deleted, through restarts of everybody.

The server is the test's own, on a free port of the loopback address; skipped where PostgreSQL's programs are not installed.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.services import test_upgrade
from tests.services.upgrading import upgraded
from tests.waiting import eventually

pytestmark = [pytest.mark.external, pytest.mark.timeout(240)]

CHECKOUT = Path(__file__).resolve().parent.parent.parent
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
FIND = """
import json, sys, django
django.setup()
from services import history
query = history.Query(contains=(bytes.fromhex(sys.argv[2]),), max_bytes=int(sys.argv[3]), limit=1000)
found = history.messages(int(sys.argv[1]), query)
print(json.dumps([[message.seq for message in found.messages], found.more]))
"""


def programs() -> Path:
    """Where PostgreSQL's programs are: Debian keeps those of the server off the PATH."""
    folders = [*map(Path, os.environ["PATH"].split(os.pathsep)), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    found = [folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
    return found[-1] if found else pytest.skip("PostgreSQL's programs are not installed")


class Cluster:
    """A PostgreSQL server; its programs refuse to run as root and run as the user postgres then."""

    def __init__(self, directory: Path) -> None:
        self._programs, self._data, self._port = programs(), directory / "data", free_port()
        self._user: dict[str, Any] = {"user": "postgres", "cwd": directory} if os.geteuid() == 0 else {}
        self.server = f"postgresql://panel@127.0.0.1:{self._port}"
        self.url = f"{self.server}/postgres"

    def run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._data), *arguments]
        subprocess.run(command, check=True, timeout=60, **QUIET, **self._user)

    def sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self.run("pg_ctl", "-w", "-l", os.devnull, "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("psycopg")
    with tempfile.TemporaryDirectory(prefix="sp-pg-") as directory:
        made = Cluster(Path(directory))
        if os.geteuid() == 0:
            try:
                os.chown(directory, *_postgres())
            except KeyError:
                pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        made.run("initdb", "-A", "trust", "-U", "panel", "--no-sync")
        made.start()
        yield made
        made.stop()


def _postgres() -> tuple[int, int]:
    import pwd

    user = pwd.getpwnam("postgres")
    return user.pw_uid, user.pw_gid


class Panel:
    """A supervisor on the cluster, and the command line beside it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "manage.py", "supervise"]
        self._process = subprocess.Popen(command, cwd=CHECKOUT, env=self._environment)
        eventually(lambda: self.do("list", check=False) is not None, within=30)

    def end(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None

    def do(self, *words: str, check: bool = True) -> Any:
        """What `servers WORDS --json` answers; None when it failed and may."""
        command = [sys.executable, "manage.py", "servers", *words, "--json"]
        done = subprocess.run(command, cwd=CHECKOUT, env=self._environment, capture_output=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout) if done.returncode == 0 else None

    def seqs(self) -> list[int]:
        command = [sys.executable, "manage.py", "servers", "tail", "lab", "-n", "900", "--no-follow", "--json"]
        done = subprocess.run(command, cwd=CHECKOUT, env=self._environment, capture_output=True, timeout=60, check=True)
        return [json.loads(line)["seq"] for line in done.stdout.splitlines()]

    def find(self, server: int, needle: bytes, max_bytes: int = 1 << 20) -> list[Any]:
        """The numbers of the messages that hold `needle`, and whether there are more."""
        command = [sys.executable, "-c", FIND, str(server), needle.hex(), str(max_bytes)]
        done = subprocess.run(command, cwd=CHECKOUT, env=self._environment, capture_output=True, timeout=60, check=True)
        return json.loads(done.stdout)


@pytest.fixture
def panel(cluster: Cluster, environment: dict[str, str]) -> Iterator[Panel]:
    made = Panel(environment | {"DATABASE_URL": cluster.url})
    made.start()
    yield made
    made.end()


def test_a_user_who_may_make_no_tables_is_told_what_to_do(cluster: Cluster, environment: dict[str, str]) -> None:
    cluster.sql("CREATE USER guest")
    environment |= {"DATABASE_URL": cluster.url.replace("panel@", "guest@")}
    command = [sys.executable, "manage.py", "supervise"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"make the user of its URL its owner" in done.stderr


def shout(port: int, count: int) -> None:
    """So many datagrams to an upper-case server, with bytes that no text of PostgreSQL holds; each answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        for number in range(1, count + 1):
            client.sendto(b"m%d\0\xff" % number, ("127.0.0.1", port))
            assert client.recv(100) == b"M%d\0\xff" % number


def counted(panel: Panel) -> Callable[[int], bool]:
    return lambda number: panel.do("status", "lab")["counters"]["sent_stored"] == number


def test_a_server_lives_its_whole_life(cluster: Cluster, panel: Panel) -> None:
    port = free_port(socket.SOCK_DGRAM)
    lab = panel.do("add", "lab", "--preset", "upper-udp", "--port", str(port), "--set", "retention.rows=10", "--start")
    stored = counted(panel)
    shout(port, 30)
    eventually(lambda: stored(30))
    eventually(lambda: panel.seqs() == list(range(51, 61)))  # pruned once there is nothing else to do
    assert panel.find(lab["id"], b"M30\0\xff") == [[60], False]
    assert panel.find(lab["id"], b"\0\xff", max_bytes=11) == [[59, 60], True]

    panel.end(signal.SIGKILL)
    panel.start()
    eventually(lambda: panel.do("status", "lab")["state"] == "RUNNING")
    shout(port, 1)
    eventually(lambda: stored(31))

    cluster.stop()
    shout(port, 5)
    cluster.start()
    eventually(lambda: stored(36), within=20)
    assert panel.do("restart", "lab")["state"] == "RUNNING"
    assert panel.seqs()[-1] == 72

    panel.do("remove", "lab", "--yes")
    eventually(lambda: panel.find(lab["id"], b"") == [[], False])


# What they claim is about pages of SQLite's file
OF_A_FILE = ("test_all_servers_together_keep_what_the_cap_of_the_whole_allows", "test_pruned_pages_go_back_to_the_disk")
RACES = [f"tests/sockpanel/accounts/test_{name}.py" for name in ("race", "rivals")]
SAME_OF_THE_AUDIT = ("writing", "guard", "entries", "verifying", "cutting", "tampered", "evidence")
SAME_THERE = ("recorder", "batches", "bulk", "history", "retention", "execution_jobs", "bytes", "patience", "nuls")


def test_what_holds_on_sqlite_holds_there(cluster: Cluster) -> None:
    """The tests of recording, reading, pruning, the audit and the first set-up once more, each database by itself."""
    files = [*(f"tests/services/test_{name}.py" for name in SAME_THERE), *RACES]
    files += [f"tests/services/audit/test_{name}.py" for name in SAME_OF_THE_AUDIT]
    files.append("tests/services/tls/test_rows.py")
    without = [f"--deselect=tests/services/test_retention.py::{name}" for name in OF_A_FILE]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--reuse-db", "--timeout=60", *without, *files]
    environment = os.environ | {"TESTS_POSTGRESQL": cluster.server}
    del environment["DJANGO_SETTINGS_MODULE"]  # the other session names its own
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout[-5000:]


PREPARE = "import django; django.setup(); from services import databases; databases.prepare()"


APPEND = """
import sys, django
django.setup()
from services import audit
for number in range(30):
    audit.record("send", sys.argv[1], data=b"x" * 3000)
"""
VERIFY = """
import django; django.setup()
from services.audit.verifying import verify
found = verify([])
print(found.entries, found.guarded)
"""


def test_processes_that_append_at_once_write_one_chain(cluster: Cluster, environment: dict[str, str]) -> None:
    cluster.sql("CREATE DATABASE audited")
    environment |= {"DATABASE_URL": f"{cluster.server}/audited"}
    run = {"cwd": CHECKOUT, "env": environment, "stdout": subprocess.PIPE}
    subprocess.run([sys.executable, "-c", PREPARE], check=True, timeout=60, **run)
    begun = [subprocess.Popen([sys.executable, "-c", APPEND, who], **run) for who in ("ada", "otto", "vera")]
    assert [process.wait(60) for process in begun] == [0, 0, 0]
    for process in begun:
        process.communicate()
    done = subprocess.run([sys.executable, "-c", VERIFY], check=True, timeout=60, **run)
    assert done.stdout.split() == [b"90", b"True"]


def test_a_panel_of_the_first_version_is_upgraded_there(cluster: Cluster, environment: dict[str, str]) -> None:
    cluster.sql("CREATE DATABASE aged")
    found = upgraded(environment | {"DATABASE_URL": f"{cluster.server}/aged"})
    test_upgrade.check(found)
    assert found["audit"] == [2, True]


def test_machines_that_start_at_once_migrate_once(cluster: Cluster) -> None:
    """Each with a data directory of its own: only the database can keep them apart."""
    cluster.sql("CREATE DATABASE fresh")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", PREPARE],
                cwd=CHECKOUT,
                env=os.environ | {"SOCKPANEL_DATA_DIR": directory, "DATABASE_URL": f"{cluster.server}/fresh"},
                stderr=subprocess.PIPE,
            )
            for directory in (one, other)
        ]
        assert [process.communicate(timeout=100)[1] for process in started] == [b"", b""]


@pytest.mark.parametrize(("words", "tool"), [(["backup"], "pg_dump"), (["restore", "FILE", "--yes"], "pg_restore")])
def test_its_own_tools_are_named_for_backups(cluster: Cluster, environment: dict[str, str], words, tool) -> None:
    command = [sys.executable, "manage.py", *words]
    url = cluster.url.replace("panel@", "panel:secret@")
    subprocess.run(
        [sys.executable, "-c", PREPARE], cwd=CHECKOUT, env=environment | {"DATABASE_URL": cluster.url}, check=True
    )
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment | {"DATABASE_URL": url}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"use {tool} --" in done.stderr
    assert "--host=127.0.0.1" in done.stderr
    assert "secret" not in done.stderr


def test_what_was_answered_outlasts_its_restarts_and_work_goes_on_within_10_s(cluster: Cluster, panel: Panel) -> None:
    """The server answers after the commit; while PostgreSQL is away nothing is answered and nothing dropped."""
    port = free_port()
    added = panel.do("add", "firm", "--preset", "echo", "--port", str(port), *AFTER_COMMIT, "--start")
    with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rb") as answers:
        client.settimeout(30)
        answered = [ask(client, answers, number) for number in range(20)]
        for count in range(2):
            cluster.stop()
            client.sendall(b"away %d\n" % count)
            cluster.start()
            up_at = time.monotonic()
            assert answers.readline() == b"away %d\n" % count
            assert time.monotonic() - up_at < 10
            answered += [
                b"away %d" % count,
                *(ask(client, answers, number) for number in range(100 * count, 100 * count + 20)),
            ]
    eventually(lambda: panel.do("status", "firm")["counters"]["sent_stored"] == len(answered))
    counters = panel.do("status", "firm")["counters"]
    assert (counters["received"], counters["stored"], counters["dropped"]) == (len(answered), len(answered), {})
    stored, more = panel.find(added["id"], b"", max_bytes=1 << 30)
    assert (stored, more) == (list(range(1, 2 * len(answered) + 1)), False)
    panel.do("remove", "firm", "--yes")


AFTER_COMMIT = ("--set", "framing.type=line", "--set", "limits.reply_after_commit=true")


def ask(client: socket.socket, answers: Any, number: int) -> bytes:
    client.sendall(b"line %d\n" % number)
    assert answers.readline() == b"line %d\n" % number
    return b"line %d" % number
