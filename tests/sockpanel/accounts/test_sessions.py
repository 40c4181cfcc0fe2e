"""A session ends 24 hours after the sign-in, and 12 hours after the last sign of life."""

import time
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from sockpanel.accounts import sessions
from sockpanel.accounts.models import User

HOUR = 3600


@pytest.fixture
def signed_in(client: Client, ada: User) -> Client:
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    return client


def seen(client: Client, hours_ago: float) -> None:
    """As if the last sign of life were so long ago."""
    session = client.session
    session["seen_at"] = int(time.time() - hours_ago * HOUR)
    session.save()


def is_in(client: Client) -> bool:
    return client.get("/api/v1/presets").status_code == 200


def test_a_session_ends_a_day_after_the_sign_in_whatever_happens_in_between(signed_in: Client):
    seen(signed_in, 1)
    assert is_in(signed_in)
    left = Session.objects.get().expire_date - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)


@pytest.mark.parametrize(("hours", "lives"), [(11.99, True), (12.01, False)])
def test_a_session_ends_twelve_hours_after_the_last_sign_of_life(signed_in: Client, hours: float, lives: bool):
    seen(signed_in, hours)
    assert is_in(signed_in) is lives
    assert is_in(signed_in) is lives


def test_a_sign_of_life_is_written_every_five_minutes_and_not_more_often(signed_in: Client):
    for minutes, written in ((4, False), (6, True)):
        seen(signed_in, minutes / 60)
        is_in(signed_in)
        silent = time.time() - signed_in.session["seen_at"]
        assert (silent < 10) is written


def test_a_session_without_a_sign_of_life_is_none(signed_in: Client):
    session = signed_in.session
    del session["seen_at"]
    assert not sessions.lives(session)
