"""A program that its user could exchange is noticed, whatever way leads to it. Asked in a process of that user."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.servers.commands.program_file import replaceable
from tests.services.servers.commands.caged import folder, needs_root

USER = 65_534


SCRIPT = """
import errno, sys
from services.servers.commands import program_file, scratch
scratch.become((65_534, 65_534))
try:
    print("yes" if program_file.replaceable(sys.argv[1]) else "no")
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def told(path: Path | str) -> str:
    """What the user is told: yes, no or the name of an error."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True)
    return ran.stdout.strip() or ran.stderr


def asked(path: Path | str) -> bool:
    word = told(path)
    assert word in ("yes", "no")
    return word == "yes"


@pytest.fixture
def place() -> Iterator[Path]:
    """/tmp/.../bin/tool, all of it root's."""
    with folder() as path:
        path.joinpath("bin").mkdir(0o755)
        path.joinpath("bin/tool").write_text("")
        path.joinpath("bin/tool").chmod(0o755)
        yield path


@needs_root
def test_what_is_roots_from_top_to_bottom_stays_what_it_is(place: Path):
    assert not asked("/bin/sh")
    assert not asked("/usr/bin/env")
    assert not asked(place / "bin/tool")  # below /tmp, where everybody writes but nobody removes what is another's


@needs_root
@pytest.mark.parametrize("what", ["bin/tool", "bin", "."])
def test_whoever_may_write_to_it_or_above_it_could_exchange_it(place: Path, what: str):
    place.joinpath(what).chmod(0o757)
    assert asked(place / "bin/tool")


@needs_root
@pytest.mark.parametrize("what", ["bin/tool", "bin", "."])
def test_owners_could_even_when_they_may_not_write_now(place: Path, what: str):
    os.chown(place / what, USER, -1)
    place.joinpath(what).chmod(0o555)
    assert asked(place / "bin/tool")


@needs_root
def test_a_link_is_a_way_of_its_own(place: Path):
    place.joinpath("open").mkdir()
    place.joinpath("open").chmod(0o777)
    place.joinpath("open/tool").symlink_to(place / "bin/tool")
    place.joinpath("near").symlink_to("bin/tool")
    place.joinpath("far").symlink_to("open/tool")
    assert not asked(place / "near")
    assert asked(place / "open/tool")
    assert asked(place / "far")  # by way of a directory that is open


@needs_root
def test_a_directory_that_is_a_link_is_followed(place: Path):
    place.joinpath("link").symlink_to("bin")
    assert not asked(place / "link/tool")
    place.joinpath("bin").chmod(0o757)
    assert asked(place / "link/tool")


@needs_root
def test_in_a_directory_where_all_write_but_nobody_removes_what_is_anothers(place: Path):
    place.joinpath("bin").chmod(0o1777)
    assert not asked(place / "bin/tool")
    os.chown(place / "bin/tool", USER, -1)
    assert asked(place / "bin/tool")


def test_our_own_programs_are_ours_to_exchange(tmp_path: Path):
    tmp_path.joinpath("tool").write_text("")
    assert replaceable(str(tmp_path / "tool"))


@needs_root
def test_a_way_that_leads_nowhere_is_told(place: Path):
    place.joinpath("round").symlink_to("round")
    place.joinpath("shut").mkdir(0o700)
    assert told(place / "no-such-program") == "ENOENT"
    assert told(place / "round") == "ELOOP"
    assert told(place / "bin/tool/more") == "ENOTDIR"
    assert told(place / "shut/tool") == "EACCES"
