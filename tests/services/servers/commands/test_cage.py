"""The whole cage, from the worker to the program: what is executed, and what is left when its parts die."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.servers.commands.spawned import SCRIPT
from tests.services.servers.commands.caged import alive, folder, needs_landlock, unique, worker
from tests.waiting import eventually

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: apt-get install strace"
)


def test_its_start_loads_little():
    """Each of these costs milliseconds that every command would wait for."""
    names = {"__file__": str(SCRIPT), "__name__": "cage"}
    script = f"import sys; exec(open({str(SCRIPT)!r}).read(), {names!r}); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True)
    assert "services.servers.commands.warden" in ran.stdout, ran.stderr
    heavy = {"collections", "enum", "json", "msgspec", "pathlib", "re", "signal", "subprocess", "tempfile", "typing"}
    assert heavy & set(ran.stdout.split()) == set()


# What is executed

words = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30), max_size=4)
HOSTILE = [
    ["; id"],
    ["$(id)", "`id`"],
    ["a b", "*", "~"],
    ["$IFS", "\n"],
    ["'", '"', "\\"],
    ["-n", "--"],
    [""],
    ["\x1b[31m"],
]


@needs_strace
@settings(max_examples=3, deadline=None)
@given(st.lists(words, min_size=1, max_size=8))
def test_the_kernel_is_asked_for_exactly_the_planned_words(lines: list[list[str]]):
    asked = [["/bin/true", *line] for line in lines + HOSTILE]
    assert _executed(asked) == [[word.encode() for word in argv] for argv in asked]


def _executed(commands: list[list[str]]) -> list[list[bytes]]:
    """The words of every execve of /bin/true, while these commands are run one after the other."""
    body = f"import json\nfor argv in json.loads({json.dumps(commands)!r}):\n    await run(plan(*argv))"
    with tempfile.NamedTemporaryFile() as trace:
        strace = ("strace", "-f", "-qq", "-xx", "-s", "9999", "-e", "trace=execve", "-o", trace.name)
        with worker(body, *strace) as process:
            assert process.wait(60) == 0
        calls = Path(trace.name).read_bytes().splitlines()
    true = b'execve("' + _hex(b"/bin/true") + b'", ['
    listed = [call.split(true)[1].partition(b"], ")[0] for call in calls if true in call]
    return [[bytes.fromhex(word.decode().replace("\\x", "")) for word in _WORD.findall(words)] for words in listed]


_WORD = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')


def _hex(data: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in data)


# Deaths

LEFT = "setsid /bin/sleep {mark} & (setsid sh -c '/bin/sleep {mark} & exit' &); trap '' TERM HUP; "
BEGIN = """running.adopt_orphans()
ran = Ran(sh("{line} echo here; sleep {mark}"))
await ran.first()
print('runs', flush=True)
await asyncio.to_thread(sys.stdin.readline)
"""


def begin(mark: str) -> str:
    return BEGIN.format(line=LEFT.format(mark=mark), mark=mark)


def runs(process: "subprocess.Popen[str]", mark: str) -> None:
    """Wait until all of the command sleep, and let the worker go on."""
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    eventually(lambda: len(alive(f"sleep\0{mark}\0")) == 3)
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_worker_that_is_killed_takes_its_commands_along():
    mark = unique()
    with worker(begin(mark) + "await ran.ended(60)") as process:
        runs(process, mark)
        process.kill()
        eventually(lambda: not alive(mark), within=2)


def test_a_worker_whose_whole_group_is_killed_takes_its_commands_along():
    mark = unique()
    with worker(begin(mark) + "await ran.ended(60)", "setsid", "--wait") as process:
        runs(process, mark)
        leader = next(
            pid
            for pid in alive(mark)
            if b"asyncio.run" in Path(f"/proc/{pid}/cmdline").read_bytes() and os.getpgid(pid) == pid
        )
        os.killpg(leader, signal.SIGKILL)
        eventually(lambda: not alive(f"sleep\0{mark}\0"), within=2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_cage_that_fails_leaves_nobody_behind(number: signal.Signals):
    mark = unique()
    body = f"signal.pidfd_send_signal(ran.running._cage.pidfd, {int(number)})\nran.running.cancel('asked')\n"
    body += "ended = await ran.ended(2)\n"
    body += "print(ended.signal, spawned._cages, flush=True)\nawait asyncio.sleep(60)"
    with worker(begin(mark) + body) as process:
        runs(process, mark)
        assert process.stdout is not None
        assert process.stdout.readline() == "9 set()\n"
        assert alive(f"sleep\0{mark}\0") == []


def test_a_command_whose_cage_was_killed_does_not_disturb_the_others():
    mark = unique()
    body = "other = Ran(sh('echo here; sleep 30'))\nawait other.first()\nran.running.cancel('asked')\n"
    body += "signal.pidfd_send_signal(ran.running._cage.pidfd, 9)\nawait ran.ended(2)\nother.running.cancel('now')\n"
    body += "print((await other.ended(2)).why, flush=True)\nawait asyncio.sleep(60)"
    with worker(begin(mark) + body) as process:
        runs(process, mark)
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"  # it had not ended before
        assert alive(f"sleep\0{mark}\0") == []


# Where the kernel is an older one


@needs_strace
@needs_landlock
def test_without_landlock_a_command_runs_with_all_other_limits():
    with folder() as hidden:
        Path(hidden, "secret").write_text("the key")
        Path(hidden, "secret").chmod(0o644)
        body = f"ran, ended = await run(sh('cat {hidden}/secret; ulimit -n; grep NoNew /proc/self/status', hidden='{hidden}'))\n"
        body += "print(ran.stdout, ended.failure)"
        no_landlock = ("-e", "trace=landlock_create_ruleset", "-e", "inject=landlock_create_ruleset:error=ENOSYS")
        with worker(body, "strace", "-f", "-qq", "-o", os.devnull, *no_landlock) as process:
            told, _ = process.communicate(timeout=60)
    assert told.split() == ["the", "key64", "NoNewPrivs:", "1", "None"]
