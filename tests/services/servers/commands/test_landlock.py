"""What the kernel keeps from a command, tried from inside the cage; and the same rules on older versions of it."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.servers.commands import landlock
from tests.services.servers.commands.caged import (
    AS_ROOT,
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
from tests.waiting import eventually

pytestmark = needs_landlock


@pytest.fixture
def hidden() -> Iterator[Path]:
    """A directory with a secret that everybody may read, but for the cage."""
    with folder() as place:
        place.joinpath("deep").mkdir()
        for name in ("secret", "deep/secret"):
            place.joinpath(name).write_text("the key")
            place.joinpath(name).chmod(0o644)
        place.joinpath("deep").chmod(0o755)
        yield place


WAYS = {
    "by its name": "{hidden}/secret",
    "deeper": "{hidden}/deep/secret",
    "round about": "/proc/self/root{hidden}/../{name}/secret",
    "by a link": "{place}/way/secret",
    "through the cage": "/proc/$PPID/root{hidden}/secret",
    "through the worker's directory": "/proc/{worker}/cwd{hidden}/secret",
}


@pytest.mark.parametrize("caged", [True, False], ids=["caged", "free"])
@pytest.mark.parametrize("way", WAYS)
async def test_nothing_leads_to_what_is_hidden(hidden: Path, way: str, caged: bool):
    with folder() as place:
        place.joinpath("way").symlink_to(hidden)
        path = WAYS[way].format(hidden=hidden, name=hidden.name, place=place, worker=os.getpid())
        ran, _ = await run(
            sh(
                f"cat {path}; cat {hidden}/../{hidden.name}/secret; cd {hidden} && cat secret",
                hidden=str(hidden),
                caged=caged,
            )
        )
    assert ran.stdout == ""
    assert "Permission denied" in ran.stderr


async def test_what_is_not_hidden_may_be_read(hidden: Path):
    ran, _ = await run(sh(f"cat {hidden}/secret; ls / /etc /proc >/dev/null && cat /etc/passwd >/dev/null && echo all"))
    assert ran.stdout == "the keyall\n"


@needs_root
async def test_what_lies_in_a_directory_of_roots_can_be_hidden(hidden: Path):
    """Its user cannot even look into the directory above: the rules are made before it is dropped to."""
    with folder(0o700) as above:
        data = above / "var"
        data.mkdir()
        ran, ended = await run(sh("uname", hidden=str(data)))
    assert (ran.stdout, ended.failure) == ("Linux\n", None)


async def test_a_hidden_directory_that_is_not_there_hides_nothing():
    ran, _ = await run(sh("uname; cat /etc/passwd > /dev/null && echo read", hidden="/no/such/directory"))
    assert ran.stdout == "Linux\nread\n"


WRITES = [
    "touch {place}/a",
    "echo x > {place}/file",
    "echo x >> {place}/file",
    ": > {place}/file",
    "mkdir {place}/b",
    "rm {place}/file",
    "mv {place}/file {place}/c",
    "ln {place}/file {place}/d",
    "ln -s x {place}/e",
    "mkfifo {place}/f",
    "truncate -s 0 {place}/file",
    "rmdir {place}/empty",
]


@pytest.mark.parametrize("write", WRITES)
async def test_a_command_changes_nothing(write: str):
    with folder(0o777) as place:
        place.joinpath("file").write_text("as it was")
        place.joinpath("file").chmod(0o666)
        place.joinpath("empty").mkdir(0o777)
        before = sorted(place.iterdir())
        _, ended = await run(sh(write.format(place=place)))
        assert sorted(place.iterdir()) == before
        assert place.joinpath("file").read_text() == "as it was"
    assert ended.code != 0


async def test_nowhere_can_be_written_to():
    ran, _ = await run(
        sh("echo x > /dev/null && echo x >> /dev/zero && echo fine; touch /tmp/sp-x /var/tmp/sp-x /dev/shm/sp-x")
    )
    assert ran.stdout == "fine\n"
    assert not any(Path(path, "sp-x").exists() for path in ("/tmp", "/var/tmp", "/dev/shm"))


async def test_a_free_command_line_writes_where_its_user_may(hidden: Path):
    with folder(0o777) as place:
        line = f"cd {place}; echo x > a; mkdir b; mv a b/c; ln -s x d; cat b/c; rm -r b; touch {hidden}/x"
        ran, _ = await run(sh(line, caged=False, hidden=str(hidden)))
    assert ran.stdout == "x\n"
    assert "Permission denied" in ran.stderr


CONNECT = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print('connected')"
LISTEN = "import socket; socket.create_server(('127.0.0.1', 0)); print('listens')"


@needs_python
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_tcp_is_for_commands_that_are_said_to_need_it(host: str):
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    try:
        listener = socket.create_server(("::1" if host == "::1" else "127.0.0.1", 0), family=family)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:
        asked = plan(PYTHON, "-c", CONNECT, host, str(listener.getsockname()[1]))
        shut, _ = await run(asked)
        free, _ = await run(plan(*asked.argv, network=True))
    assert (shut.stdout, free.stdout) == ("", "connected\n")
    assert "PermissionError" in shut.stderr


@needs_python
async def test_nobody_listens_who_is_not_said_to():
    assert "PermissionError" in (await run(plan(PYTHON, "-c", LISTEN)))[0].stderr
    assert (await run(plan(PYTHON, "-c", LISTEN, network=True)))[0].stdout == "listens\n"


# Other processes


async def test_other_processes_of_its_user_are_out_of_reach():
    mark = unique()
    with subprocess.Popen(["/bin/sleep", mark], user=USER[0] if USER else None) as outsider:
        eventually(lambda: alive(mark))
        kill = f"kill -9 {outsider.pid} || echo alive; cat /proc/{outsider.pid}/environ /proc/{outsider.pid}/mem"
        ran, _ = await run(sh(f"{kill}; ls -l /proc/{outsider.pid}/fd /proc/{outsider.pid}/cwd"))
        assert outsider.poll() is None
        outsider.kill()
    assert ran.stdout.startswith("alive\n")
    assert ran.stderr.count("ermission denied") + ran.stderr.count("not permitted") >= 3


@needs_python
async def test_it_traces_nobody_outside():
    mark = unique()
    trace = "import ctypes, sys; print(ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), 0, 0))"  # PTRACE_ATTACH
    with subprocess.Popen(["/bin/sleep", mark], user=USER[0] if USER else None) as outsider:
        eventually(lambda: alive(mark))
        ran, _ = await run(plan(PYTHON, "-c", trace, str(outsider.pid)))
        outsider.kill()
    assert ran.stdout == "-1\n"


@needs_python
@pytest.mark.parametrize("caged", [True, False], ids=["caged", "free"])
async def test_a_signal_to_all_reaches_none_but_its_own(caged: bool):
    """As root it runs as a user that nobody else here is; that user's others are a free command line's to end."""
    user = (54_321, 54_321) if AS_ROOT else None
    if not AS_ROOT:
        pytest.skip("were it not so, everything of this user would end")
    mark = unique()
    with subprocess.Popen(["/bin/sleep", mark], user=54_321) as outsider:
        eventually(lambda: alive(mark))
        ran, _ = await run(sh("sleep 30 & kill -9 -1; wait; echo end", user=user, caged=caged))
        assert (outsider.poll() is None) is caged
        outsider.kill()
    assert ran.stdout in ("end\n", "")


# Older kernels


@pytest.mark.parametrize("version", range(1, 8))
def test_its_rules_are_those_that_each_version_knows(version: int, monkeypatch: pytest.MonkeyPatch, hidden: Path):
    if version > landlock.abi():
        pytest.skip(f"the kernel has version {landlock.abi()}")
    monkeypatch.setattr(landlock, "abi", lambda: version)
    for write in (True, False):
        rules = landlock.ruleset(hidden=str(hidden), write=write, network=False, alone=True, scratch="/tmp")
        assert rules > 2
        os.close(rules)


def test_a_kernel_without_it_restricts_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    rules = landlock.ruleset(hidden="/etc", write=False, network=False, alone=True, scratch="")
    assert rules == -1
    landlock.enforce(rules)
    assert Path("/etc/passwd").read_text()


def test_a_directory_with_more_entries_than_rules_is_hidden_all_the_same(hidden: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(landlock, "MAX_RULES", 3)
    assert len(landlock._around(str(hidden))) == 3


def test_what_is_allowed_is_everything_around(hidden: Path):
    around = landlock._around(str(hidden / "deep"))
    assert str(hidden / "secret") in around
    assert "/etc" in around
    assert not any(str(hidden / "deep").startswith(path) for path in around)
    assert landlock._around("") == ["/"]
