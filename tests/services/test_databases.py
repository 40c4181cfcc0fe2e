"""Both databases: made, migrated after a copy, judged."""

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
        print("fine", flush=True)
    except errors.SockpanelError as error:
        print(error.code, error.message, flush=True)
    connections.close_all()
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
