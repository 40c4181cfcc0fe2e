"""A panel's data directory with something in it, and the command line on it; for tests of backups, damage and upgrades."""

import json
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent
FILL = """
import sys, django
django.setup()
from django.db import transaction
from services import bulk, databases, operations
from services.books import Book
from services.jobs import write_books
databases.prepare()
if sys.argv[1] != "0":
    lab = operations.create({"preset": "echo", "name": "lab", "port": 18007}, "ada").pk
    texts = [b"message %d " % number * (400 if number % 100 == 0 else 3) for number in range(1, int(sys.argv[1]) + 1)]
    rows = [(10**15 + n, 1, "127.0.0.1:5000", 0, text, len(text), "") for n, text in enumerate(texts, 1)]
    with transaction.atomic(using="messages"):
        bulk.insert_messages(lab, 1, 1, rows)
        write_books([Book(lab, last_seq=len(rows), received=len(rows), stored=len(rows))])
"""


_filled: dict[int, dict[str, bytes]] = {}  # number of messages -> the files that come of it


class Stored:
    """A data directory, and what may be done with it from outside."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory, self.environment = directory, environment
        self.control, self.messages = directory / "control.sqlite3", directory / "messages.sqlite3"
        self.backups = directory / "backups"

    def fill(self, messages: int = 50) -> None:
        """Both databases, with a server `lab` and so many messages; 0: as new."""
        if messages not in _filled:
            self.python(FILL, str(messages), check=True)
            _filled[messages] = {path.name: path.read_bytes() for path in self.directory.iterdir() if path.is_file()}
        for name, content in _filled[messages].items():
            (self.directory / name).write_bytes(content)
            (self.directory / name).chmod(0o600)

    def python(self, code: str, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-c", code, *words], check)

    def manage(self, *words: str, check: bool = False, **options: Any) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "manage.py", *words], check, **options)

    def json(self, *words: str) -> Any:
        """What a command that must work prints with --json."""
        done = self.manage(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def seqs(self) -> list[int]:
        done = self.manage("servers", "tail", "lab", "-n", "900", "--no-follow", "--json", check=True)
        return [json.loads(line)["seq"] for line in done.stdout.splitlines()]

    def _run(self, command: list[str], check: bool, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
            **options,
        )


def query(file: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def is_whole(file: Path) -> bool:
    return query(file, "PRAGMA integrity_check(1)") == [("ok",)]


def long_form() -> bool:
    """Whether the tests may take as long as they need: LONG_TESTS=1."""
    return os.environ.get("LONG_TESTS") == "1"


def seeded() -> random.Random:
    """Random choices that can be had again: TEST_SEED. pytest shows what was printed of a test that failed."""
    seed = int(os.environ.get("TEST_SEED", random.randrange(2**32)))
    print(f"TEST_SEED={seed}")
    return random.Random(seed)
