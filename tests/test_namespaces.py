"""A network of a test's own: nothing of it is seen outside, a failure inside is one outside, and who may make none is told why."""

import shutil
import socket
import subprocess

import pytest

from tests import namespaces
from tests.namespaces import add_address, in_own_network

FAR = "203.0.113.5"


@in_own_network
async def _it_fails() -> None:
    assert socket.if_nameindex() == [(7, "elsewhere")]


@in_own_network
async def _it_has_an_address() -> None:
    add_address(FAR)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((FAR, 0))


def test_a_failure_inside_is_one_outside():
    with pytest.raises(pytest.fail.Exception, match="elsewhere"):
        _it_fails()


def test_an_address_is_had_inside_and_not_outside():
    _it_has_an_address()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(OSError, match="assign"):
        sock.bind((FAR, 0))


@pytest.mark.parametrize(
    ("found", "code", "why"),
    [(None, 0, "it is not installed"), ("unshare", 1, "lets this user make no network namespace")],
)
def test_who_may_make_none_is_told_why(monkeypatch, found, code, why):
    monkeypatch.setattr(shutil, "which", lambda name: found)
    monkeypatch.setattr(subprocess, "run", lambda *words, **more: subprocess.CompletedProcess(words, code))
    namespaces._entrance.cache_clear()
    with pytest.raises(pytest.skip.Exception, match=why):
        _it_has_an_address()
    namespaces._entrance.cache_clear()
