"""Any history of wishes, deaths and reboots, played on a whole panel, ends in what was wished: against a model of a few lines.

Drawn from a seed, which a failure shows (blows.py). What one server's keeper does in any order of events is shown with a fake clock in
tests/services/supervisor/test_keeper_model.py, thousands of times as often.
"""

import os
import random
import signal
import socket
from dataclasses import dataclass

import psutil
import pytest

from tests.chaos import blows
from tests.chaos.blows import LONG
from tests.chaos.stage import quiet_port
from tests.chaos.tamed import Tamed
from tests.waiting import eventually

HISTORIES, STEPS = (60, 20) if LONG else (3, 6)
SERVERS = 4
DEATHS = 4  # of one server's workers: a fifth within ten seconds may be its last one, by design
SETTLED = 30.0  # seconds
REBOOTED = 60.0  # seconds: supervisors that die young come back later each time, after 30 s at the most


@dataclass
class Model:
    """What one server should be."""

    port: int
    answer: str = "first"
    runs: bool = False
    deaths: int = 0


class History:
    """What people, crashes and reboots do; after each step everything must be as the model says."""

    def __init__(self, panel: Tamed, chance: random.Random) -> None:
        panel.remove_all()
        self.panel, self.chance = panel, chance
        self.models: dict[str, Model] = {}

    def step(self) -> None:
        """Whatever can happen now. It is printed, so that a failure shows what led to it."""
        can = [self.create] if len(self.models) < SERVERS else []
        can += [self.wish, self.edit, self.kill, self.reboot] if self.models else []
        self.chance.choice(can)()
        self.agree()

    def create(self) -> None:
        name, model = f"server-{len(self.models)}", Model(quiet_port("tcp"))
        print(f"create {name}")
        words = {"name": name, "kind": "tcp", "transport": "tcp", "host": "127.0.0.1", "port": model.port}
        self.panel.ask("POST", "/servers", {**words, "reply": {"type": "fixed", "text": model.answer}})
        self.models[name] = model
        if self.chance.random() < 0.5:
            self.ask(name, "start")

    def wish(self) -> None:
        self.ask(self.picked(), self.chance.choice(["start", "stop", "restart"]))

    def edit(self) -> None:
        name = self.picked()
        model = self.models[name]
        model.answer = self.chance.choice(["first", "second", "third"])
        model.port = quiet_port("tcp") if self.chance.random() < 0.5 else model.port
        print(f"edit {name}: {model.answer} at port {model.port}")
        words = {"reply": {"type": "fixed", "text": model.answer}, "port": model.port}
        self.panel.ask("PATCH", f"/servers/{name}", words)

    def kill(self) -> None:
        name = self.picked()
        model = self.models[name]
        if model.runs and model.deaths < DEATHS:
            print(f"kill the worker of {name}")
            model.deaths += 1
            os.kill(self.panel.pid(name), signal.SIGKILL)

    def reboot(self) -> None:
        """The supervisor ends, gently or not, and another one begins."""
        former, how = psutil.Process(self.panel.holder()), self.chance.choice([signal.SIGKILL, signal.SIGTERM])
        print(f"reboot by {how.name}")
        former.send_signal(how)
        eventually(lambda: self.panel.holder() not in {None, former.pid} and self.panel.is_supervised(), REBOOTED)

    def ask(self, name: str, verb: str) -> None:
        print(f"{verb} {name}")
        self.panel.ask("POST", f"/servers/{name}/{verb}")
        self.models[name].runs = verb != "stop"

    def agree(self) -> None:
        for name, model in self.models.items():
            wanted = "RUNNING" if model.runs else "STOPPED"
            self.panel.until(name, lambda seen, wanted=wanted: seen["state"] == wanted, SETTLED)
            eventually(lambda model=model: said(model.port) == (model.answer if model.runs else None), SETTLED)

    def picked(self) -> str:
        return self.chance.choice(sorted(self.models))


def said(port: int) -> str | None:
    """What a server answers; None when nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(b"hello")
            return sock.recv(100).decode()
    except OSError:
        return None


@pytest.mark.timeout(3600 if LONG else 400)
def test_any_history_ends_in_what_was_wished(tamed: Tamed):
    chance = random.Random(blows.seed())
    for number in range(1, HISTORIES + 1):
        print(f"history {number}")
        history = History(tamed, chance)
        for _ in range(STEPS):
            history.step()
