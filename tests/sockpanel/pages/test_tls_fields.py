"""TLS in a server's form: off by default, a certificate made on the spot or chosen, and nothing lost that was chosen before."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from services.models import Certificate, Server
from services.tls import store
from tests.services.tls import making

pytestmark = pytest.mark.django_db(databases=["default", "messages"])

FORM = {"name": "echo", "kind": "tcp", "transport": "tcp", "host": "127.0.0.1", "port": "9100", "restart": "never"}
ON = FORM | {"tls.mode": "on", "tls.certificate": "+", "tls.client": "none", "tls.minimum": "1.2"}


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> None:
    settings.SOCKPANEL_DATA_DIR = tmp_path


def test_a_new_server_with_a_new_certificate_is_one_form(admin: Client) -> None:
    assert admin.post("/servers/new/", ON).status_code == 302
    assert Server.objects.get().tls["certificate"] == "echo"
    assert {"localhost", "127.0.0.1"} <= set(Certificate.objects.get(name="echo").names)


def test_what_was_made_for_a_form_that_was_refused_is_used_by_the_next(admin: Client) -> None:
    assert admin.post("/servers/new/", ON | {"port": "0"}).status_code == 422
    assert admin.post("/servers/new/", ON).status_code == 302
    assert Certificate.objects.filter(purpose="server").count() == 1


def test_a_server_is_given_another_certificate_and_clients_must_show_one(admin: Client) -> None:
    store.make({"name": "lab", "names": ["localhost"]}, "ada")
    store.upload({"name": "staff", "purpose": "clients", "chain": making.root().chain}, "ada")
    admin.post("/servers/new/", FORM)
    chosen = {"tls.certificate": "lab", "tls.client": "required", "tls.client_ca": "staff", "tls.minimum": "1.3"}
    assert admin.post("/servers/echo/settings/", ON | chosen).status_code == 302
    assert Server.objects.get().tls == {
        "mode": "on",
        "certificate": "lab",
        "client": "required",
        "client_ca": "staff",
        "minimum": "1.3",
    }
    page = admin.get("/servers/echo/settings/").content.decode()
    for value in ("on", "lab", "required", "staff", "1.3"):
        assert f'value="{value}" selected' in page


def test_switched_off_it_forgets_what_it_had(admin: Client) -> None:
    admin.post("/servers/new/", ON)
    admin.post("/servers/echo/settings/", FORM | {"tls.mode": "off"})
    assert (Server.objects.get().tls["mode"], Server.objects.get().tls["certificate"]) == ("off", "")


def test_one_that_is_gone_stays_visible_and_is_refused_beside_its_field(admin: Client) -> None:
    admin.post("/servers/new/", ON)
    Certificate.objects.filter(name="echo").delete()
    assert "echo (is gone)" in admin.get("/servers/echo/settings/").content.decode()
    answer = admin.post("/servers/echo/settings/", ON | {"tls.certificate": "echo"})
    assert answer.status_code == 422
    beside = answer.content.decode().split('data-field="tls.certificate"')[1].split("data-field=")[0]
    assert "There is no certificate" in beside


def test_a_name_that_is_none_makes_no_certificate(admin: Client) -> None:
    assert admin.post("/servers/new/", ON | {"name": "No Name"}).status_code == 422
    assert not Certificate.objects.filter(purpose="server").exists()


def test_the_address_is_tried_out_with_tls_too(admin: Client) -> None:
    assert admin.get("/servers/new/address/", ON | {"port": "1"}).json().keys() == {"warning"}
    assert admin.get("/servers/new/address/", ON | {"host": "192.0.2.1"}).json()["warning"]


def test_a_certificate_is_made_only_for_whoever_has_shown_the_password_again(admin: Client) -> None:
    session = admin.session
    session["confirmed_at"] = 0
    session.save()
    asked = admin.post("/servers/new/", ON)
    page = asked.content.decode()
    assert asked.status_code == 403
    assert 'name="confirming-password"' in page
    assert '<textarea name="tls.certificate" hidden>\n+</textarea>' in page
    assert not Certificate.objects.exists()
    assert not Server.objects.exists()
