"""Who holds an address, as far as it can be seen."""

import os
import socket

import psutil
import pytest

from services.servers import socket_holder


@pytest.mark.parametrize(
    ("bound", "asked"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("::1", "::")]
)
def test_names_whoever_holds_the_port_there_or_everywhere(bound, asked):
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    with socket.create_server((bound, 0), family=family) as listener:
        holder = socket_holder.of_port(asked, listener.getsockname()[1], stream=True)
    assert holder == f"pid {os.getpid()} ({psutil.Process().name()}), another server of this panel"


def test_another_address_is_another_matter():
    with socket.create_server(("127.0.0.2", 0)) as listener:
        assert socket_holder.of_port("127.0.0.3", listener.getsockname()[1], stream=True) == socket_holder.UNSEEN


def test_what_cannot_be_seen_is_another_program(monkeypatch):
    def refuse(kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert socket_holder.of_port("127.0.0.1", 1, stream=True) == "another program"
    assert socket_holder.of_path("/a") == "another program"
