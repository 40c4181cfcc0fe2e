"""Addresses as the kernel gives them and as people write them."""

import socket

import pytest

from services.servers import addresses
from tests.services.servers.secrets_of import TOKEN

BOTH_WAYS = [
    (("127.0.0.1", 5000), "127.0.0.1:5000", socket.AF_INET),
    (("::1", 5000, 0, 0), "[::1]:5000", socket.AF_INET6),
    (("::ffff:10.0.0.7", 5000, 0, 0), "10.0.0.7:5000", socket.AF_INET6),
    (("fe80::1", 5000, 0, 1), "[fe80::1%1]:5000", socket.AF_INET6),
    ("/tmp/a.sock", "/tmp/a.sock", socket.AF_UNIX),
    (b"\0abstract", "@abstract", socket.AF_UNIX),
]


@pytest.mark.parametrize(("raw", "name", "family"), BOTH_WAYS)
def test_a_name_leads_back_to_its_address(raw, name, family):
    assert addresses.name(raw) == name
    assert addresses.address(name, family) == raw


@pytest.mark.parametrize("raw", ["", None, b""])
def test_a_sender_without_a_name_is_unnamed(raw):
    assert addresses.name(raw) == "unnamed"


def test_a_path_that_is_no_utf8_can_be_shown_and_stored():
    assert addresses.name("/tmp/\udcff") == r"/tmp/\xff"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "::1:5000",
        "[127.0.0.1:5",
        "host:5",
        ":5",
        "1.2.3.4:١",
        "127.0.0.1:99999999",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError):
        addresses.address(text, socket.AF_INET)


@pytest.mark.parametrize("text", ["", "unnamed", "/a\0b"])
def test_what_is_no_unix_address_is_refused(text):
    with pytest.raises(ValueError):
        addresses.address(text, socket.AF_UNIX)


def test_a_senders_name_holds_no_token():
    assert addresses.name(b"\0" + TOKEN) == "@sp_[redacted]"
    assert addresses.name(f"/tmp/{TOKEN.decode()}") == "/tmp/sp_[redacted]"
