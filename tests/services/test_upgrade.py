"""A panel of the first version is what it was after an upgrade: people and scripts get in, servers run, nothing recorded is lost."""

import os
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connections

from services.models import Counters
from services.servers.spec import KEEP_BYTES
from tests.services.upgrading import upgraded

OFF = {"mode": "off", "certificate": "", "client": "none", "client_ca": "", "minimum": "1.2"}


def check(found: dict[str, object]) -> None:
    """Every row of then, as it is now."""
    assert found["people"] == {
        "ada": ["admin", True, True, "", 0],
        "otto": ["operator", True, False, "", 0],
        "vera": ["viewer", False, False, "", 0],
    }
    assert found["passwords"] == ["ada", "otto", "vera"]
    assert found["tokens"] == {
        "ada": ["of ada", "admin", "None"],
        "otto": ["of otto", "operator", "None"],
        "vera": ["of vera", "viewer", "None"],
    }
    assert found["answers"] == {"ada": 200, "otto": 200, "vera": 401}  # she is disabled
    assert (found["sessions"], found["tables"]) == (0, [])
    assert found["specs"] == {"lab": 4096, "clock": 4096, "ear": 4096}
    assert KEEP_BYTES != 4096
    assert found["tls"] == [OFF] * 3
    assert found["lab"] == [9100, "running", True, 7, 4, "the second", {"rows": 100_000}]
    assert found["actions"] == [["send", "hi", {}]]
    assert found["messages"] == [[1, 100], [2, 100], [3, 100]]
    assert found["connections"] == [["10.0.0.7:5000", None]]
    assert found["counters"] == [3, 3, 300, 7]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    directory = tmp_path_factory.mktemp("upgrade")
    directory.chmod(0o700)
    found = upgraded(os.environ | {"SOCKPANEL_DATA_DIR": str(directory)})
    found["copies"] = sorted(path.name.partition("-")[0] for path in (directory / "backups").iterdir())
    return found


def test_every_row_of_the_first_version_is_there_and_means_the_same(found: dict[str, object]) -> None:
    check(found)


def test_the_first_change_of_a_server_tells_what_was_changed_and_nothing_else(found: dict[str, object]) -> None:
    assert found["changed"] == [["notes"], "the first", ""]


def test_the_audit_begins_guarded_and_sound(found: dict[str, object]) -> None:
    assert found["audit"] == [2, True]


@pytest.mark.django_db(databases=["default", "messages"])
def test_bytes_that_an_earlier_upgrade_left_out_of_the_account_come_back_into_it() -> None:
    losses = {"dropped": {"backlog": 2}, "dropped_bytes": {"backlog": 20}}
    Counters.objects.create(server_id=1, received=5, stored=3, bytes_in=90, **losses)
    Counters.objects.create(server_id=2, received=5, stored=4, bytes_in=90, stored_bytes=80, bytes_out=8)
    last_step("0008_bytes")(apps, SimpleNamespace(connection=connections["messages"]))
    found = Counters.objects.order_by("pk").values_list("stored_bytes", "sent_stored_bytes")
    assert list(found) == [(70, 0), (80, 8)]  # one message of the second is on its way


def last_step(migration: str) -> Any:
    return import_module(f"services.migrations.{migration}").Migration.operations[-1].code


def test_both_databases_were_copied_before(found: dict[str, object]) -> None:
    assert found["copies"] == ["control", "messages"]
