"""Of several who use an invitation at once one wins, and of two admins who disable each other one stays."""

import threading

import pytest
from django.db import connections

from services.errors import InvitationRefused, LastAdmin
from sockpanel.accounts import invitations, people
from sockpanel.accounts.models import User
from tests.conftest import PASSWORD


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
def test_two_admins_who_disable_each_other_at_once_do_not_both_succeed(transactional_db: None):
    for name in ("ada", "alan"):
        User.objects.create(username=name, role="admin")
    refused: list[str] = []
    both = threading.Barrier(2)

    def disable(name: str) -> None:
        both.wait()
        try:
            people.disable(name, "them")
        except LastAdmin:
            refused.append(name)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=disable, args=[name]) for name in ("ada", "alan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert User.objects.filter(is_active=True).count() == 1


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
def test_of_several_who_use_a_link_at_once_one_wins(transactional_db: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(invitations, "make_password", lambda _: "!")  # hashing takes long
    User.objects.create(username="ada", role="admin")
    token = invitations.make("viewer", "ada")
    made, refused = [], []
    start = threading.Barrier(5)

    def accept(name: str) -> None:
        start.wait()
        try:
            made.append(invitations.accept(token, name, PASSWORD))
        except InvitationRefused as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=accept, args=[f"eve{n}"]) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused), User.objects.count()) == (1, 4, 2)
