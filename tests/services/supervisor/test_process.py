"""Real child processes: their environment, their group, their end."""

import asyncio
import os
import signal
import sys

import pytest

from services.supervisor.process import Exit, Plan, Process, Spawned, environment, process_start, signal_name


def python(code, stdin=b"", descriptors=()):
    return Process(Spawned(Plan(command=(sys.executable, "-c", code), stdin=stdin, descriptors=descriptors)))


async def exited(process):
    ended = asyncio.Event()
    process.on_exit(asyncio.get_running_loop(), ended.set)
    async with asyncio.timeout(20):
        await ended.wait()
    return process.reap()


async def output(process):
    """What it wrote to its stderr, to the end."""
    descriptor = os.dup(process.stderr)
    with os.fdopen(descriptor, "rb") as file:
        text = await asyncio.to_thread(file.read)
    await exited(process)
    return text.decode()


@pytest.mark.parametrize("code", [0, 3, 255])
async def test_an_exit_code_is_told(code):
    assert await exited(python(f"raise SystemExit({code})")) == Exit(code=code, signal=None)


async def test_a_signal_is_told():
    process = python("import os; os.kill(os.getpid(), 11)")
    assert await exited(process) == Exit(code=None, signal=signal.SIGSEGV)


async def test_no_zombie_and_no_descriptor_stays():
    before = set(os.listdir("/proc/self/fd"))
    process = python("")
    await exited(process)
    assert process_start(process.pid) is None
    assert set(os.listdir("/proc/self/fd")) == before


async def test_it_leads_a_group_and_a_session_of_its_own():
    process = python("import os, sys; print(os.getpgrp() == os.getsid(0) == os.getpid(), file=sys.stderr)")
    assert await output(process) == "True\n"


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


async def test_terminate_asks_the_process():
    code = "signal.signal(15, lambda *_: sys.exit(7)); print('up', file=sys.stderr, flush=True); time.sleep(600)"
    process = python(f"import signal, sys, time; {code}")
    with os.fdopen(os.dup(process.stderr), "rb") as file:
        await asyncio.to_thread(file.readline)
    process.terminate()
    assert await exited(process) == Exit(code=7, signal=None)


@pytest.mark.parametrize("leader", ["time.sleep(600)", "os._exit(0)"])
async def test_the_whole_group_goes_with_its_leader(leader):
    alive, theirs = os.pipe()
    process = python(f"import os, time\nif os.fork() == 0: time.sleep(600)\n{leader}", descriptors=(theirs,))
    os.close(theirs)
    if "sleep" in leader:
        process.kill()
    await exited(process)
    with os.fdopen(alive, "rb") as file:
        assert await asyncio.to_thread(file.read) == b""  # at the end of file nobody holds the other end any more


async def test_terminating_what_has_just_ended_is_no_error():
    process = python("")
    ended = asyncio.Event()
    process.on_exit(asyncio.get_running_loop(), ended.set)
    await ended.wait()
    process.terminate()
    process.kill()
    assert process.reap().code == 0


def test_a_program_that_is_not_there_is_an_os_error():
    with pytest.raises(FileNotFoundError):
        Spawned(Plan(command=("/no/such/program",), stdin=b""))


def test_the_start_time_of_a_process_is_that_of_proc():
    assert process_start(os.getpid()) > 0
    assert process_start(2**22 + 1) is None


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (15, "SIGTERM"), (99, "signal 99")])
def test_a_signal_has_a_name(number, name):
    assert signal_name(number) == name
