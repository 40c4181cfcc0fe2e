"""What two configurations of a server have in common."""

import pytest

from services.supervisor.wanted import place, same_service, same_socket


def test_another_name_alone_needs_no_restart(spec):
    assert same_service(spec(), spec(name="renamed"))
    assert not same_service(spec(), spec(text="hello"))


@pytest.mark.parametrize("field", [{"port": 9001}, {"host": "0.0.0.0"}, {"kind": "time"}, {"transport": "udp"}])
def test_a_socket_serves_one_kind_on_one_address(spec, field):
    assert not same_socket(spec(), spec(**field))
    assert same_socket(spec(), spec(text="another reply"))


def test_a_port_is_one_place_per_transport_whatever_the_host(spec):
    assert place(spec()) == place(spec(host="0.0.0.0"))
    assert place(spec()) != place(spec(kind="udp", transport="udp"))


def test_a_path_is_one_place(spec):
    stream = spec(transport="unix", host="/tmp/a", port=0)
    assert place(stream) == place(spec(kind="udp", transport="unix-dgram", host="/tmp/a", port=0))
    assert place(stream) != place(spec(transport="unix", host="/tmp/b", port=0))
