"""A node is supervised by whoever holds its lock here, or writes signs of life from another machine."""

import os

import pytest

from services import nodes
from services.models import Node
from services.servers import clock
from services.supervisor.lock import SupervisorLock

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

STARTED = 1_750_000_000_000_000


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return tmp_path


def heard(age: int = 0, started_at: int = STARTED) -> None:
    Node.objects.create(name="local", pid=812, started_at=started_at, seen_at=clock.now() - age * 1_000_000)


def test_nobody_supervises_a_node_that_was_never_heard_of():
    assert not nodes.alive("local")


def test_the_holder_of_the_lock_is_the_one(data_dir):
    heard()
    with SupervisorLock(data_dir, "local", STARTED):
        assert nodes.supervisor_pid("local") == os.getpid()


def test_a_supervisor_of_this_machine_is_dead_as_soon_as_its_lock_is_free(data_dir):
    with SupervisorLock(data_dir, "local", STARTED):
        heard()
    assert not nodes.alive("local")


def test_a_lock_left_behind_hides_no_supervisor_of_another_machine(data_dir):
    with SupervisorLock(data_dir, "local", STARTED - 1):
        pass
    heard()
    assert nodes.supervisor_pid("local") == 812


@pytest.mark.parametrize(("age", "is_alive"), [(14, True), (16, False)])
def test_another_machines_supervisor_lives_as_long_as_it_is_heard_of(age, is_alive):
    heard(age)
    assert nodes.alive("local") is is_alive
