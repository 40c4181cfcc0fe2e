"""A real panel on a real disk of 128 MiB that fills up: it warns, holds, lets people in, and heals; nothing acknowledged is lost."""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.disk import BALLAST
from tests.ports import free_port
from tests.services.acknowledged import Filler
from tests.services.small_disk import MIB, SmallDisk
from tests.sockpanel.visitor import Visitor
from tests.waiting import eventually

NUMBERS = "SELECT CAST(substr(data, 1, 12) AS TEXT) FROM services_message WHERE direction = 0 AND server_id = {server}"
RULES = "SELECT rule FROM services_incident WHERE server_id = {server}"
PRUNE = "from services import operations as o; print(o.prune(o.find('{name}'), {keep}, 'ada'))"
TO_FILE = 'log="$1"; shift; exec "$@" >"$log" 2>&1'


class Scene:
    """The disk, a panel on it that writes its own log there too, and an admin."""

    def __init__(self, disk: SmallDisk) -> None:
        self.disk, self.panel = disk, disk.panel()
        self.panel.command = disk.inside(["sh", "-c", TO_FILE, "sh", disk.own("panel.log"), *self.panel.command])
        self.panel.start()
        self.ada: Visitor = self.panel.login()
        self._servers: dict[str, int] = {}

    def serve(self, name: str, kind: socket.SocketKind = socket.SOCK_STREAM, **words: Any) -> int:
        """A new server that runs; its port."""
        port = free_port(kind)
        made = self.ada.post("/api/v1/servers", json={"preset": "echo", "name": name, "port": port, **words})
        assert made.status == 201, made.text
        assert self.ada.post(f"/api/v1/servers/{name}/start").json()["state"] == "RUNNING"
        self._servers[name] = made.json()["id"]
        return port

    def acknowledging(self, name: str) -> int:
        """One that answers each line after the commit."""
        return self.serve(name, limits={"reply_after_commit": True}, framing={"type": "line"})

    def delete(self, name: str) -> None:
        gone = self.ada.request("DELETE", f"/api/v1/servers/{name}", headers={"X-CSRFToken": self.ada.csrf()})
        assert gone.status == 204, gone.text

    def incidents(self, name: str) -> list[str]:
        return [row[0] for row in self.disk.ask("messages", RULES.format(server=self._servers[name]))]

    @contextlib.contextmanager
    def full(self) -> Iterator[Callable[[], None]]:
        """By a foreign file, until the panel says so; called again it takes what a log that began anew has freed since."""
        with self.disk.filled() as fill:
            eventually(lambda: self.health() == "SP-4001" or (self.ballast() > 6 * MIB and fill()), within=20)
            yield fill

    def health(self) -> str:
        """The code of what is wrong; "ok" when nothing is."""
        answer = self.panel.visitor().get("/healthz").json()
        return str(answer.get("code") or answer["status"])

    def troubles(self) -> set[str]:
        return {one["code"] for one in self.ada.get("/api/v1/node").json()["troubles"]}

    def lost(self, name: str, acknowledged: list[int]) -> set[int]:
        """Acknowledged messages that are not in the database."""
        sworn = set(acknowledged)
        return sworn - {
            int(number) for (number,) in self.disk.ask("messages", NUMBERS.format(server=self._servers[name]))
        }

    def ballast(self) -> int:
        return (self.panel.data_dir / BALLAST).stat().st_size

    def counters(self, name: str) -> dict[str, Any]:
        return dict(self.ada.get(f"/api/v1/servers/{name}").json()["counters"])

    def at_rest(self, name: str) -> bool:
        """Whether every message and byte is accounted for."""
        it = self.counters(name)
        messages = it["received"] == it["stored"] + sum(it["dropped"].values())
        return bool(messages and it["bytes_in"] == it["stored_bytes"] + sum(it["dropped_bytes"].values()))

    def is_whole(self) -> bool:
        return all(self.disk.ask(name, "PRAGMA integrity_check") == [["ok"]] for name in ("control", "messages"))


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    """Made once: each test fills the disk, and each leaves it healed."""
    with SmallDisk() as disk:
        yield Scene(disk)


@pytest.fixture
def scene(stage: Scene) -> Scene:
    eventually(lambda: stage.health() == "ok", within=20)
    return stage


@contextlib.contextmanager
def traffic(port: int, length: int = 16 * 1024) -> Iterator[Filler]:
    filler = Filler(port, length)
    filler.start()
    try:
        yield filler
    finally:
        filler.stop()


def goes_on(filler: Filler) -> Callable[[], bool]:
    """Whether more was acknowledged since this was called."""
    before = len(filler.acknowledged)
    return lambda: len(filler.acknowledged) > before


def signed_in(scene: Scene) -> Visitor:
    """A person's session finds room as soon as the supervisor has let go of the ballast."""
    eventually(lambda: scene.panel.visitor().get("/login/").status == 200, within=20)
    return scene.panel.login()


def test_traffic_fills_the_disk_and_pruning_heals_it(scene: Scene):
    port, other = scene.acknowledging("lab"), scene.serve("other")
    with traffic(port) as filler:
        eventually(lambda: "SP-4003" in scene.troubles(), within=30)
        eventually(lambda: scene.health() == "SP-4001", within=30)
        assert "SP-4001" in scene.troubles()
        held = list(filler.acknowledged)
        assert signed_in(scene).get("/servers/").status == 200
        assert scene.ada.get("/api/v1/servers/lab/messages?limit=5").status == 200
        assert scene.ada.post("/api/v1/servers/other/stop").json()["state"] == "STOPPED"
        assert is_refused(other)
        assert scene.incidents("lab") == ["store"]
        assert scene.lost("lab", held) == set()
        done = scene.disk.manage(scene.panel, "shell", "-v", "0", "-c", PRUNE.format(name="lab", keep=100))
        assert int(done.stdout) > 1000, done.stderr
        eventually(goes_on(filler), within=20)
    eventually(lambda: scene.at_rest("lab"))
    assert scene.counters("lab")["stored"] >= len(filler.acknowledged)
    assert scene.is_whole()


def is_refused(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_a_server_deleted_on_a_full_disk_makes_room(scene: Scene):
    with traffic(scene.acknowledging("doomed")):
        eventually(lambda: scene.health() == "SP-4001", within=60)
    scene.delete("doomed")
    eventually(lambda: scene.health() == "ok", within=20)
    eventually(lambda: scene.disk.free > 80 * MIB, within=20)
    assert scene.is_whole()


def test_a_foreign_file_that_takes_the_last_byte_holds_messages_until_it_is_gone(scene: Scene):
    with traffic(scene.acknowledging("foreign"), length=500) as filler:
        eventually(goes_on(filler))
        with scene.full() as fill:
            eventually(lambda: scene.ballast() < 6 * MIB or fill(), within=20)
            assert signed_in(scene).get("/servers/").status == 200
            assert scene.lost("foreign", list(filler.acknowledged)) == set()
        eventually(goes_on(filler), within=20)
        eventually(lambda: scene.health() == "ok", within=20)
        eventually(lambda: scene.ballast() > 6 * MIB, within=20)
    eventually(lambda: scene.at_rest("foreign"))
    assert scene.lost("foreign", filler.acknowledged) == set()
    assert scene.is_whole()


def test_a_supervisor_killed_on_a_full_disk_comes_back_and_loses_nothing(scene: Scene):
    with traffic(scene.acknowledging("killed"), length=500) as filler:
        eventually(goes_on(filler))
        with scene.full():
            scene.panel.children()["supervise"].send_signal(signal.SIGKILL)
            eventually(lambda: scene.health() == "SP-2201", within=20)
            eventually(lambda: scene.health() in ("SP-4001", "ok"), within=30)  # a log that began anew makes room
        eventually(lambda: scene.health() == "ok", within=20)
    assert scene.lost("killed", filler.acknowledged) == set()
    assert scene.is_whole()


def test_datagrams_that_find_no_room_are_counted_as_backlog(scene: Scene):
    port = scene.serve("sink", socket.SOCK_DGRAM, preset="sink")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, scene.full():
        for _ in range(50):  # more than the worker may have waiting, no faster than it reads
            for _ in range(10):
                sender.sendto(b"x" * 60_000, ("127.0.0.1", port))
            assert scene.health() == "SP-4001"
    eventually(lambda: scene.health() == "ok", within=20)
    eventually(lambda: scene.at_rest("sink") and scene.counters("sink")["dropped"].get("backlog"), within=20)
    assert scene.counters("sink")["stored"] > 0


def test_a_log_and_a_copy_that_find_no_room_end_nothing(scene: Scene):
    with scene.full():
        done = scene.disk.manage(scene.panel, "backup")
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        for _ in range(20):
            assert scene.panel.visitor().get("/no/such/page").status in (302, 404)
        assert signed_in(scene).get("/servers/").status == 200
    assert not list((scene.panel.data_dir / "backups").glob("*.tar*"))
    eventually(lambda: scene.health() == "ok", within=20)
    assert scene.panel.process.poll() is None
