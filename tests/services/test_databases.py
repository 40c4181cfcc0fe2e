"""Both databases: made, migrated after a copy, judged."""

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.services.stored import is_whole, long_form, query, seeded

CHECKOUT = Path(__file__).resolve().parent.parent.parent


DRIVER = """
import sys
import django
django.setup()
from django.db import connections
from services import databases, errors
for line in sys.stdin:
    try:
        getattr(databases, line.strip())()
        said = "fine"
    except errors.SockpanelError as error:
        said = f"{error.code} {error.message}"
    connections.close_all()
    print(said, flush=True)
"""


@pytest.fixture
def do(environment: dict[str, str]):
    """Calls a function of services.databases in a process of its own, on the test's own data directory: what came of it."""
    command = [sys.executable, "-c", DRIVER]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout

        def do(name: str) -> str:
            process.stdin.write(f"{name}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield do
        process.stdin.close()


def tables(file: Path) -> set[str]:
    with sqlite3.connect(file) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return found


def execute(file: Path, statement: str) -> Any:
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    connection.close()


def test_a_new_data_directory_gets_two_databases_that_we_alone_may_read(do, data_directory: Path):
    assert do("require_current").startswith("SP-4011")
    assert not list(data_directory.glob("*.sqlite3"))
    assert do("prepare") == "fine"
    control, messages = data_directory / "control.sqlite3", data_directory / "messages.sqlite3"
    assert "services_server" in tables(control)
    assert "services_message" in tables(messages)
    assert "services_message" not in tables(control)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (control, messages)} == {0o600}
    assert do("require_current") == do("ask") == do("prepare") == "fine"
    assert not (data_directory / "backups").exists()


def test_an_older_database_is_copied_before_it_is_migrated(do, data_directory: Path):
    do("prepare")
    control = data_directory / "control.sqlite3"
    execute(control, "DELETE FROM django_migrations WHERE app = 'axes' AND name >= '0010'")
    execute(control, "DROP TABLE axes_accessattemptexpiration")
    assert do("require_current") == (
        "SP-4011 The control database is not there or not up to date: run manage.py up, which makes and migrates both."
    )
    assert do("prepare") == "fine"
    copies = list((data_directory / "backups").iterdir())
    assert [copy.name[:8] for copy in copies] == ["control-"]
    assert "axes_accessattemptexpiration" not in tables(copies[0])
    assert "axes_accessattemptexpiration" in tables(control)
    assert stat.S_IMODE(copies[0].stat().st_mode) == 0o600
    assert is_whole(copies[0])


def test_a_newer_or_damaged_database_is_refused_and_left_alone(do, data_directory: Path):
    do("prepare")
    control, messages = data_directory / "control.sqlite3", data_directory / "messages.sqlite3"
    execute(
        control, "INSERT INTO django_migrations (app, name, applied) VALUES ('services', '9999_later', '2030-01-01')"
    )
    assert do("prepare").startswith(
        "SP-4010 The control database is from a newer Sockpanel (it has services.9999_later)"
    )
    execute(control, "DELETE FROM django_migrations WHERE name = '9999_later'")
    messages.write_bytes(b"this is no database" * 100)
    assert do("prepare").startswith("SP-4010 The messages database is damaged")
    assert messages.read_bytes().startswith(b"this is no database")


def test_processes_that_start_at_once_migrate_once(data_directory: Path, environment: dict[str, str]):
    code = "import django; django.setup(); from services import databases; databases.prepare()"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=60)[1] for process in started] == [b"", b""]
    assert [process.returncode for process in started] == [0, 0]


def test_an_empty_database_never_takes_a_lost_ones_place(do, data_directory: Path):
    do("prepare")
    control, messages = data_directory / "control.sqlite3", data_directory / "messages.sqlite3"
    kept = messages.read_bytes()
    losses = {
        "is not there, and it was": messages.unlink,
        "is empty, and it was not": lambda: messages.write_bytes(b""),
    }
    for how, lose in losses.items():
        lose()
        for name in ("prepare", "require_current"):
            assert do(name).startswith(f"SP-4010 The messages database {messages} {how}: put a backup")
        assert not messages.exists() or messages.stat().st_size == 0
        messages.write_bytes(kept)
    assert do("prepare") == "fine"
    control.unlink()
    assert do("prepare").startswith("SP-4010 The control database")
    assert not control.exists()


def test_without_both_databases_it_is_a_new_panel_only_when_somebody_says_so(do, data_directory: Path):
    do("prepare")
    for file in data_directory.glob("*.sqlite3"):
        file.unlink()
    assert "not there" in do("prepare")
    assert not list(data_directory.glob("*.sqlite3"))
    (data_directory / "databases.made").unlink()
    assert do("prepare") == do("require_current") == "fine"


def test_a_first_start_that_was_cut_off_is_completed(do, data_directory: Path):
    (data_directory / "control.sqlite3").touch()
    assert do("prepare") == "fine"


def test_both_databases_say_that_they_belong_together(do, data_directory: Path):
    do("prepare")
    numbers = {query(file, "PRAGMA user_version")[0][0] for file in data_directory.glob("*.sqlite3")}
    assert len(numbers) == 1
    assert numbers.isdisjoint({0})


AGE = """
import django
django.setup()
from django.core.management import call_command
from services import databases
databases.prepare()
for alias in databases.NAMES:
    call_command("migrate", "services", "0002", database=alias, verbosity=0)
    call_command("migrate", "axes", "0008", database=alias, verbosity=0)
"""
UPGRADE = """
import sys
import django
django.setup()
from services import databases
print("ready", flush=True)
sys.stdin.readline()
databases.prepare()
"""
SCHEMA = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
APPLIED = "SELECT app, name FROM django_migrations ORDER BY app, name"


def states(directory: Path) -> dict[str, tuple[Any, Any]]:
    return {
        name: (query(directory / f"{name}.sqlite3", SCHEMA), query(directory / f"{name}.sqlite3", APPLIED))
        for name in ("control", "messages")
    }


@pytest.mark.timeout(600 if long_form() else 120)
def test_an_upgrade_killed_at_any_moment_leaves_the_old_database_or_the_new_one(
    do, data_directory: Path, environment: dict[str, str]
):
    subprocess.run([sys.executable, "-c", AGE], cwd=CHECKOUT, env=environment, check=True)
    files = {file: file.read_bytes() for file in data_directory.glob("*.sqlite3")}
    old, chance, seen = states(data_directory), seeded(), set()
    assert do("prepare") == "fine"
    new = states(data_directory)
    assert old["messages"] != new["messages"]
    for _ in range(50 if long_form() else 8):
        for file, content in files.items():
            assert not list(data_directory.glob(f"{file.name}-*"))  # whoever closes a database last removes its log
            file.write_bytes(content)
        kill_while_upgrading(environment, chance.uniform(0.0, 0.5))
        found = states(data_directory)
        for name, state in found.items():
            assert state in (old[name], new[name]), name
            assert is_whole(data_directory / f"{name}.sqlite3")
        seen.add(tuple(state == new[name] for name, state in found.items()))
        assert do("prepare") == "fine"
        assert states(data_directory) == new
    print(seen)


def kill_while_upgrading(environment: dict[str, str], after: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", UPGRADE],
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        killer = threading.Timer(after, process.kill)
        process.stdin.write("\n")
        process.stdin.flush()
        killer.start()
        process.wait(30)
        killer.join()


def test_an_upgrade_without_room_for_the_copy_is_refused(do, data_directory: Path, environment: dict[str, str]):
    """The old database stays as it is."""
    subprocess.run([sys.executable, "-c", AGE], cwd=CHECKOUT, env=environment, check=True)
    old = states(data_directory)
    with full_folder(data_directory / "backups"):
        assert "before its upgrade needs" in do("prepare")
        assert states(data_directory) == old
    assert do("prepare") == "fine"


@contextmanager
def full_folder(folder: Path) -> Iterator[None]:
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


COPY = """
import django
django.setup()
from services import databases
from services.errors import DatabaseDamaged
from services.storage import copying
databases.prepare()
databases._copy("messages")
databases._copy("messages")
def damaged(*_):
    raise DatabaseDamaged("damaged")
copying.verify = damaged
try:
    databases._copy("messages")
except DatabaseDamaged:
    print("told")
"""


def test_upgrades_that_fail_leave_one_copy_and_no_draft(data_directory: Path, environment: dict[str, str]):
    done = subprocess.run(
        [sys.executable, "-c", COPY], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "told\n"
    assert [path.suffix for path in (data_directory / "backups").iterdir()] == [".sqlite3"]
