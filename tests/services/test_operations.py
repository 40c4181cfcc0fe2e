"""What is asked is settled when the supervisor has heeded it, or when there is none; nothing else is taken for an answer."""

from typing import Any

import pytest

from services import nodes, operations
from services.management import standing
from services.models import Server, Status

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "messages"])

ENDED = frozenset({"STOPPED"})


def lab() -> Server:
    return Server.objects.create(name="lab", kind="tcp", transport="tcp", host="127.0.0.1", port=8007)


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor is alive, and does not answer."""
    monkeypatch.setattr(nodes, "alive", lambda node: True)


def test_a_stop_that_nobody_heeded_is_no_stop(supervised: Any) -> None:
    server = lab()
    Status.objects.create(server_id=server.pk, state="RUNNING", since=1, asked=0)
    status = operations.settle(server, operations.stop(server, "ada"), wait=0.0)
    assert status is None
    assert "not settled" in standing.failure(server, status, ENDED, 0.0)


@pytest.mark.parametrize("left", ["RUNNING", "BACKOFF", None])
def test_without_a_supervisor_it_is_stopped_whatever_was_written_last(left: str | None) -> None:
    server = lab()
    if left:
        Status.objects.create(server_id=server.pk, state=left, since=1)
    status = operations.settle(server, operations.stop(server, "ada"), wait=0.0)
    assert status
    assert standing.failure(server, status, ENDED, 0.0) == ""
    assert "No supervisor runs" in standing.failure(server, status, frozenset({"RUNNING"}), 0.0)


@pytest.mark.parametrize("state", ["FATAL", "EXITED"])
def test_what_failed_or_ended_stays_so_without_a_supervisor(state: str) -> None:
    server = lab()
    Status.objects.create(server_id=server.pk, state=state, since=1)
    status = operations.settle(server, server.asked, wait=0.0)
    assert status
    assert status.state == state
