"""Whatever a process has started can be found and ended. Each test has a process of its own, whose descendants are all of them."""

import subprocess
import sys

import pytest

from tests.services.servers.commands.caged import alive, needs_python, unique

SCRIPT = """
import os, subprocess, sys, time
from services.servers.commands import descent
descent.adopt_orphans()
{begin}
def marked():
    for pid in descent._descendants(frozenset()):
        try:
            yield b"{mark}" in open(f"/proc/{{pid}}/cmdline", "rb").read()
        except OSError:
            pass
while sum(marked()) < {count}: pass
began = time.monotonic()
{end}
print(time.monotonic() - began < 2, descent._descendants(frozenset()))
"""


def ended(begin: str, mark: str, count: int = 1, end: str = "descent.end(2)") -> str:
    """What the script says at its end."""
    script = SCRIPT.format(begin=begin, mark=mark, count=count, end=end)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True).stdout


WAYS = {
    "children": "[subprocess.Popen(['sleep', '{mark}']) for _ in range(3)]",
    "deaf": "subprocess.Popen(['sh', '-c', 'trap \"\" TERM HUP INT; sleep {mark}; sleep {mark}'])",
    "in sessions of their own": "subprocess.Popen(['sh', '-c', 'setsid sh -c \"setsid sleep {mark}; wait\" & wait'])",
    "orphans": "subprocess.Popen(['sh', '-c', '(setsid sh -c \"sleep {mark} & exit\" &)']).wait()",
    "stopped": "os.kill(subprocess.Popen(['sleep', '{mark}']).pid, 19)",
    "in namespaces of their own": "subprocess.Popen(['unshare', '-Urpf', 'sleep', '{mark}'])",
    "children of a thread": "import threading; threading.Thread(target=lambda: subprocess.run(['sleep', '{mark}'])).start()",
}


@pytest.mark.parametrize("way", WAYS)
def test_all_are_ended(way: str):
    mark = unique()
    if "namespaces" in way and subprocess.run(["unshare", "-Urpf", "true"], capture_output=True).returncode:
        pytest.skip("no namespaces for ordinary users here")
    assert ended(WAYS[way].format(mark=mark), mark) == "True []\n"
    assert alive(f"sleep\0{mark}\0") == []


# Each process starts another and ends, for ever: at any time nearly all that are seen are gone already.
HYDRA = "import os\nos.setsid()\nwhile True:\n    if os.fork():\n        os._exit(0)\n    '{mark}'"


@needs_python
def test_those_that_run_from_process_to_process_are_ended():
    mark = unique()
    hydra = HYDRA.format(mark=mark)
    begin = f"import resource; [subprocess.Popen(['/usr/bin/python3', '-c', {hydra!r}]) for _ in range(3)]"
    assert ended(begin, mark) == "True []\n"
    assert alive(mark) == []


def test_those_that_shall_be_spared_are_with_all_of_theirs():
    mark = unique()
    begin = f"spared = subprocess.Popen(['sh', '-c', 'sleep {mark}; true']); subprocess.Popen(['sleep', '{mark}'])"
    end = "descent.end(2, {spared.pid}); print(len(descent._descendants(frozenset()))); descent.end(2)"
    assert ended(begin, mark, 3, end) == "2\nTrue []\n"


def test_how_a_child_ended_is_told():
    mark = unique()
    begin = f"child = subprocess.Popen(['sleep', '{mark}'])"
    assert ended(begin, mark, 1, "print(descent.end(2) == {child.pid: 9})") == "True\nTrue []\n"
