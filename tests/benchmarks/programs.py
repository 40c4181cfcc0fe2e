"""The C programs of the benchmarks: built once, under .build, and run.

loadgen("pingpong", port, 50, 2, 64)["per_second"]
"""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.product import CHECKOUT

BUILT = CHECKOUT / ".build" / "benchmarks"


def built(name: str) -> Path:
    """The program, built when its source is newer. Raises RuntimeError without a C compiler."""
    source, program = Path(__file__).with_name(f"{name}.c"), BUILT / name
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("The benchmarks need a C compiler: apt-get install gcc libc6-dev, then ./run bench again.")
    BUILT.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return program


def loadgen(mode: str, port: int, count: int, seconds: float, last: int) -> dict[str, Any]:
    """What it says at its end. Raises RuntimeError when it could not go on."""
    with _started(mode, port, count, seconds, last) as process:
        return _told(process)


@contextmanager
def loading(mode: str, port: int, count: int, last: int) -> Iterator[dict[str, Any]]:
    """It works as long as the block; what it says stands in the dictionary afterwards."""
    told: dict[str, Any] = {}
    with _started(mode, port, count, 3600, last) as process:
        try:
            yield told
        finally:
            process.send_signal(signal.SIGINT)
            told |= _told(process)


def _started(mode: str, port: int, count: int, seconds: float, last: int) -> subprocess.Popen[str]:
    words = [str(built("loadgen")), mode, "127.0.0.1", str(port), str(count), str(seconds), str(last)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, complaint = process.communicate()
    if process.returncode:
        raise RuntimeError(f"loadgen failed: {complaint.strip()}")
    return dict(json.loads(out))
