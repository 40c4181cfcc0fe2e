"""Guessing is slow: refused before a hash is computed."""

import threading
from typing import Any

import pytest
from axes.models import AccessAttempt
from axes.utils import reset
from django.http import HttpRequest
from django.test import Client

from services.errors import TooManyAttempts
from sockpanel.accounts import throttle
from sockpanel.accounts.models import User
from tests.conftest import PASSWORD


def guess(client: Client, username: str = "ada", address: str = "192.0.2.1", password: str = "wrong") -> Any:
    return client.post("/login/", {"username": username, "password": password}, REMOTE_ADDR=address)


def test_after_ten_failures_nothing_is_hashed_any_more(client: Client, hashes: list[str], ada: User):
    statuses = [guess(client).status_code for _ in range(10)]
    assert statuses == [400] * 9 + [429]
    hashes.clear()
    answer = guess(client, password=PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "300"
    assert hashes == []


def test_another_address_and_another_account_are_not_held_up(client: Client, hashes: list[str], ada: User, otto: User):
    for _ in range(10):
        guess(client)
    assert guess(client, address="192.0.2.2").status_code == 400
    assert guess(client, username="otto").status_code == 400


def test_an_address_that_tries_many_accounts_is_held_up_after_thirty(client: Client, hashes: list[str], ada: User):
    statuses = [guess(client, username=f"user{number}").status_code for number in range(32)]
    assert statuses == [400] * 30 + [429] * 2


def test_a_success_forgets_the_failures(client: Client, hashes: list[str], ada: User):
    for _ in range(2):
        assert [guess(client).status_code for _ in range(9)] == [400] * 9
        assert guess(client, password=PASSWORD).status_code == 302
        client.logout()


def test_what_else_a_guess_carries_makes_no_difference(client: Client, hashes: list[str], ada: User):
    """Another browser, an address that it only claims, the name in other letters that mean the same."""
    for number in range(1000):
        client.post(
            "/login/",
            {"username": ("ada", "\uff41da", " ada")[number % 3], "password": f"wrong {number}"},
            REMOTE_ADDR="192.0.2.1",
            headers={"User-Agent": f"Browser/{number}", "X-Forwarded-For": f"198.51.100.{number % 250}"},
        )
    assert len(hashes) == 1 + 10  # the first is Ada's own


def test_who_signs_in_on_his_own_account_gets_no_further_guesses_at_others(
    client: Client, hashes: list[str], ada: User, otto: User
):
    statuses = []
    for _ in range(12):
        statuses.append(guess(client).status_code)
        assert guess(client, username="otto", password=PASSWORD).status_code == 302
        client.logout()
    assert statuses == [400] * 9 + [429] * 3


def test_addresses_of_one_ipv6_network_count_as_one(client: Client, hashes: list[str], ada: User):
    statuses = [guess(client, address=f"2001:db8::{number + 1:x}").status_code for number in range(11)]
    assert statuses[-1] == 429


def test_an_unknown_account_costs_a_hash_as_a_known_one_does(client: Client, hashes: list[str], ada: User):
    hashes.clear()
    for name in ("ada", "nobody"):
        assert b"correct username and password" in guess(client, username=name).content
    assert hashes == ["wrong", "wrong"]


@pytest.mark.parametrize(
    ("address", "counted"), [("192.0.2.1", "192.0.2.1"), ("2001:db8::1:2:3:4", "2001:db8::"), ("", "0.0.0.0")]
)
def test_the_address_that_counts(address: str, counted: str):
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address
    assert throttle.address_of(request) == counted


def test_two_hashes_run_at_once_and_the_twenty_third_is_turned_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(throttle, "_places", threading.BoundedSemaphore(throttle.AT_ONCE + throttle.WAITING))
    monkeypatch.setattr(throttle, "_running", threading.BoundedSemaphore(throttle.AT_ONCE))
    release, running = threading.Event(), []

    def hash_something() -> None:
        with throttle.hashing():
            running.append(1)
            release.wait(10)

    threads = [threading.Thread(target=hash_something) for _ in range(throttle.AT_ONCE + throttle.WAITING)]
    for thread in threads:
        thread.start()
    with pytest.raises(TooManyAttempts), throttle.hashing():
        pass
    assert len(running) <= throttle.AT_ONCE
    release.set()
    for thread in threads:
        thread.join(10)
    assert len(running) == throttle.AT_ONCE + throttle.WAITING


def test_nothing_that_is_typed_is_kept_beside_the_count(client: Client, hashes: list[str], otto: User):
    """People type passwords as names, and forms that ask for the password again bring keys along."""
    typed = ["hunter2hunter2", "-----BEGIN PRIVATE KEY-----", "sp_" + "7" * 43]
    for name in ("otto", typed[0]):
        client.post(
            f"/login/?next={typed[2]}",
            {"username": name, "password": "wrong", "current": typed[0], "key": typed[1]},
            headers={"User-Agent": typed[2], "Accept": typed[2]},
        )
    # No hash in hex has an "o", as it might have an "ada"
    kept = repr(list(AccessAttempt.objects.values()))
    assert AccessAttempt.objects.count() == 2
    assert [one for one in ("otto", *typed) if one in kept] == []


def test_who_is_unlocked_on_the_machine_need_not_wait(client: Client, hashes: list[str], ada: User, otto: User):
    for name in ("ada", "otto"):
        for _ in range(10):
            guess(client, username=name)
    reset(username="ada")
    assert guess(client, password=PASSWORD).status_code == 302
    assert guess(Client(), username="otto", password=PASSWORD).status_code == 429
