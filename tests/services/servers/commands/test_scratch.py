"""A directory to write in is its command's alone, and nothing of it stays."""

import os
from pathlib import Path

import pytest

from services.servers.commands import scratch
from tests.services.servers.commands.caged import (
    PYTHON,
    USER,
    Ran,
    folder,
    needs_landlock,
    needs_python,
    plan,
    run,
    sh,
    worker,
)
from tests.waiting import eventually

pytestmark = needs_landlock


async def test_a_command_writes_there_and_finds_itself_there():
    ran, _ = await run(sh("pwd; echo $HOME; echo x > file && cat file; stat -c %a .; touch ../y", scratch=True))
    place, home, content, mode = ran.stdout.split()
    assert (home, content, mode) == (place, "x", "700")
    assert "Permission denied" in ran.stderr
    assert not Path(place).exists()


async def test_it_is_there_only_for_commands_that_are_said_to_need_it():
    ran, _ = await run(sh("pwd; touch x"))
    assert ran.stdout == "/\n"


TRAPS = {
    "closed": "mkdir a; touch a/b; chmod 0 a; chmod 0 .",
    "links": "ln -s {outside} a; ln -s / b; mkdir c; ln -s {outside} c/d; ln -s {outside}/keep c/e",
    "names": "touch -- -rf ' ' '\n' '*' \"$(printf '\\377')\"; mkdir -- '-x y' ...",
    "pipes": "mkfifo a; mkdir b; mkfifo b/c",
    "many": "i=0; while [ $i -lt 100 ]; do mkdir d$i; : > d$i/f; i=$((i+1)); done",
}


@pytest.mark.parametrize("trap", TRAPS)
async def test_whatever_is_in_it_goes_and_nothing_else(trap: str):
    with folder(0o777) as outside:
        outside.joinpath("keep").write_text("kept")
        outside.joinpath("keep").chmod(0o666)
        ran, _ = await run(sh("pwd; " + TRAPS[trap].format(outside=outside), scratch=True))
        eventually(lambda: not Path(ran.stdout.split("\n")[0]).exists())
        assert outside.joinpath("keep").read_text() == "kept"
        assert outside.stat().st_mode & 0o777 == 0o777


@needs_python
async def test_a_tree_deeper_than_a_path_is_long_goes():
    deep = "import os\nprint(os.getcwd())\nfor n in range(500):\n    os.mkdir('as deep as the sea'); os.chdir('as deep as the sea')"
    ran, ended = await run(plan(PYTHON, "-c", deep, scratch=True))
    assert ended.code == 0
    eventually(lambda: not Path(ran.stdout.strip()).exists())


def test_it_goes_when_the_worker_is_killed():
    with worker(
        "ran = Ran(sh('pwd; sleep 30', scratch=True))\nawait ran.first()\nprint(ran.stdout, flush=True)\nawait ran.ended()"
    ) as process:
        assert process.stdout is not None
        place = Path(process.stdout.readline().strip())
        assert place.exists()
        process.kill()
        eventually(lambda: not place.exists())


async def test_it_goes_when_the_command_is_cancelled():
    ran = Ran(sh("pwd; trap '' TERM; sleep 30", scratch=True))
    await ran.first()
    ran.running.cancel("asked")
    await ran.ended(2)
    eventually(lambda: not Path(ran.stdout.strip()).exists())


def test_its_owner_is_the_commands_user():
    place = Path(scratch.make("/tmp", USER))
    assert place.stat().st_uid == (USER[0] if USER else os.getuid())
    assert place.stat().st_mode & 0o777 == 0o700
    place.rmdir()
