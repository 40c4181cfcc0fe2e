"""A hundred wrong passwords in a row lock an account, wherever they come from; whoever guesses is not told."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from services.errors import UserUnknown
from services.models import AuditEntry
from sockpanel.accounts import locking, setup
from sockpanel.accounts.models import User
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.usefixtures("hashes"), pytest.mark.django_db(databases=["default", "messages"])]


def guess(client: Client, number: int = 0, username: str = "ada", password: str = "wrong") -> Any:
    """From an address of its own."""
    return client.post("/login/", {"username": username, "password": password}, REMOTE_ADDR=f"192.0.2.{number}")


def guessed(client: Client, times: int) -> None:
    User.objects.update(wrong_guesses=times - 1)
    assert guess(client, 1).status_code == 400


@pytest.mark.parametrize(("times", "status"), [(99, 302), (100, 400)])
def test_after_a_hundred_wrong_ones_no_password_is_right(client: Client, ada: User, times: int, status: int):
    guessed(client, times)
    assert guess(client, 2, password=PASSWORD).status_code == status


def test_a_right_one_ends_the_row(client: Client, ada: User):
    guessed(client, 99)
    guess(client, 2, password=PASSWORD)
    ada.refresh_from_db()
    assert ada.wrong_guesses == 0


def test_one_that_is_held_up_unseen_does_not_count(client: Client, ada: User):
    for _ in range(30):
        guess(client)
    ada.refresh_from_db()
    assert ada.wrong_guesses == 10


def test_a_locked_account_answers_as_an_unknown_one_does_and_costs_one_hash_as_well(
    client: Client, ada: User, hashes: list[str]
):
    User.objects.update(wrong_guesses=locking.MOST)
    hashes.clear()
    answers = [guess(client, number, name, PASSWORD) for number, name in enumerate(("ada", "nobody"))]
    pages = [answer.content.replace(b"nobody", b"ada") for answer in answers]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert without_secrets(pages[0]) == without_secrets(pages[1])
    assert hashes == [PASSWORD, PASSWORD]


def without_secrets(page: bytes) -> list[bytes]:
    return [line for line in page.splitlines() if b"csrf" not in line and b"nonce" not in line]


def test_who_is_signed_in_already_stays(client: Client, ada: User):
    guess(client, 1, password=PASSWORD)
    User.objects.update(wrong_guesses=locking.MOST)
    assert client.get("/api/v1/presets").status_code == 200


def test_on_the_host_it_is_unlocked(client: Client, ada: User):
    guessed(client, 100)
    out = StringIO()
    for _ in range(2):
        call_command("unlock", "ada", stdout=out)
    assert out.getvalue().splitlines() == ["Unlocked.", "The account was not locked; wrong guesses are forgotten."]
    assert guess(client, 2, password=PASSWORD).status_code == 302
    with pytest.raises(UserUnknown, match="nobody"):
        locking.unlock("nobody", "root")


def test_a_link_for_a_new_password_unlocks_it_too(client: Client, ada: User, settings, tmp_path):
    settings.SOCKPANEL_DATA_DIR = tmp_path
    guessed(client, 100)
    token = setup.link("", "ada").partition("=")[2]
    client.post("/setup", {"token": token, "password": "another good passphrase"})
    client.post("/logout/")
    assert guess(client, 2, password="another good passphrase").status_code == 302


def test_the_audit_tells_it_once(client: Client, ada: User):
    guessed(client, 100)
    guess(client, 2)
    assert AuditEntry.objects.filter(verb="account.lock", who="ada").count() == 1
    locking.unlock("ada", "root (command line)")
    assert AuditEntry.objects.filter(verb="account.unlock", who="root (command line)", what="ada").count() == 1
