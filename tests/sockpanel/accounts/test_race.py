"""Of many who use the set-up link at once one becomes the admin, and the others are told that it is over."""

import threading
from collections import Counter
from pathlib import Path

import pytest
from django.db import connections

from services.errors import SetupFinished, SockpanelError
from sockpanel.accounts import setup
from sockpanel.accounts.models import User
from tests.conftest import PASSWORD

ROUNDS, AT_ONCE = 5, 20


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
@pytest.mark.usefixtures("hashes")
def test_one_wins_every_time(settings, tmp_path: Path):
    settings.SOCKPANEL_DATA_DIR = tmp_path
    for _ in range(ROUNDS):
        token = setup.link("").partition("=")[2]
        assert Counter(race(token)) == {"": 1, SetupFinished.code: AT_ONCE - 1}
        assert User.objects.count() == 1
        User.objects.all().delete()


def race(token: str) -> list[str]:
    """What each is told: the code of the error, or nothing."""
    told: list[str] = []
    start = threading.Barrier(AT_ONCE)

    def submit(number: int) -> None:
        start.wait(10)
        try:
            setup.create_admin(token, f"ada{number}", PASSWORD)
            told.append("")
        except SockpanelError as error:
            told.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return told
