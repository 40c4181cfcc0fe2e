"""The directory is private, agreed on by all, and holds no trace of the dead."""

import os
import socket
import stat
import subprocess
import sys

import pytest

from services.bus import directory as module
from services.bus import names
from services.bus.directory import Directory
from services.errors import BusUnreachable


@pytest.fixture
def bus(directory):
    bus = Directory(directory)
    bus.prepare()
    return bus


@pytest.fixture
def sock():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        yield sock


def modes(path):
    return {stat.S_IMODE(entry.stat().st_mode) for entry in (path, *path.iterdir())}


def test_it_is_made_for_its_user_alone(bus):
    assert modes(bus.path) == {0o700}


def test_one_that_others_may_enter_is_closed_to_them(directory):
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    Directory(directory).prepare()
    assert modes(directory) == {0o700}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_one_of_another_user_is_refused_with_both_users():
    script = "import os; from services.bus.directory import Directory; os.seteuid(65534); Directory('/').prepare()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "BusUnreachable: The bus directory / belongs to user 0, this process runs as 65534" in done.stderr


def test_what_cannot_be_a_directory_is_refused(tmp_path):
    (tmp_path / "bus").touch()
    with pytest.raises(BusUnreachable, match="cannot be used"):
        Directory(tmp_path / "bus").prepare()


def test_without_proc_it_is_refused_with_the_way_out(bus, monkeypatch):
    monkeypatch.setattr(module, "DESCRIPTORS", "/proc/nowhere")
    with pytest.raises(BusUnreachable, match="mount /proc, or set REDIS_URL"):
        bus.prepare()


def test_the_epoch_changes_for_everyone(bus):
    other = Directory(bus.path)
    assert other.epoch() == ""
    bus.begin_epoch()
    first = other.epoch()
    bus.begin_epoch()
    assert "" != first != other.epoch()


def test_a_socket_can_be_reached_however_long_the_path(tmp_path, sock):
    bus = Directory(tmp_path / ("x" * 200) / "bus")
    bus.prepare()
    endpoint = names.new_endpoint()
    bus.bind(sock, endpoint)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        bus.connect(sender, endpoint)
        sender.send(b"hello")
    assert sock.recv(10) == b"hello"


def test_a_socket_is_its_users_alone_and_nothing_else_is_left(bus, sock):
    endpoint = names.new_endpoint()
    bus.bind(sock, endpoint)
    assert os.listdir(bus.endpoints) == [endpoint] == bus.living()
    assert stat.S_IMODE((bus.endpoints / endpoint).stat().st_mode) == 0o600


def test_nobody_there_and_somebody_who_died_are_told_apart_from_the_living(bus, sock):
    dead = names.new_endpoint()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dying:
        bus.bind(dying, dead)
    with pytest.raises(ConnectionRefusedError):
        bus.connect(sock, dead)
    bus.forget(dead)
    with pytest.raises(FileNotFoundError):
        bus.connect(sock, dead)


def test_what_a_dead_endpoint_left_is_removed_and_nothing_of_others(bus, sock):
    dead, alive = names.new_endpoint(), names.new_endpoint()
    for endpoint in (dead, alive):
        (bus.endpoints / endpoint).touch()
        bus.tell_full(f"specific.{endpoint}!", True)
    bus.forget(dead)
    assert bus.living() == [alive]
    assert not bus.is_full(f"specific.{dead}!")
    assert bus.is_full(f"specific.{alive}!")


def test_a_channel_is_full_until_it_is_not(bus):
    for full in (True, True, False, False):
        bus.tell_full("a!", full)
        assert Directory(bus.path).is_full("a!") is full
