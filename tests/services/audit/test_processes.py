"""Several processes write one chain, and one that is killed in the middle of it leaves it whole. Real processes, a real file."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
PREPARE = "import django; django.setup(); from services import databases; databases.prepare()"
APPEND = """
import sys, django
django.setup()
from services import audit
most = int(sys.argv[1])
number = 0
while number < most or not most:
    audit.record("send", sys.argv[2], server="lab", data=b"x" * 3000)
    number += 1
    print(number, flush=True)
"""
VERIFY = """
import django
django.setup()
from services.audit import verifying
from services.models import AuditEntry
found = verifying.verify([])
print(found.entries, found.guarded, *(AuditEntry.objects.filter(who=who).count() for who in ("ada", "otto")))
"""


class Chain:
    """A control database, and processes that write into its audit."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._begun: list[subprocess.Popen[str]] = []

    def run(self, code: str, *words: str) -> str:
        command = [sys.executable, "-c", code, *words]
        return subprocess.run(
            command, cwd=CHECKOUT, env=self._environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def begin(self, most: int, who: str) -> tuple[subprocess.Popen[str], IO[str]]:
        process = subprocess.Popen(
            [sys.executable, "-c", APPEND, str(most), who],
            cwd=CHECKOUT,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._begun.append(process)
        assert process.stdout
        return process, process.stdout

    def end(self) -> None:
        for process in self._begun:
            process.kill()
            process.communicate()


@pytest.fixture
def chained(environment: dict[str, str]) -> Iterator[Chain]:
    made = Chain(environment)
    made.run(PREPARE)
    yield made
    made.end()


def test_two_processes_at_once_write_one_chain(chained: Chain):
    begun = [chained.begin(40, who) for who in ("ada", "otto")]
    assert [process.wait(60) for process, _ in begun] == [0, 0]
    assert chained.run(VERIFY).split() == ["80", "True", "40", "40"]


def test_whoever_is_killed_in_the_middle_leaves_a_whole_chain(chained: Chain):
    told = 0
    for round_ in range(1, 3):
        process, lines = chained.begin(0, "ada")
        for _ in range(7 * round_):
            lines.readline()
        process.kill()
        told += len(lines.read().splitlines()) + 7 * round_
        process.wait(10)
    entries, guarded, by_ada, _ = chained.run(VERIFY).split()
    assert guarded == "True"
    assert int(entries) == int(by_ada)
    assert told <= int(entries) <= told + 2  # what was told is there; of each that was killed one more may be
