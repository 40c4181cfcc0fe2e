"""A command runs: its output comes as it is written, both streams apart, and its end is told truly."""

import asyncio
import errno
import os
import signal
import time

import pytest

from services.errors import CommandNotStarted
from services.servers.commands import spawned
from tests.services.servers.commands.caged import MIB, PYTHON, Ran, alive, folder, needs_python, plan, run, sh, unique
from tests.waiting import eventually, eventually_async


async def test_a_command_runs_and_its_status_is_told():
    ran, ended = await run(plan("/bin/echo", "hello"))
    assert (ran.stdout, ended.code, ended.signal, ended.why, ended.truncated) == ("hello\n", 0, None, "", False)
    assert (ended.stdout_bytes, ended.stderr_bytes, ended.failure) == (6, 0, None)


@pytest.mark.parametrize("code", [1, 127, 255])
async def test_an_exit_status_is_what_the_program_said(code: int):
    assert (await run(sh(f"exit {code}")))[1].code == code


async def test_a_signal_that_ended_it_is_told():
    ended = (await run(sh("kill -SEGV $$")))[1]
    assert (ended.code, ended.signal) == (None, signal.SIGSEGV)


async def test_both_streams_come_apart():
    ran, ended = await run(sh("echo out; echo err >&2"))
    assert (ran.stdout, ran.stderr, ended.stdout_bytes, ended.stderr_bytes) == ("out\n", "err\n", 4, 4)


async def test_output_comes_while_the_command_still_runs():
    ran = Ran(sh("echo first; exec sleep 30"))
    await ran.first()
    ran.running.cancel("enough")
    assert ran.stdout == "first\n"
    assert (await ran.ended(3)).why == "enough"


async def test_bytes_that_are_no_text_come_as_they_are():
    ran, _ = await run(sh(r"printf '\000\377\033[31m\200'"))
    assert bytes(ran.streams[1]) == b"\0\xff\x1b[31m\x80"


async def test_stdin_is_empty_so_that_nothing_waits_for_it():
    ran, ended = await run(plan("/bin/cat"))
    assert (ran.stdout, ended.code) == ("", 0)


async def test_a_program_that_is_not_there_is_told_in_a_sentence():
    ended = (await run(plan("/usr/bin/no-such-program")))[1]
    assert ended.failure is not None
    assert ended.failure.message == "/usr/bin/no-such-program could not be started: No such file or directory."


async def test_output_beyond_its_limit_is_counted_and_not_handed_on():
    ran, ended = await run(sh("head -c 5000 /dev/zero; head -c 5000 /dev/zero >&2", output_bytes=6000))
    assert len(ran.streams[1]) + len(ran.streams[2]) == 6000
    assert (ended.stdout_bytes, ended.stderr_bytes, ended.truncated, ended.code) == (5000, 5000, True, 0)


async def test_output_of_exactly_the_limit_is_whole():
    ran, ended = await run(sh("head -c 6000 /dev/zero", output_bytes=6000))
    assert (len(ran.streams[1]), ended.truncated) == (6000, False)


async def test_a_command_that_never_stops_writing_is_ended():
    ran, ended = await run(plan("/usr/bin/yes", output_bytes=1000))
    assert ended.why.startswith("it wrote 64 MiB more")
    assert (len(ran.streams[1]), ended.truncated, ended.signal) == (1000, True, signal.SIGKILL)


async def test_time_is_limited():
    began = time.monotonic()
    ended = (await run(plan("/bin/sleep", "30", seconds=1.0)))[1]
    assert ended.why == "it took longer than 1 s"
    assert time.monotonic() - began < 4


# Not read for a while


async def test_a_command_that_is_not_read_waits_and_loses_nothing():
    with folder(0o777) as place:
        ran = Ran(sh(f"head -c 8000000 /dev/zero; : > {place}/written", output_bytes=64 * MIB, caged=False))
        ran.running.pause()
        await asyncio.to_thread(eventually, lambda: len(alive("head\0-c\x008000000\0")) == 1)
        await _turns_of_the_loop()
        assert not ran.came.is_set()
        assert not place.joinpath("written").exists()
        ran.running.resume()
        ended = await ran.ended()
    assert (len(ran.streams[1]), ended.stdout_bytes, ended.why) == (8_000_000, 8_000_000, "")


async def _turns_of_the_loop() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def test_the_end_of_a_command_waits_until_its_output_is_read():
    ran = Ran(sh("echo all; echo of it >&2"))
    ran.running.pause()
    await eventually_async(lambda: ran.running._is_empty)
    await _turns_of_the_loop()
    assert not ran.is_over
    ran.running.resume()
    ended = await ran.ended(2)
    assert (ran.stdout, ran.stderr, ended.code, ended.why) == ("all\n", "of it\n", 0, "")


async def test_what_nobody_reads_is_handed_on_when_the_time_of_the_command_is_over():
    """Its pipes hold no more than 2 MiB, and whoever paused it has had as long as the command itself."""
    ran = Ran(sh("head -c 500000 /dev/zero", seconds=1.0))
    ran.running.pause()
    ended = await ran.ended(3)
    assert (len(ran.streams[1]), ended.code, ended.why) == (500_000, 0, "")


async def test_a_command_that_waits_to_be_read_ends_with_its_time_as_any_other():
    ran = Ran(plan("/usr/bin/yes", seconds=1.0, output_bytes=64 * MIB))
    ran.running.pause()
    ended = await ran.ended(4)
    assert (ended.why, ended.signal) == ("it took longer than 1 s", signal.SIGKILL)
    assert len(ran.streams[1]) == ended.stdout_bytes


@pytest.mark.parametrize("line", ["yes", "head -c 100000 /dev/zero"], ids=["running", "ended"])
async def test_a_command_can_be_ended_without_being_read_again(line: str):
    ran = Ran(sh(f"echo first; exec {line}", output_bytes=64 * MIB))
    await ran.first()
    ran.running.pause()
    if line != "yes":
        await eventually_async(lambda: ran.running._is_empty)
    ran.running.cancel("the client has gone")
    ended = await ran.ended(2)
    assert (ended.why, len(ran.streams[1])) == ("the client has gone", ended.stdout_bytes)


async def test_pausing_from_within_the_output_is_heeded_at_once():
    ran = Ran(sh("head -c 4000000 /dev/zero", output_bytes=64 * MIB))
    parts: list[int] = []

    def output(stream: int, data: bytes) -> None:
        parts.append(len(data))
        ran.running.pause()

    ran.running._output = output
    await eventually_async(lambda: parts)
    await _turns_of_the_loop()
    assert len(parts) == 1
    while not ran.is_over:
        ran.running.resume()
        await asyncio.sleep(0)
    assert sum(parts) == 4_000_000


# Ended from outside


async def test_the_first_reason_for_an_end_counts():
    ran = Ran(plan("/bin/sleep", "30"))
    ran.running.cancel("one")
    ran.running.cancel("two")
    assert (await ran.ended(3)).why == "one"


ESCAPES = {
    "in the background": "/bin/sleep {mark} & wait",
    "deaf to every signal": "trap '' TERM HUP INT; /bin/sleep {mark} & wait",
    "in a session of its own": "setsid /bin/sleep {mark} & wait",
    "forked twice into another session": "(setsid sh -c '/bin/sleep {mark} & exit' &) ; sleep 30",
    "stopped": "/bin/sleep {mark} & kill -STOP $!; kill -STOP $$",
    "with its output given up": "exec >&- 2>&-; (setsid /bin/sleep {mark} &); sleep 30",
}


@pytest.mark.parametrize("how", ESCAPES)
async def test_whatever_a_command_started_ends_with_it(how: str):
    mark = unique()
    ran = Ran(sh("echo here; " + ESCAPES[how].format(mark=mark)))
    await ran.first()
    await eventually_async(lambda: len(alive(mark)) > 1)
    ran.running.cancel("asked")
    assert (await ran.ended(2)).why == "asked"
    assert alive(mark) == []


@pytest.mark.parametrize("how", ESCAPES)
async def test_the_same_when_its_time_is_over(how: str):
    mark = unique()
    ended = (await run(sh(ESCAPES[how].format(mark=mark), seconds=1.0)))[1]
    assert (ended.why, alive(mark)) == ("it took longer than 1 s", [])
    assert ended.seconds < 3


HYDRA = """
import os, sys
print("begins", flush=True)
os.fork() and os._exit(0)
os.setsid()
while True:
    os.fork() and os._exit(0)
"""


@needs_python
async def test_a_command_that_runs_from_process_to_process_ends_when_its_first_one_does():
    mark = unique()
    ran, ended = await run(plan(PYTHON, "-c", HYDRA, mark))
    assert (ended.code, ran.stdout) == (0, "begins\n")
    assert alive(mark) == []


async def test_the_end_of_one_command_leaves_the_others_alone():
    one, other = Ran(sh("echo a; exec sleep 30")), Ran(sh("echo b; exec sleep 30"))
    await one.first()
    await other.first()
    one.running.cancel("asked")
    await one.ended(2)
    assert not other.is_over
    other.running.cancel("asked too")
    assert (await other.ended(2)).why == "asked too"


async def test_nothing_comes_after_the_end():
    ran = Ran(plan("/usr/bin/yes", output_bytes=64 * MIB))
    await ran.first()
    ran.running.cancel("asked")
    ended = await ran.ended(2)
    size = len(ran.streams[1])
    ran.running.pause()
    ran.running.resume()
    ran.running.cancel("again")
    await _turns_of_the_loop()
    assert len(ran.streams[1]) == size == ended.stdout_bytes


# Much of it


async def test_many_at_once_keep_apart():
    commands = [Ran(sh(f"echo {number}; exit {number}")) for number in range(16)]
    for number, ran in enumerate(commands):
        assert ((await ran.ended()).code, ran.stdout) == (number, f"{number}\n")


async def test_a_command_leaves_no_descriptor_and_no_child():
    await run(plan("/bin/true"))
    before = len(os.listdir("/proc/self/fd"))
    for line in ("true", "exec >&-; exit 3", "kill -9 $$"):
        await run(sh(line))
    _, ended = await run(plan("/no/such/program"))
    assert ended.failure is not None
    assert len(os.listdir("/proc/self/fd")) == before
    assert spawned._cages == set()


async def test_a_system_without_descriptors_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    before = sorted(os.listdir("/proc/self/fd"))
    pipes = iter([os.pipe, os.pipe])

    def pipe() -> tuple[int, int]:
        if (made := next(pipes, None)) is None:
            raise OSError(errno.EMFILE, "Too many open files")
        return made()

    monkeypatch.setattr(os, "pipe", pipe)
    with pytest.raises(CommandNotStarted, match="could not be started: Too many open files"):
        Ran(plan("/bin/true"))
    assert sorted(os.listdir("/proc/self/fd")) == before


async def test_a_cage_that_cannot_be_made_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spawned, "SCRIPT", "/no/such/script")
    _, ended = await run(plan("/bin/true"))
    assert ended.failure is not None
    assert ended.failure.message == "/bin/true could not be started: its cage could not be made."


async def test_a_hundred_megabytes_pass_in_two_seconds():
    began = time.monotonic()
    _, ended = await run(plan("/usr/bin/head", "-c", "100000000", "/dev/zero", output_bytes=128 * MIB))
    assert ended.stdout_bytes == 100_000_000
    assert time.monotonic() - began < 2
