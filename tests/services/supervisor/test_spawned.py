"""Real child processes that run a command: what they are given, and what they never see."""

import os

import pytest

from services.supervisor.spawned import Plan, Spawned, environment
from tests.services.supervisor.children import output, python


async def test_stdin_of_any_size_is_given_without_waiting_for_a_reader():
    process = python("import sys; print(len(sys.stdin.read()), file=sys.stderr)", stdin=b"x" * 5_000_000)
    assert await output(process) == "5000000\n"


async def test_only_the_named_descriptors_are_inherited():
    kept, dropped = os.pipe()
    code = "import os, sys; print(*os.listdir('/proc/self/fd'), file=sys.stderr)"
    seen = set(map(int, (await output(python(code, descriptors=(kept,)))).split()))
    assert {0, 1, 2, kept} <= seen
    assert len(seen) == 5  # and the one that it looks with
    os.close(kept)
    os.close(dropped)


async def test_secrets_of_our_environment_stay_here(monkeypatch):
    monkeypatch.setenv("SOCKPANEL_SECRET_KEY", "canary")
    monkeypatch.setenv("DATABASE_URL", "postgres://canary")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert "canary" not in str(environment())
    shown = await output(python("import os, sys; print(dict(os.environ), file=sys.stderr)"))
    assert "canary" not in shown
    assert "Asia/Tokyo" in shown


def test_a_program_that_is_not_there_is_an_os_error():
    with pytest.raises(FileNotFoundError):
        Spawned(Plan(command=("/no/such/program",), stdin=b""))
