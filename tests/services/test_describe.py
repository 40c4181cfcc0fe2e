"""A server is described as it stands, and never as running when nobody supervises it."""

import pytest

from services import configuration, errors
from services.asking import by_code
from services.describe import describe
from services.models import Counters, Server, Status
from services.servers import clock

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

FIELDS = {
    "id", "name", "kind", "transport", "host", "port", "framing", "reply", "options", "limits", "restart", "autostart",
    "retention", "node", "notes", "state", "reason", "since", "pid", "address", "wanted", "warnings", "counters",
}  # fmt: skip


@pytest.fixture
def server(settings, tmp_path) -> Server:
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return Server.objects.create(**configuration.complete({"preset": "echo"}))


def stand(server: Server, state: str, **more: object) -> None:
    Status.objects.create(server_id=server.pk, state=state, since=clock.now(), pid=12, **more)


def test_has_every_field_of_the_contract(server):
    assert set(describe([server])[0]) >= FIELDS


def test_a_new_server_is_stopped_and_has_counted_nothing(server):
    it = describe([server])[0]
    assert (it["state"], it["pid"], it["counters"]["received"], it["address"]) == ("STOPPED", None, 0, "127.0.0.1:8007")


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "BACKOFF", "STOPPING"])
def test_without_a_supervisor_nothing_runs_whatever_was_written(server, state):
    stand(server, state)
    it = describe([server])[0]
    assert (it["state"], it["pid"]) == ("STOPPED", None)
    assert "manage.py up" in it["reason"]


def test_a_failure_stays_visible_without_a_supervisor(server):
    stand(server, "FATAL", reason="Port 8007 is in use.")
    it = describe([server])[0]
    assert (it["state"], it["reason"]) == ("FATAL", "Port 8007 is in use.")


def test_with_a_supervisor_the_last_word_counts(server, monkeypatch):
    monkeypatch.setattr("services.nodes.alive", lambda node: True)
    stand(server, "RUNNING", address="127.0.0.1:8007")
    Counters.objects.create(server_id=server.pk, received=3, stored=2, dropped={"kernel": 1})
    it = describe([server])[0]
    assert (it["state"], it["pid"], it["counters"]["dropped"]) == ("RUNNING", 12, {"kernel": 1})


def test_many_servers_cost_no_more_queries_than_one(server, django_assert_max_num_queries):
    for number in range(20):
        Server.objects.create(**configuration.complete({"preset": "echo", "name": f"echo-{number}"}))
    with django_assert_max_num_queries(2):
        assert len(describe(Server.objects.all())) == 21


@pytest.mark.parametrize("kind", [errors.AddressInUse, errors.NotRunning, errors.NameTaken, errors.SendRefused])
def test_an_error_comes_back_from_its_code(kind):
    error = by_code(kind.code, "why", {"port": "why"})
    assert (type(error), error.message) == (kind, "why")
