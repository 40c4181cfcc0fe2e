"""An address that leads to another one is known by both."""

from ipaddress import ip_address

import pytest

from services.client.wrappings import every_face


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::127.0.0.1", "127.0.0.1"),
        ("::ffff:0:127.0.0.1", "127.0.0.1"),
        ("64:ff9b::7f00:1", "127.0.0.1"),
        ("64:ff9b:1::a9fe:a9fe", "169.254.169.254"),
        ("2002:7f00:1::", "127.0.0.1"),
        ("2002:a9fe:a9fe::1", "169.254.169.254"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
        ("2001:db8::5efe:7f00:1", "127.0.0.1"),
        ("2001:db8::200:5efe:127.0.0.1", "127.0.0.1"),
    ],
)
def test_an_address_inside_of_another_is_found(address: str, inside: str) -> None:
    assert ip_address(inside) in every_face(ip_address(address))


@pytest.mark.parametrize("address", ["192.0.2.1", "::1", "::", "2001:db8::1", "fe80::1", "fd00:ec2::254"])
def test_what_leads_to_itself_has_one_face(address: str) -> None:
    assert every_face(ip_address(address)) == [ip_address(address)]
