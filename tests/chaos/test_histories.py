"""Any history of wishes, deaths and reboots, played on a whole panel, ends in what was wished: against a model of a few lines.

Drawn from a seed, which a failure shows (blows.py). What one server's keeper does in any order of events is shown with a fake clock in
tests/services/supervisor/test_keeper_model.py, thousands of times as often.
"""

import os
import signal
import socket
from dataclasses import dataclass

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.chaos import blows
from tests.chaos.blows import LONG
from tests.chaos.stage import quiet_port
from tests.chaos.tamed import Tamed
from tests.waiting import eventually

EXAMPLES, STEPS = (60, 20) if LONG else (4, 8)
SERVERS = 4
DEATHS = 4  # of one server's workers: a fifth within ten seconds may be its last one, by design
SETTLED = 30.0  # seconds
ANY = st.integers(0, SERVERS - 1)


@dataclass
class Model:
    """What one server should be."""

    port: int
    answer: str = "first"
    runs: bool = False
    deaths: int = 0


class History(RuleBasedStateMachine):
    """What people, crashes and reboots do; after each step everything must be as the model says."""

    panel: Tamed

    def __init__(self) -> None:
        super().__init__()
        self.panel.remove_all()
        self.models: dict[str, Model] = {}

    @precondition(lambda self: len(self.models) < SERVERS)
    @rule(runs=st.booleans())
    def create(self, runs: bool) -> None:
        name, model = f"server-{len(self.models)}", Model(quiet_port("tcp"))
        words = {"name": name, "kind": "tcp", "transport": "tcp", "host": "127.0.0.1", "port": model.port}
        self.panel.ask("POST", "/servers", {**words, "reply": {"type": "fixed", "text": model.answer}})
        self.models[name] = model
        if runs:
            self.ask(name, "start", runs=True)

    @precondition(lambda self: self.models)
    @rule(which=ANY, verb=st.sampled_from(["start", "stop", "restart"]))
    def wish(self, which: int, verb: str) -> None:
        self.ask(self.picked(which), verb, runs=verb != "stop")

    @precondition(lambda self: self.models)
    @rule(which=ANY, answer=st.sampled_from(["first", "second", "third"]), moves=st.booleans())
    def edit(self, which: int, answer: str, moves: bool) -> None:
        name = self.picked(which)
        model = self.models[name]
        model.answer, model.port = answer, quiet_port("tcp") if moves else model.port
        self.panel.ask("PATCH", f"/servers/{name}", {"reply": {"type": "fixed", "text": answer}, "port": model.port})
        self.agree()

    @precondition(lambda self: self.models)
    @rule(which=ANY)
    def kill(self, which: int) -> None:
        name = self.picked(which)
        model = self.models[name]
        if model.runs and model.deaths < DEATHS:
            model.deaths += 1
            os.kill(self.panel.pid(name), signal.SIGKILL)
            self.agree()

    @precondition(lambda self: self.models)
    @rule(how=st.sampled_from([signal.SIGKILL, signal.SIGTERM]))
    def reboot(self, how: signal.Signals) -> None:
        """The supervisor ends, gently or not, and another one begins."""
        former = self.panel.supervisor
        former.send_signal(how)
        eventually(lambda: self.panel.supervisor.pid != former.pid and self.panel.is_supervised(), SETTLED)
        self.agree()

    def ask(self, name: str, verb: str, runs: bool) -> None:
        self.panel.ask("POST", f"/servers/{name}/{verb}")
        self.models[name].runs = runs
        self.agree()

    def agree(self) -> None:
        for name, model in self.models.items():
            wanted = "RUNNING" if model.runs else "STOPPED"
            self.panel.until(name, lambda seen, wanted=wanted: seen["state"] == wanted, SETTLED)
            eventually(lambda model=model: said(model.port) == (model.answer if model.runs else None), SETTLED)

    def picked(self, which: int) -> str:
        return sorted(self.models)[which % len(self.models)]


def said(port: int) -> str | None:
    """What a server answers; None when nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(b"hello")
            return sock.recv(100).decode()
    except OSError:
        return None


@pytest.mark.timeout(3600 if LONG else 240)
def test_any_history_ends_in_what_was_wished(tamed: Tamed):
    History.panel = tamed
    settings = hypothesis.settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],  # a failure has its seed; to shrink it would take hours
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.seed(blows.seed())(History)
    run_state_machine_as_test(History, settings=settings)
