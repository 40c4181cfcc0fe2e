"""One look at all servers asks for their certificates once, and reads each key once."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services import wishes
from services.errors import CertificateUnknown
from services.models import Server
from services.servers import validation
from services.tls import keyfiles, store
from services.tls.materials import Materials
from tests.services.tls import making

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def server(name: str, tls: Any) -> Server:
    words = {"kind": "tcp", "transport": "tcp", "host": "127.0.0.1", "port": 8007, "wanted": "running"}
    return Server.objects.create(name=name, tls=tls, **words)


def on(certificate: str, **words: str) -> dict[str, str]:
    return {"mode": "on", "certificate": certificate, **words}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that are read."""
    seen: list[str] = []
    read = keyfiles.read
    monkeypatch.setattr(keyfiles, "read", lambda public: seen.append(public) or read(public))
    return seen


def certify(*names: str) -> None:
    for name in names:
        pair = making.pair()
        store.upload({"name": name, "chain": pair.chain, "key": pair.key_text}, "ada")


def test_twenty_servers_cost_no_more_questions_than_one(reads: list[str]) -> None:
    certify("one", "two")
    server("lab", on("one"))
    with CaptureQueriesContext(connection) as alone:
        wishes.read("local", None, set())
    for number in range(20):
        server(f"lab{number}", on("two" if number % 2 else "one"))
    reads.clear()
    with CaptureQueriesContext(connection) as many:
        wish = wishes.read("local", None, set())
    asked = [query["sql"] for query in many if "services_certificate" in query["sql"]]
    assert (len(asked), len(many)) == (1, len(alone))
    assert len(reads) == 2
    assert len([one for one in wish.wanted if one.tls is not None]) == 21


def test_servers_without_tls_ask_nothing(reads: list[str]) -> None:
    server("lab", {})
    server("odd", "junk")
    with CaptureQueriesContext(connection) as asked:
        wishes.read("local", None, set())
    assert not [query for query in asked if "services_certificate" in query["sql"]]


@pytest.mark.parametrize("name", ["lost", "\\0", ["a"], {"a": 1}, 7, None])
def test_one_servers_nonsense_is_its_own_affair(name: Any) -> None:
    certify("one")
    server("odd", on(name, client="required", client_ca=name))
    server("lab", on("one"))
    wish = wishes.read("local", None, set())
    assert [one.spec.name for one in wish.wanted if one.tls is not None] == ["lab"]


def test_a_certificate_that_was_not_asked_for_is_unknown() -> None:
    certify("one")
    spec = validation.build({"name": "echo", "kind": "tcp", "port": 9100, "tls": on("one")})
    with pytest.raises(CertificateUnknown):
        Materials([]).of(spec)
