"""What came of a command, in words: the same in the list and in script."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from sockpanel.pages.outcomes import outcome
from tests.sources import CHECKOUT

DONE = {"state": "done", "exit_code": 0, "signal": None, "why": "", "ended_at": "x"}
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"state": "waiting"}, "asked for", "idle"),
    ({"state": "running"}, "runs", "warn"),
    ({}, "exit 0", "good"),
    ({"exit_code": 3}, "exit 3", "bad"),
    ({"exit_code": None, "signal": 9}, "signal 9", "bad"),
    ({"exit_code": None, "signal": 9, "why": "it took longer than 30 s"}, "ended: it took longer than 30 s", "bad"),
    ({"exit_code": None}, "ended", "bad"),
    ({"state": "failed", "exit_code": None}, "failed", "bad"),
]


@pytest.mark.parametrize(("changes", "word", "tone"), CASES)
def test_an_outcome_has_its_word_and_tone(changes: dict[str, Any], word: str, tone: str) -> None:
    shown = outcome(DONE | changes)
    assert (shown.word, shown.tone) == (word, tone)


def test_an_execution_runs_until_it_has_ended() -> None:
    without = {name: value for name, value in DONE.items() if name != "state"}
    assert outcome(without).word == "exit 0"
    assert outcome(without | {"ended_at": None}).word == "runs"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")
def test_script_says_the_same() -> None:
    commands = [DONE | changes for changes, _, _ in CASES]
    code = f"""import {{ outcome }} from "app/commands/outcome";
console.log(JSON.stringify({json.dumps(commands)}.map(outcome).map(({{ sort, words }}) => [words, sort])));"""
    said = subprocess.run(
        ["node", "--input-type=module", "-e", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert json.loads(said.stdout) == [[word, tone] for _, word, tone in CASES]
