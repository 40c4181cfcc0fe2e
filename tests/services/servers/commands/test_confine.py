"""What a command is when it begins, asked from inside the cage: nobody, with nothing, and within limits."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.services.servers.commands.caged import (
    AS_ROOT,
    MIB,
    PYTHON,
    USER,
    alive,
    folder,
    needs_landlock,
    needs_python,
    needs_root,
    plan,
    run,
    sh,
    unique,
)


async def status() -> dict[str, str]:
    """/proc/self/status of a command."""
    ran, _ = await run(plan("/bin/cat", "/proc/self/status"))
    return {name: value.strip() for name, _, value in (line.partition(":") for line in ran.stdout.splitlines())}


async def test_it_is_its_user_in_every_way_and_can_become_nobody_else():
    found = await status()
    uid, gid = USER or (os.getuid(), os.getgid())
    assert found["Uid"].split() == [str(uid)] * 4
    assert found["Gid"].split() == [str(gid)] * 4
    assert found["NoNewPrivs"] == "1"
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    if AS_ROOT:
        assert (found["CapBnd"], found["Groups"]) == ("0" * 16, "")


async def test_its_signals_are_as_a_program_expects_them():
    found = await status()
    assert {found[name] for name in ("SigBlk", "SigIgn", "SigCgt")} == {"0" * 16}


@needs_root
async def test_nothing_runs_as_root():
    for user in (None, (0, 0), (0, 65_534)):
        _, ended = await run(plan("/usr/bin/id", user=user))
        assert ended.failure is not None
        assert "it would run as root: set SOCKPANEL_COMMAND_USER" in ended.failure.message


@pytest.mark.skipif(AS_ROOT, reason="root may become anybody")
async def test_an_ordinary_user_cannot_become_another():
    _, ended = await run(plan("/usr/bin/id", user=(os.getuid() + 1, os.getgid())))
    assert ended.failure is not None
    assert "could not be changed to the one of SOCKPANEL_COMMAND_USER" in ended.failure.message


async def test_a_set_user_id_bit_gives_nothing():
    programs = [
        path for name in ("su", "mount", "passwd", "sudo") if (path := shutil.which(name, path="/bin:/usr/bin"))
    ]
    owners = [path for path in programs if os.stat(path).st_mode & 0o4000]
    if not owners:
        pytest.skip("no program here has it")
    ran, _ = await run(sh(f"{owners[0]} --help >/dev/null 2>&1; id -u; grep -h Uid /proc/self/status"))
    assert "0" not in ran.stdout.split()


async def test_its_environment_has_three_words():
    ran, _ = await run(plan("/usr/bin/env"))
    assert sorted(ran.stdout.splitlines()) == [
        "HOME=/",
        "LANG=C.UTF-8",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]


async def test_it_has_no_descriptor_of_ours():
    ran, _ = await run(sh("for f in /proc/$$/fd/*; do readlink $f; done; pwd; umask"))
    *descriptors, where, mask = ran.stdout.splitlines()
    assert [name.partition(":")[0] for name in descriptors] == ["/dev/null", "pipe", "pipe"]
    assert (where, mask) == ("/", "0077")


async def test_its_output_can_be_opened_by_name():
    ran, _ = await run(sh("echo out > /dev/stdout; echo err > /dev/stderr"))
    assert (ran.stdout, ran.stderr) == ("out\n", "err\n")


async def test_it_leads_a_session_of_its_own_without_a_terminal():
    ran, _ = await run(sh("cut -d' ' -f5,6,7 /proc/$$/stat; echo $$; echo x > /dev/tty"))
    group, session, terminal, pid = ran.stdout.split()
    assert (group, session, terminal) == (pid, pid, "0")
    assert int(session) != os.getsid(0)


async def test_where_memory_runs_out_it_ends_before_the_panel_does():
    ran, _ = await run(plan("/bin/cat", "/proc/self/oom_score_adj"))
    assert ran.stdout == "1000\n"


# Limits


async def test_a_limit_is_what_the_plan_says():
    ran, _ = await run(sh("ulimit -St; ulimit -Ht; ulimit -v; ulimit -f; ulimit -n; ulimit -c", seconds=7, files=20))
    assert ran.stdout.split() == ["8", "9", str(256 * 1024), str(32 * 1024), "20", "0"]


async def test_processor_time_is_limited():
    """Several threads use it up faster than a clock runs; here the command lowers its own limit."""
    _, ended = await run(sh("ulimit -St 1; while :; do :; done"))
    assert (ended.signal, ended.why) == (signal.SIGXCPU, "it used more than 20 s of processor time")
    assert ended.seconds < 5


async def test_who_ignores_the_end_of_its_processor_time_is_killed():
    _, ended = await run(sh("trap '' XCPU; ulimit -St 1; ulimit -Ht 2; while :; do :; done"))
    assert ended.signal == signal.SIGKILL


@needs_python
async def test_memory_is_limited():
    ran, ended = await run(plan(PYTHON, "-c", "bytearray(1 << 30)"))
    assert "MemoryError" in ran.stderr
    assert ended.code == 1


async def test_the_least_memory_that_may_be_set_is_enough_for_small_programs():
    ran, _ = await run(plan("/bin/uname", memory_bytes=16 * MIB))
    assert ran.stdout == "Linux\n"


BOMB = """
import os, sys
for _ in range(1000):
    try:
        os.fork()
    except OSError:
        os.write(1, b"x")
os.execv("/bin/sleep", ["sleep", sys.argv[1]])
"""


@needs_python
async def test_a_fork_bomb_stays_small_and_is_ended():
    mark = unique()
    ran, ended = await run(plan(PYTHON, "-c", BOMB, mark, seconds=2.0, processes=12, memory_bytes=64 * MIB))
    assert ended.why == "it took longer than 2 s"
    assert ran.stdout.startswith("x")  # some were refused
    assert ended.seconds < 4
    assert alive(mark) == []


@needs_landlock
async def test_a_file_has_a_greatest_size():
    with folder(0o777) as place:
        _, ended = await run(sh(f"cd {place}; exec head -c 10G /dev/zero > big", caged=False))
        assert Path(place, "big").stat().st_size == 16 * MIB
    assert (ended.signal, ended.why) == (signal.SIGXFSZ, "it wrote more than 16 MiB to a file")


async def test_open_files_are_limited():
    ran, _ = await run(sh('for n in 3 4 5 6 7 8 9; do eval "exec $n</dev/null"; done; echo all', files=8))
    assert "all" not in ran.stdout
    assert "Too many open files" in ran.stderr or "Bad file descriptor" in ran.stderr


# Programs that cannot be run


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("/usr/bin/no-such-program", "No such file or directory"),
        ("/etc", "Permission denied"),
        ("/etc/passwd", "Permission denied"),
        ("/etc/passwd/x", "Not a directory"),
    ],
)
async def test_what_is_no_program_is_told_in_a_sentence(program: str, why: str):
    ran, ended = await run(plan(program))
    assert ended.failure is not None
    assert ended.failure.message == f"{program} could not be started: {why}."
    assert (ran.stdout, ran.stderr) == ("", "")


async def test_a_word_longer_than_the_kernel_takes_is_told_in_a_sentence():
    _, ended = await run(plan("/bin/true", "x" * 140_000))
    assert ended.failure is not None
    assert "Argument list too long" in ended.failure.message


@needs_root
async def test_a_file_that_no_processor_understands_is_told_in_a_sentence():
    with folder() as place:
        program = Path(place, "tool")
        program.write_text("neither a script nor a program")
        program.chmod(0o755)
        _, ended = await run(plan(str(program)))
    assert ended.failure is not None
    assert "Exec format error" in ended.failure.message


@needs_root
async def test_a_program_that_its_user_could_change_is_not_run():
    with folder() as place:
        program = Path(place, "tool")
        shutil.copy("/bin/echo", program)
        program.chmod(0o755)
        assert (await run(plan(str(program), "x")))[0].stdout == "x\n"
        program.chmod(0o757)
        _, ended = await run(plan(str(program), "x"))
    assert ended.failure is not None
    assert "its user could put another program in its place" in ended.failure.message


SHARED = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.shmget(0, 4096, 0o1600), libc.unshare(0x10000000), ctypes.get_errno())
"""


@needs_python
async def test_nothing_is_made_that_would_outlive_the_command():
    ran, _ = await run(plan(PYTHON, "-c", SHARED))
    assert ran.stdout == "-1 -1 13\n"
