"""A disk of 128 MiB that only a test's own processes see: a tmpfs in a mount namespace, gone with the test.

with SmallDisk() as disk:
    panel = disk.panel()            # its data directory is on the disk; it ends with the disk
    with disk.filled(): ...  # by a file of somebody else's
    disk.ask("control", "SELECT count(*) FROM ...")
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sockpanel.panel import CHECKOUT, Panel

MIB = 1024 * 1024
SIZE = 128 * MIB
HOLD = """mount -t tmpfs -o size=$1,mode=700 tmpfs "$2" && echo mounted && exec cat"""
ASK = """
import json, sqlite3, sys
for row in sqlite3.connect(sys.argv[1], timeout=10).execute(sys.argv[2]):
    print(json.dumps([value.decode() if isinstance(value, bytes) else value for value in row]))
"""


class SmallDisk:
    """Mounted while the block lasts; skips the test where the kernel lets nobody mount."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._as_root = os.geteuid() == 0
        self._panels: list[Panel] = []

    def __enter__(self) -> "SmallDisk":
        self._place = tempfile.mkdtemp(prefix="sp-disk-")
        how = ["--mount"] if self._as_root else ["--mount", "--user", "--map-root-user"]
        self._holder = subprocess.Popen(
            ["unshare", *how, "--propagation", "private", "sh", "-c", HOLD, "sh", str(self._size), self._place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._holder.stdout
        if self._holder.stdout.readline() != b"mounted\n":
            _, said = self._holder.communicate()
            os.rmdir(self._place)
            pytest.skip(f"nobody may mount a tmpfs here: {said.decode().strip()}")
        self.path = Path(f"/proc/{self._holder.pid}/root{self._place}")
        return self

    def __exit__(self, *_: object) -> None:
        for panel in self._panels:
            panel.end()
        self._holder.communicate()
        shutil.rmtree(self._place)

    def inside(self, command: Sequence[str]) -> list[str]:
        """The same command where the disk is seen."""
        how = ["--mount"] if self._as_root else ["--mount", "--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self._holder.pid), *how, f"--wdns={CHECKOUT}", "--", *command]

    def own(self, name: str) -> str:
        """A path on the disk, as those see it who run inside."""
        return f"{self._place}/{name}"

    def panel(self, **words: str) -> Panel:
        """A panel whose data directory is on the disk; not started yet."""
        data = self.path / "data"
        data.mkdir(mode=0o700)
        panel = Panel(data_dir=data, **words)
        panel.environment["SOCKPANEL_DATA_DIR"] = self.own("data")
        panel.command = self.inside(panel.command)
        self._panels.append(panel)
        return panel

    def manage(self, panel: Panel, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another command on the panel's data directory."""
        command = self.inside([sys.executable, str(CHECKOUT / "manage.py"), *arguments])
        return subprocess.run(command, env=panel.environment, capture_output=True, text=True, timeout=60, check=False)

    def ask(self, database: str, statement: str) -> list[Any]:
        """Rows of one of the panel's databases."""
        file = self.own(f"data/{database}.sqlite3")
        command = self.inside([sys.executable, "-c", ASK, file, statement])
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    @contextmanager
    def filled(self) -> Iterator[Callable[[], None]]:
        """A file of somebody else's takes what there is, to the last byte; called again, what was freed meanwhile."""
        path = self.path / "foreign"
        with path.open("wb", buffering=0) as file:

            def fill() -> None:
                with contextlib.suppress(OSError):  # full to the last byte
                    while file.write(b"x" * MIB):
                        pass

            fill()
            try:
                yield fill
            finally:
                path.unlink()
