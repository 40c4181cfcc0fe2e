"""What is asked of a server. A stand-in for the supervisor answers, or nobody does; the real one is in test_product.py."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from services.models import Action, Run, Server, Status
from services.servers import clock
from sockpanel.api import verbs
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])
Problem = Callable[..., dict[str, Any]]


class StandIn:
    """Heeds one request as a supervisor would, in a thread of its own."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def will(self, act: Callable[[], object]) -> None:
        self._threads.append(threading.Thread(target=self._act, args=[act]))
        self._threads[-1].start()

    def _act(self, act: Callable[[], object]) -> None:
        try:
            eventually(act)
        finally:
            connections.close_all()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def stand_in(supervised: None) -> Iterator[StandIn]:
    helper = StandIn()
    yield helper
    helper.join()


def settle(state: str, reason: str = "", run: int = 0) -> bool:
    """The server rests in this state once something was asked."""
    server = Server.objects.get()
    if server.asked:
        Status.objects.update_or_create(
            server_id=server.pk,
            defaults={"state": state, "reason": reason, "since": clock.now(), "asked": server.asked, "run": run},
        )
    return bool(server.asked)


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_a_start_gives_the_server_once_it_runs(operator: Any, echo: Server, stand_in: StandIn, verb: str) -> None:
    stand_in.will(lambda: settle("RUNNING"))
    response = operator.ask("POST", f"/servers/echo/{verb}")
    told = response.json()
    assert (response.status_code, told["state"], told["wanted"], told["name"]) == (200, "RUNNING", "running", "echo")
    assert Server.objects.get().asked_by == "otto"


def test_a_stop_gives_the_server_once_it_is_stopped(operator: Any, echo: Server, stand_in: StandIn) -> None:
    stand_in.will(lambda: settle("STOPPED"))
    response = operator.ask("POST", "/servers/echo/stop")
    assert (response.status_code, response.json()["state"], response.json()["wanted"]) == (200, "STOPPED", "stopped")


@pytest.mark.parametrize("state", ["FATAL", "EXITED"])
def test_a_start_that_failed_tells_the_reason(
    operator: Any, echo: Server, stand_in: StandIn, state: str, problem: Problem
) -> None:
    reason = "Port 8007 on 127.0.0.1 is in use by pid 812 (nginx): stop it or choose another port; 8008 is free."
    stand_in.will(lambda: settle(state, reason))
    assert problem(operator.ask("POST", "/servers/echo/start"), 409, "SP-2202")["detail"] == reason


def test_a_server_that_served_and_is_through_did_start(operator: Any, echo: Server, stand_in: StandIn) -> None:
    Run.objects.create(server_id=echo.pk, number=3, pid=7, process_start=1, started_at=1, ready_at=2, ended_at=3)
    stand_in.will(lambda: settle("EXITED", run=3))
    response = operator.ask("POST", "/servers/echo/start")
    assert (response.status_code, response.json()["state"]) == (200, "EXITED")


def test_what_is_not_settled_in_time_is_accepted(
    operator: Any, echo: Server, supervised: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "SETTLE", 0.05)
    response = operator.ask("POST", "/servers/echo/start")
    assert (response.status_code, response.json()["wanted"]) == (202, "running")


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_without_a_supervisor_nothing_starts(operator: Any, echo: Server, verb: str, problem: Problem) -> None:
    told = problem(operator.ask("POST", f"/servers/echo/{verb}"), 503, "SP-2201")
    assert "manage.py" in told["detail"]
    assert Server.objects.get().wanted == "stopped"


def test_without_a_supervisor_a_server_is_stopped_already(operator: Any, echo: Server) -> None:
    response = operator.ask("POST", "/servers/echo/stop")
    assert (response.status_code, response.json()["state"]) == (200, "STOPPED")


@pytest.fixture
def running(echo: Server, stand_in: StandIn) -> Server:
    """A server that runs."""
    Status.objects.create(server_id=echo.pk, state="RUNNING", since=clock.now())
    return echo


def answer(**done: Any) -> Action | None:
    """Carry out the one action that was asked for."""
    action = Action.objects.first()
    if action:
        Action.objects.filter(pk=action.pk).update(done_at=action.asked_at, **done)
    return action


@pytest.mark.parametrize(
    ("said", "data", "words"),
    [
        ({"data": r"hi\r\n"}, b"hi\r\n", {"connection": None, "peer": None}),
        ({"data": "00 ff", "encoding": "hex", "connection": 7}, b"\0\xff", {"connection": 7, "peer": None}),
        ({"data": "AP8=", "encoding": "base64", "connection": "all"}, b"\0\xff", {"connection": None, "peer": None}),
        ({"data": "", "peer": "127.0.0.1:5000"}, b"", {"connection": None, "peer": "127.0.0.1:5000"}),
    ],
)
def test_bytes_are_sent_to_whom_they_are_meant_for(
    operator: Any, running: Server, stand_in: StandIn, said: object, data: bytes, words: object
) -> None:
    stand_in.will(lambda: answer(count=2))
    response = operator.ask("POST", "/servers/echo/send", said)
    assert (response.status_code, response.json()) == (200, {"reached": 2})
    action = Action.objects.get()
    assert (bytes(action.data), action.words, action.asked_by) == (data, words, "otto")


def test_what_became_of_it_is_told(operator: Any, running: Server, stand_in: StandIn, problem: Problem) -> None:
    stand_in.will(lambda: answer(code="SP-2204", error="Connection 7 of echo is closed."))
    problem(operator.ask("POST", "/servers/echo/send", {"data": "x", "connection": 7}), 404, "SP-2204")


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({}, "SP-3003", "data"),
        ({"data": 7}, "SP-3003", "data"),
        ({"data": r"\q"}, "SP-3003", "data"),
        ({"data": "0", "encoding": "hex"}, "SP-3003", "data"),
        ({"data": "x", "connection": "some"}, "SP-6001", "connection"),
        ({"data": "x", "connection": True}, "SP-6001", "connection"),
        ({"data": "x", "connection": -1}, "SP-6001", "connection"),
        ({"data": "x", "connection": 2**63}, "SP-6001", "connection"),
        ({"data": "x", "peer": ""}, "SP-6001", "peer"),
        ({"data": "x", "peer": "a", "connection": 1}, "SP-6001", "peer"),
        ({"data": "x", "colour": 1}, "SP-6001", "colour"),
    ],
)
def test_what_cannot_be_sent_is_refused(
    operator: Any, echo: Server, said: object, code: str, field: str, problem: Problem
) -> None:
    assert problem(operator.ask("POST", "/servers/echo/send", said), 422, code)["field"] == field


def test_data_that_is_missing_is_called_missing(operator: Any, echo: Server, problem: Problem) -> None:
    for said in ({}, {"data": None}):
        told = problem(operator.ask("POST", "/servers/echo/send", said), 422, "SP-3003")
        assert told["detail"].startswith("The data is missing")


def test_nothing_is_sent_by_a_server_that_does_not_run(operator: Any, echo: Server, problem: Problem) -> None:
    problem(operator.ask("POST", "/servers/echo/send", {"data": "x"}), 409, "SP-2203")
    problem(operator.ask("DELETE", "/servers/echo/connections/1"), 409, "SP-2203")


def test_one_connection_is_closed(operator: Any, running: Server, stand_in: StandIn) -> None:
    seen: list[Action | None] = []
    stand_in.will(lambda: seen.append(answer(count=1)) or seen[-1])
    response = operator.ask("DELETE", "/servers/echo/connections/7")
    assert (response.status_code, response.content, response.has_header("Content-Type")) == (204, b"", False)
    action = next(filter(None, seen))
    assert (action.verb, action.words) == ("close", {"connection": 7})
