"""Nobody ever meets "database is locked": a loaded server, readers, writers, pruning and backups at the same time."""

import json
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.services.stored import CHECKOUT, long_form
from tests.sockpanel.panel import Panel
from tests.waiting import eventually

SECONDS = 1800.0 if long_form() else 10.0
RATE = 5000  # messages a second
BURSTS = 20  # a second
MOST_WAL = 256 * 1024 * 1024
# Seconds that 99 of 100 writes take at the most; in the suite other tests run beside this one
SLOWEST = 0.25 if long_form() else 0.5
# Changes the control database as the API does, every 20 ms; how long each took, in the order of their length
WRITER = """
import json, sys, time
import django
django.setup()
from services import operations
from services.models import Server
end, took = time.monotonic() + float(sys.argv[1]), []
other = Server.objects.get(name="other")
while time.monotonic() < end:
    started = time.perf_counter()
    operations.change(other, {"notes": f"change {len(took)}"}, "ada")
    took.append(time.perf_counter() - started)
    time.sleep(0.02)
print(json.dumps(sorted(took)))
"""

pytestmark = pytest.mark.timeout(SECONDS + 120)


@pytest.fixture
def panel() -> Iterator[Panel]:
    made = Panel()
    made.start()
    yield made
    made.end()


class Crowd:
    """Threads that each do one thing again and again; what they raise is raised at the end."""

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self.counts: dict[str, int] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, work: Callable[[], Any], pause: float = 0.0) -> None:
        self.counts[work.__name__] = 0
        self._threads.append(threading.Thread(target=self._repeat, args=(work, pause)))
        self._threads[-1].start()

    def _repeat(self, work: Callable[[], Any], pause: float) -> None:
        try:
            while not self._stop.wait(pause):
                work()
                self.counts[work.__name__] += 1
        except BaseException as error:
            self.failures.append(error)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert self.failures == []


class Loaded:
    """A panel with a server that is pruned all the time, and the ways in which people use it."""

    def __init__(self, panel: Panel, folder: Path) -> None:
        self.panel, self.folder = panel, folder
        self.port, self.sent, self.wal = free_port(), 0, 0
        self._ask("POST", "/servers", {"preset": "sink", "name": "other", "port": free_port()})
        words = {"kind": "tcp", "name": "lab", "port": self.port, "host": "127.0.0.1", "framing": {"type": "line"}}
        self._ask("POST", "/servers", words | {"reply": {"type": "none"}, "retention": {"rows": 20_000}})
        self._ask("POST", "/servers/lab/start")
        self._client = socket.create_connection(("127.0.0.1", self.port))

    def _ask(self, method: str, path: str, words: Any = None) -> Any:
        visitor = self.panel.visitor()
        visitor.headers["Authorization"] = f"Bearer {self.panel.token}"
        url = f"/api/v1{path}"
        answer = visitor.get(url) if method == "GET" else visitor.post(url, json=words or {}, method=method)
        assert answer.status in (200, 201), answer
        return answer.json()

    def close(self) -> None:
        self._client.close()

    def send(self) -> None:
        """At its pace, whatever the others do."""
        started = time.monotonic()
        count = RATE // BURSTS
        self._client.sendall(b"".join(b"%063d\n" % (self.sent + number) for number in range(count)))
        self.sent += count
        time.sleep(max(0.0, 1 / BURSTS - (time.monotonic() - started)))

    def read_all(self) -> None:
        """From the oldest kept message to the newest, a page at a time, as an export does."""
        after = 0
        while (page := self._ask("GET", f"/servers/lab/messages?after={after}&limit=1000"))["more"]:
            after = page["last"]

    def search(self) -> None:
        self._ask("GET", "/servers/lab/messages?contains=nowhere")

    def look(self) -> None:
        self._ask("GET", "/servers")

    def change(self) -> None:
        self._ask("PATCH", "/servers/other", {"notes": f"at {time.time()}"})

    def back_up(self) -> None:
        done = self.panel.manage("backup", str(self.folder), "--json")
        assert done.returncode == 0, done.stderr
        path = Path(json.loads(done.stdout)["path"])
        with tarfile.open(path) as tar:
            assert len(tar.getnames()) == 3
        path.unlink()

    def weigh(self) -> None:
        logs = self.panel.data_dir.glob("*-wal")
        self.wal = max(self.wal, *(log.stat().st_size for log in logs), 0)

    def counters(self) -> dict[str, Any]:
        return self._ask("GET", "/servers/lab")["counters"]


def test_readers_writers_pruning_and_backups_never_lock_each_other_out(panel: Panel, tmp_path: Path):
    loaded, crowd = Loaded(panel, tmp_path), Crowd()
    for work in (loaded.send, loaded.read_all, loaded.read_all):
        crowd.add(work)
    for work, pause in ((loaded.search, 0.2), (loaded.look, 0.1), (loaded.change, 0.1), (loaded.weigh, 0.05)):
        crowd.add(work, pause)
    crowd.add(loaded.back_up, 1.0)
    command = [sys.executable, "-c", WRITER, str(SECONDS)]
    environment = panel.environment | {"DJANGO_SETTINGS_MODULE": "sockpanel.settings"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    crowd.end()
    loaded.close()
    assert done.returncode == 0, done.stderr
    eventually(lambda: loaded.counters()["stored"] == loaded.sent, within=30)
    took = json.loads(done.stdout)
    print(
        crowd.counts,
        f"p99 {took[len(took) * 99 // 100] * 1000:.0f} ms, worst {took[-1] * 1000:.0f} ms of {len(took)}",
        loaded.wal,
    )
    assert "locked" not in panel.log()
    assert loaded.counters()["dropped"] == {}
    assert took[len(took) * 99 // 100] < SLOWEST
    assert loaded.wal < MOST_WAL
    assert crowd.counts["back_up"] >= 1
