"""The audit tells who signed in and out, from where, and who was refused; never what was typed instead of a name."""

from typing import Any

import pytest
from django.db import Error
from django.test import Client

from services import audit
from services.models import AuditEntry
from sockpanel.accounts import setup
from sockpanel.accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("hashes")


@pytest.fixture(autouse=True)
def everything_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has refused nobody yet."""
    from services.audit import refusals

    monkeypatch.setattr(refusals, "_refusals", refusals.Refusals())


def sign_in(client: Client, username: str = "ada", password: str = PASSWORD) -> Any:
    return client.post("/login/", {"username": username, "password": password}, REMOTE_ADDR="192.0.2.7")


def told() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("number").values_list("verb", "who", "what"))


def test_signing_in_and_out_is_told_with_the_address(client: Client, ada: User):
    sign_in(client)
    client.post("/logout/", REMOTE_ADDR="192.0.2.8")
    assert told() == [("sign-in", "ada", ""), ("sign-out", "ada", "")]
    assert list(AuditEntry.objects.order_by("number").values_list("way", "source")) == [
        ("page", "192.0.2.7"),
        ("page", "192.0.2.8"),
    ]


def test_a_wrong_password_is_told_and_ten_of_them_too(client: Client, ada: User):
    for _ in range(12):
        sign_in(client, password="wrong")
    assert told() == [
        ("sign-in.refused", "ada", "a wrong password"),
        ("sign-in.refused", "ada", "held up after too many wrong passwords"),
    ]
    assert set(AuditEntry.objects.values_list("code", flat=True)) == {"SP-1012", "SP-1009"}


def test_a_name_that_nobody_has_is_kept_nowhere(client: Client, ada: User, caplog: pytest.LogCaptureFixture):
    sign_in(client, username=PASSWORD, password="x")
    assert told() == [("sign-in.refused", "", "an unknown name")]
    assert PASSWORD not in caplog.text


def test_without_an_entry_nobody_gets_in_and_everybody_gets_out(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: Any, **__: Any) -> None:
        raise Error("the disk is full")

    client.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr(audit, "record", full)
        assert sign_in(client).status_code == 500
    assert client.get("/api/v1/presets").status_code == 401
    sign_in(client)
    monkeypatch.setattr(audit, "record", full)
    assert client.post("/logout/").status_code == 302
    assert client.get("/api/v1/presets").status_code == 401


def test_the_first_admin_and_a_password_by_a_link_are_told(client: Client, db: None, settings, tmp_path):
    settings.SOCKPANEL_DATA_DIR = tmp_path
    setup.create_admin(setup.link("").partition("=")[2], "ada", PASSWORD)
    setup.reset_password(setup.link("", "ada").partition("=")[2], "another good passphrase")
    assert [verb for verb, who, _ in told() if who == "ada"] == ["set-up", "user.password"]
