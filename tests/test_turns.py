"""Three tests at a time, and two while one of them measures; shown with processes, as xdist's workers are."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import turns

CHECKOUT = Path(__file__).resolve().parent.parent
WAITS, GOES = "here\n", "in\n"
WORKER = """
import sys
from pathlib import Path
from tests.turns import turn
print("here", flush=True)
with turn(Path(sys.argv[1]), alone=sys.argv[3] == "alone"):
    print("in", *Path(sys.argv[2]).glob("left"), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """What looks at a clock, and what does not."""
    (tmp_path / "test_quick.py").write_text("began = time.monotonic()")
    (tmp_path / "test_plain.py").write_text("assert True")
    return {
        "measures": tmp_path / "test_quick.py",
        "plain": tmp_path / "test_plain.py",
        "alone": tmp_path / "test_plain.py",
    }


@pytest.fixture
def sit(files: dict[str, Path], tmp_path: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Somebody who wants a seat, and has said so."""
    place = tmp_path / "place"
    place.mkdir()
    people: list[subprocess.Popen[str]] = []

    def take(kind: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", WORKER, str(files[kind]), str(tmp_path), kind]
        words = {"cwd": CHECKOUT, "env": os.environ | {turns.PLACE: str(place)}, "text": True}
        people.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **words))
        assert said(people[-1]) == WAITS
        return people[-1]

    yield take
    for person in people:
        person.communicate(timeout=20)
        assert person.returncode == 0


def said(person: "subprocess.Popen[str]") -> str:
    assert person.stdout
    return person.stdout.readline()


def test_a_file_that_looks_at_a_clock_measures(files: dict[str, Path]):
    assert turns.measures(files["measures"])
    assert not turns.measures(files["plain"])
    assert turns.measures(CHECKOUT / "tests" / "chaos" / "test_kills.py")


def test_three_that_do_not_measure_run_together(sit):
    assert [said(sit("plain")) for _ in range(3)] == [GOES] * 3


@pytest.mark.parametrize("kinds", ["alone plain", "plain alone", "measures alone", "alone alone"])
def test_beside_one_that_is_alone_runs_nobody(sit, tmp_path: Path, kinds: str):
    first, second = kinds.split()
    person = sit(first)
    assert said(person) == GOES
    waiting = sit(second)
    subprocess.run([sys.executable, "-c", ""], check=True)  # time enough to come in by
    (tmp_path / "left").touch()
    person.communicate("\n", timeout=20)
    assert said(waiting) == f"in {tmp_path / 'left'}\n"


@pytest.mark.parametrize(
    "kinds", ["measures plain plain", "plain measures plain", "plain plain measures", "measures measures plain"]
)
def test_beside_one_that_measures_runs_one_other_until_somebody_leaves(sit, tmp_path: Path, kinds: str):
    *people, third = [sit(kinds.split()[0]), sit(kinds.split()[1]), kinds.split()[2]]
    assert [said(person) for person in people] == [GOES] * 2
    waiting = sit(third)
    subprocess.run([sys.executable, "-c", ""], check=True)  # time enough to come in by
    (tmp_path / "left").touch()
    people[0].communicate("\n", timeout=20)
    assert said(waiting) == f"in {tmp_path / 'left'}\n"
