"""The page of certificates: seen by everybody, changed by admins; no private key is ever shown but a client's, once."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from services import operations
from services.models import Certificate
from services.tls import own, shelf
from tests.services.tls import making

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

NEW = {"verb": "create", "how": "make", "name": "lab", "names": "localhost\nlab.lan, 192.0.2.7"}


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> None:
    settings.SOCKPANEL_DATA_DIR = tmp_path


def text(client: Client, query: str = "") -> str:
    return client.get(f"/certificates/{query}").content.decode()


def uploaded(name: str = "web") -> dict[str, str]:
    pair = making.pair()
    return {"verb": "create", "how": "upload", "name": name, "chain": pair.chain, "key": pair.key_text}


def test_one_click_makes_one_for_what_this_machine_is_called(admin: Client) -> None:
    names = re.search(r'name="names"[^>]*>([^<]*)<', text(admin))
    assert names
    assert "localhost" in names[1]
    assert admin.post("/certificates/", NEW).status_code == 302
    assert Certificate.objects.get(name="lab").names == ["localhost", "lab.lan", "192.0.2.7"]
    page = text(admin)
    for part in ("lab.lan", "this panel", "for servers", "sockpanel-ca"):
        assert part in page


def test_a_pair_is_brought_and_its_key_is_never_shown(admin: Client) -> None:
    assert admin.post("/certificates/", uploaded()).status_code == 302
    wrong = admin.post("/certificates/", uploaded("other") | {"name": "web"})
    assert wrong.status_code == 422
    assert "Another certificate has this name" in wrong.content.decode()
    assert not re.search('PRIVATE KEY-----[^<"]{9}', wrong.content.decode() + text(admin))


def test_a_problem_stands_beside_its_field_and_what_was_typed_stays(admin: Client) -> None:
    answer = admin.post("/certificates/", uploaded() | {"key": making.pair().key_text})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "bring the pair" in page.split('for="c-key"')[1].split('for="c-password"')[0]
    assert "BEGIN CERTIFICATE-----\nMI" in page


def test_authorities_of_clients_need_no_key(admin: Client) -> None:
    words = {"verb": "create", "how": "clients", "name": "staff", "chain": making.root().chain, "key": "left over"}
    assert admin.post("/certificates/", words).status_code == 302
    assert Certificate.objects.get(name="staff").purpose == "clients"
    assert "authorities of clients" in text(admin)


def test_renewal_is_one_click_for_our_own_and_a_form_for_others(admin: Client) -> None:
    admin.post("/certificates/", NEW)
    admin.post("/certificates/", uploaded())
    admin.post("/certificates/", {"verb": "renew", "name": "lab"})
    assert Certificate.objects.get(name="lab").revision == 2
    form = text(admin, "?renew=web")
    assert "Renew web" in form
    assert 'name="how"' not in form
    bad = admin.post("/certificates/", {"verb": "renew", "name": "web", "chain": "x", "key": "y"})
    assert (bad.status_code, "Renew web" in bad.content.decode()) == (422, True)
    again = uploaded() | {"verb": "renew"}
    assert admin.post("/certificates/", again).status_code == 302
    assert Certificate.objects.get(name="web").revision == 2


def test_one_in_use_says_by_whom_and_stays(admin: Client) -> None:
    admin.post("/certificates/", NEW)
    operations.create({"name": "hall", "kind": "tcp", "port": 9100, "tls": {"mode": "on", "certificate": "lab"}}, "ada")
    page = text(admin)
    assert 'href="/servers/hall/"' in page
    assert 'data-opens="remove-lab"' not in page
    told = admin.post("/certificates/", {"verb": "remove", "name": "lab"}, follow=True)
    assert "used by hall" in told.content.decode()
    assert Certificate.objects.filter(name="lab").exists()


def test_one_that_nobody_uses_is_removed(admin: Client) -> None:
    admin.post("/certificates/", NEW)
    admin.post("/certificates/", {"verb": "remove", "name": "lab"})
    assert not Certificate.objects.filter(name="lab").exists()


def asked(page: str) -> list[str]:
    """The dialogs that stand open without any script."""
    return re.findall(r'<dialog class="sheet" id="([^"]+)" open', page)


def test_without_script_a_link_opens_what_asks_before_a_deed(admin: Client) -> None:
    admin.post("/certificates/", NEW)
    page = text(admin)
    assert asked(page) == []
    links = re.findall(r'<a role="button"[^>]* href="(\?ask=([^"]+))"', page)
    assert [name for _, name in links] == ["remove-lab", "remove-sockpanel-ca", "new-authority"]
    for link, name in links:
        assert asked(text(admin, link)) == [name]


def test_a_certificate_is_downloaded_and_no_key(viewer: Client, admin: Client) -> None:
    admin.post("/certificates/", NEW)
    answer = viewer.get("/certificates/sockpanel-ca.pem")
    assert answer.content.decode() == shelf.find(own.AUTHORITY).chain
    assert answer["Content-Disposition"] == 'attachment; filename="sockpanel-ca.pem"'
    assert b"PRIVATE" not in answer.content
    assert viewer.get("/certificates/nobody.pem").status_code == 404


def test_a_clients_certificate_is_in_one_answer_and_nowhere_else(admin: Client) -> None:
    answer = admin.post("/certificates/", {"verb": "client", "name": "laptop"})
    assert "BEGIN PRIVATE KEY" in answer.content.decode().split("data-private>")[1].split("</pre>")[0]
    assert answer["Cache-Control"] == "no-store"
    assert "data-private" not in text(admin)
    told = admin.post("/certificates/", {"verb": "client", "name": "My Laptop"}, follow=True)
    assert "client&#x27;s name is" in told.content.decode()


def test_what_the_authority_may_vouch_for_can_be_read(admin: Client) -> None:
    assert "data-beyond" not in text(admin)
    admin.post("/certificates/", {"verb": "authority", "names": "lab.example.org 8.8.8.8"})
    told = re.search(r"data-beyond>([^<]*)<", text(admin))
    assert told
    assert {"lab.example.org", "8.8.8.8"} <= set(told[1].split(", "))
    assert not {"localhost", "lan", "10.0.0.0/8"} & set(told[1].split(", "))


def test_the_authority_is_made_anew_for_other_names(admin: Client) -> None:
    assert "make it anew" in admin.post("/certificates/", NEW | {"names": "www.example.com"}).content.decode()
    admin.post("/certificates/", {"verb": "authority", "names": "example.com"})
    assert admin.post("/certificates/", NEW | {"names": "www.example.com"}).status_code == 302


def test_viewers_and_operators_see_and_change_nothing(viewer: Client, operator: Client, admin: Client) -> None:
    admin.post("/certificates/", NEW)
    for client in (viewer, operator):
        page = text(client)
        assert "lab.lan" in page
        assert 'name="verb"' not in page
        for verb in ("create", "renew", "remove", "client", "authority"):
            assert client.post("/certificates/", NEW | {"verb": verb}).status_code == 403


def test_a_verb_that_there_is_not_is_refused(admin: Client) -> None:
    assert admin.post("/certificates/", {"verb": "steal"}).status_code == 422


def test_what_ends_and_what_lacks_its_key_is_marked(admin: Client, tmp_path: Path) -> None:
    admin.post("/certificates/", NEW)
    row = Certificate.objects.get(name="lab")
    Certificate.objects.filter(pk=row.pk).update(ends_at=row.begins_at)
    (tmp_path / "tls" / f"{row.public}.key").unlink()
    page = text(admin)
    assert "over</span>" in page
    assert "no key here</span>" in page


def test_names_in_certificates_of_strangers_cannot_act(admin: Client) -> None:
    pair = making.pair(subject='<script>alert("x")</script>\u202e')
    words = {"verb": "create", "how": "upload", "name": "web", "chain": pair.chain, "key": pair.key_text}
    admin.post("/certificates/", words)
    page = text(admin)
    assert "<script>alert" not in page
    assert "\u202e" not in page
