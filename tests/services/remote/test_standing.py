"""The banner names what runs, and nothing that does not."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from services.models import Server, Status
from services.remote import standing

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.fixture(autouse=True)
def alive(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The nodes whose supervisors are."""
    nodes = {"local"}
    monkeypatch.setattr("services.nodes.alive", nodes.__contains__)
    return nodes


def server(name: str, state: str = "RUNNING", kind: str = "command", **options: Any) -> None:
    made = Server.objects.create(name=name, kind=kind, transport="tcp", host="127.0.0.1", port=9997, options=options)
    Status.objects.create(server_id=made.pk, state=state, since=1)


def test_nothing_is_asked_where_no_such_server_is(django_assert_num_queries: Any) -> None:
    server("echo", kind="tcp")
    with django_assert_num_queries(1):
        assert standing.running() == []


def test_those_that_run_are_named_in_order_with_what_they_take() -> None:
    server("z", dialect="frames", shell=True)
    server("a", dialect="ready")
    server("m", dialect="frames")
    server("stopped", state="STOPPED", shell=True)
    assert standing.running() == [("a", True, "ready"), ("m", False, "frames"), ("z", True, "frames")]


def test_what_has_not_stopped_yet_still_runs_commands() -> None:
    server("lab", state="STOPPING")
    assert [one.name for one in standing.running()] == ["lab"]


def test_without_a_supervisor_nothing_runs_whatever_was_written_last(alive: set[str]) -> None:
    server("lab")
    alive.clear()
    assert standing.running() == []


async def test_who_waits_for_the_end_is_told_what_is_left() -> None:
    assert await standing.ended(within=5) == []


async def test_the_wait_has_an_end() -> None:
    await sync_to_async(server)("lab")
    assert [one.name for one in await standing.ended(within=0.01)] == ["lab"]
