"""A child ends when its parent is gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services import lifeline
from services.lifeline import Lifeline

CHECKOUT = Path(__file__).resolve().parent.parent.parent
CHILD = "from services import lifeline; lifeline.follow(); print('follows', flush=True); import threading; threading.Event().wait(20)"


def test_a_child_gets_sigterm_once_the_line_is_cut():
    line = Lifeline()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        cwd=CHECKOUT,
        env=os.environ | line.environment,
        pass_fds=[line.descriptor],
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"follows\n"
        assert child.poll() is None
        line.close()
        assert child.wait(10) == -15


@pytest.mark.parametrize("value", ["", "x", "999999"])
def test_without_a_line_nothing_happens(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv(lifeline.VARIABLE, value)
    lifeline.follow()
    assert lifeline.VARIABLE not in os.environ
