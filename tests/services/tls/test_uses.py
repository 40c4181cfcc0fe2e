"""A configuration names certificates that there are, of the right sort, and it is known who uses which."""

import pytest

from services import operations
from services.errors import ConfigurationRefused
from services.models import Server
from services.tls import store, uses
from tests.services.tls import making

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def server(name: str = "echo", **tls: str) -> Server:
    return operations.create({"name": name, "kind": "tcp", "port": 9100, "tls": {"mode": "on", **tls}}, "ada")


@pytest.fixture(autouse=True)
def certificates() -> None:
    store.make({"name": "lab", "names": ["localhost"]}, "ada")
    store.upload({"name": "staff", "purpose": "clients", "chain": making.root().chain}, "ada")


def test_each_sort_is_offered_for_its_own_use() -> None:
    assert uses.for_servers() == ["lab"]
    assert uses.for_clients() == ["sockpanel-ca", "staff"]


def test_whoever_uses_a_certificate_or_believes_one_is_known() -> None:
    server("a", certificate="lab", client="required", client_ca="staff")
    server("b", certificate="lab", client="none", client_ca="staff")
    server("c", mode="off", certificate="lab")
    assert uses.users() == {"lab": ["a", "b"], "staff": ["a"]}


@pytest.mark.parametrize(
    ("tls", "field"),
    [
        ({"certificate": "lap"}, "tls.certificate"),
        ({"certificate": "staff"}, "tls.certificate"),  # it has no key
        ({"certificate": "lab", "client": "optional", "client_ca": "lab"}, "tls.client_ca"),
        ({"certificate": "lab", "client": "required", "client_ca": "stuff"}, "tls.client_ca"),
    ],
)
def test_what_there_is_not_is_refused_beside_its_field(tls: dict[str, str], field: str) -> None:
    with pytest.raises(ConfigurationRefused) as told:
        server(**tls)
    assert list(told.value.problems) == [field]
    assert "choose " in told.value.problems[field]


def test_what_is_off_may_name_anything() -> None:
    server(mode="off", certificate="lap")
