"""`/favicon.ico`, which browsers ask for by themselves, is the panel's picture."""

import pytest
from django.test import Client


@pytest.mark.django_db
def test_everybody_is_sent_to_the_picture(client: Client):
    """Also someone signed out, on a panel without users: a sign-in would lead back to a picture."""
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Location"].startswith("/static/img/sockpanel.")) == (302, True)
    assert answer["Location"].endswith(".svg")


@pytest.mark.django_db
def test_nothing_is_sent_there(client: Client):
    assert client.post("/favicon.ico").status_code == 405
