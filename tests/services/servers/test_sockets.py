"""Sockets as a supervisor opens them, and what it says when it cannot."""

import errno
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services.errors import (
    AddressFamilyRefused,
    AddressForeign,
    AddressInUse,
    BindError,
    PortPrivileged,
    SocketPathRefused,
)
from services.servers import socket_options, sockets
from services.servers.spec import ServerSpec
from tests.services.servers.supervising import ROOT, spec_of


@pytest.fixture
def opened():
    """Opens sockets, and closes them after the test."""
    held = []

    def open_one(spec: ServerSpec) -> socket.socket:
        held.append((sockets.open_socket(spec), spec))
        return held[-1][0]

    yield open_one
    for sock, spec in held:
        sockets.close_socket(sock, spec)


@pytest.fixture
def taken():
    """A TCP port of loopback that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def option(sock: socket.socket, level: int, name: int) -> int:
    return sock.getsockopt(level, name)


def test_a_stream_socket_listens_does_not_block_and_is_not_inherited(opened):
    sock = opened(spec_of(kind="tcp"))
    assert option(sock, socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    assert not sock.getblocking()
    assert not sock.get_inheritable()
    with socket.create_connection(sock.getsockname()):
        pass


def test_no_port_can_be_shared(opened):
    tcp, udp = opened(spec_of(kind="tcp")), opened(spec_of(kind="udp"))
    assert not option(tcp, socket.SOL_SOCKET, socket.SO_REUSEPORT)
    assert not option(udp, socket.SOL_SOCKET, socket.SO_REUSEPORT)
    assert not option(udp, socket.SOL_SOCKET, socket.SO_REUSEADDR)


def test_a_datagram_port_cannot_be_stolen_by_whoever_reuses_addresses(opened):
    port = opened(spec_of(kind="udp")).getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind(("127.0.0.1", port))


def test_two_colons_listen_to_both_families(opened):
    port = opened(spec_of(kind="tcp", host="::")).getsockname()[1]
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, port)):
            pass


def test_any_other_ipv6_address_listens_to_its_own_family(opened):
    sock = opened(spec_of(kind="tcp", host="::1"))
    assert option(sock, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


def test_a_datagram_socket_asks_for_room_and_for_destinations_where_they_may_differ(opened):
    everywhere, here = opened(spec_of(kind="udp", host="0.0.0.0")), opened(spec_of(kind="udp"))
    assert option(everywhere, socket.SOL_SOCKET, socket.SO_RCVBUF) > 212_992
    assert option(everywhere, socket.IPPROTO_IP, socket_options.IP_PKTINFO)
    assert not option(here, socket.IPPROTO_IP, socket_options.IP_PKTINFO)


def test_only_broadcast_servers_may_broadcast(opened):
    allowed = {
        kind: bool(option(opened(spec_of(kind=kind, host="0.0.0.0")), socket.SOL_SOCKET, socket.SO_BROADCAST))
        for kind in ("udp", "time", "broadcast-receiver", "broadcast-sender")
    }
    assert allowed == {"udp": False, "time": False, "broadcast-receiver": True, "broadcast-sender": True}


def test_a_port_in_use_names_its_holder_and_a_free_one(taken):
    with pytest.raises(AddressInUse) as refused:
        sockets.open_socket(spec_of(kind="tcp", port=taken))
    message = refused.value.message
    assert message.startswith(f"Port {taken} on 127.0.0.1 is in use by pid {os.getpid()} (")
    assert "stop it or choose another port" in message
    assert refused.value.field == "port"
    free = int(message.rpartition("; ")[2].split()[0])
    sockets.open_socket(spec_of(kind="tcp", port=free)).close()


def test_a_udp_port_in_use_is_told_apart_from_a_tcp_port(taken):
    assert sockets.check_address(spec_of(kind="udp", port=taken)) is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        assert f"pid {os.getpid()}" in (sockets.check_address(spec_of(kind="udp", port=port)) or "")


def test_a_udp_port_that_is_held_for_an_instant_is_not_in_use(monkeypatch, opened):
    """As by `check_address` in another process, while the server starts here."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    monkeypatch.setattr(sockets.time, "sleep", lambda pause: holder.close())
    opened(spec_of(kind="udp", port=port))


def test_a_check_of_a_tcp_port_does_not_disturb_a_start(opened):
    spec = spec_of(kind="tcp")
    checking = sockets._opened(spec, listen=False)
    with checking:
        opened(spec_of(kind="tcp", port=checking.getsockname()[1]))


def test_connections_of_before_do_not_keep_a_port(opened):
    """TIME_WAIT alone must not fail a restart."""
    spec = spec_of(kind="tcp")
    listener = sockets.open_socket(spec)
    address = listener.getsockname()
    listener.setblocking(True)
    with socket.create_connection(address) as client:
        listener.accept()[0].close()  # whoever closes first keeps TIME_WAIT
        assert client.recv(1) == b""
    listener.close()
    assert opened(spec_of(kind="tcp", port=address[1])).getsockname() == address


def test_an_address_of_another_machine_is_foreign():
    with pytest.raises(AddressForeign, match=r"192\.0\.2\.77 is no address of this machine"):
        sockets.open_socket(spec_of(kind="tcp", host="192.0.2.77"))


def test_an_unknown_interface_is_foreign():
    with pytest.raises(AddressForeign):
        sockets.open_socket(spec_of(kind="tcp", host="fe80::1%nowhere"))


@pytest.mark.parametrize(
    ("number", "kind", "sentence"),
    [
        (errno.EACCES, PortPrivileged, "Port 80 needs a privilege: use 1024 or above"),
        (errno.EAFNOSUPPORT, AddressFamilyRefused, "This machine has no IPv6"),
        (errno.EADDRNOTAVAIL, AddressForeign, "::1 is no address of this machine"),
        (errno.ENOBUFS, BindError, "could not be opened"),
    ],
)
def test_every_refusal_of_the_kernel_is_a_sentence(monkeypatch, number, kind, sentence):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(sockets, "_configure", refuse)
    with pytest.raises(kind, match=sentence):
        sockets.open_socket(spec_of(kind="tcp", host="::1", port=80))


def test_an_unprivileged_user_may_not_open_a_privileged_port():
    """Asked of the kernel where the test is run by root, too."""
    allowed = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if allowed <= 80:
        pytest.skip("this machine has no privileged ports")
    code = (
        "import os; from services.servers import sockets, validation\n"
        "spec = validation.build({'name': 'a', 'kind': 'tcp', 'port': 80})\n"
        "sockets.check_address(spec)\n"  # loads what it needs: afterwards the folders may be closed to it
        "os.geteuid() or os.setuid(65534)\n"
        "print(sockets.check_address(spec))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Port 80 needs a privilege: use 1024 or above")


def test_a_check_leaves_the_address_free(tmp_path):
    spec = spec_of(kind="tcp", port=None, transport="unix", host=str(tmp_path / "a.sock"))
    assert sockets.check_address(spec) is None
    assert list(tmp_path.iterdir()) == []
    assert sockets.check_address(spec_of(kind="udp", host="::1")) is None


def test_a_check_says_what_the_start_would_say(taken):
    spec = spec_of(kind="tcp", port=taken)
    with pytest.raises(AddressInUse) as refused:
        sockets.open_socket(spec)
    assert sockets.check_address(spec) == refused.value.message


# UNIX sockets


@pytest.fixture(params=[("tcp", "unix"), ("udp", "unix-dgram")], ids=["stream", "datagram"])
def at(request, tmp_path):
    """A spec for a path in a folder of the test's own."""
    kind, transport = request.param
    return lambda name="a.sock": spec_of(kind=kind, transport=transport, host=str(tmp_path / name), port=None)


def test_a_unix_socket_is_for_its_owner_and_group_and_leaves_with_its_server(at, tmp_path):
    spec = at()
    sock = sockets.open_socket(spec)
    assert stat.S_IMODE(Path(spec.host).stat().st_mode) == 0o660
    sockets.close_socket(sock, spec)
    assert list(tmp_path.iterdir()) == []


def test_a_leftover_socket_is_replaced(at, opened):
    sockets.open_socket(at()).close()  # as a crash would: the file stays
    assert sockets.check_address(at()) is None
    opened(at())


def test_a_living_socket_is_in_use(at, opened):
    opened(at())
    with pytest.raises(AddressInUse, match=rf"a\.sock is in use by pid {os.getpid()} "):
        sockets.open_socket(at())
    assert "is in use" in (sockets.check_address(at()) or "")


def test_a_socket_of_the_other_sort_is_in_use_too(tmp_path, opened):
    path = str(tmp_path / "a.sock")
    opened(spec_of(kind="tcp", transport="unix", host=path, port=None))
    with pytest.raises(AddressInUse):
        sockets.open_socket(spec_of(kind="udp", transport="unix-dgram", host=path, port=None))


def test_a_file_in_the_way_is_left_alone(at):
    Path(at().host).write_text("precious")
    with pytest.raises(SocketPathRefused, match="occupied by a file that is no socket"):
        sockets.open_socket(at())
    assert Path(at().host).read_text() == "precious"


def test_a_folder_that_does_not_exist_is_said(at):
    with pytest.raises(SocketPathRefused, match="does not exist: make it"):
        sockets.open_socket(at("no/a.sock"))
    assert "does not exist" in (sockets.check_address(at("no/a.sock")) or "")


def test_a_path_through_a_file_is_said(at, tmp_path):
    (tmp_path / "file").write_text("")
    assert sockets.check_address(at("file/a.sock")) is not None
    with pytest.raises(SocketPathRefused):
        sockets.open_socket(at("file/a.sock"))


def test_closing_removes_no_file_that_is_not_a_socket(at):
    spec = at()
    sock = sockets.open_socket(spec)
    os.unlink(spec.host)
    Path(spec.host).write_text("precious")
    sockets.close_socket(sock, spec)
    assert Path(spec.host).read_text() == "precious"
