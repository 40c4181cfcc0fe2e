"""Certificates that end are told 21, 7 and 1 day before, where people look, and once each in the log."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from services import operations, trouble
from services.models import Certificate
from services.tls import expiry, shelf, store
from services.tls.vigil import Vigil
from tests.services.tls import making

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def used(name: str = "lab") -> Certificate:
    store.make({"name": name, "names": ["localhost"]}, "ada")
    operations.create(
        {"name": f"echo-{name}", "kind": "tcp", "port": 9100, "tls": {"mode": "on", "certificate": name}}, "ada"
    )
    return shelf.find(name)


def ends(**rest: float) -> None:
    Certificate.objects.filter(name="lab").update(ends_at=datetime.now(UTC) + timedelta(seconds=30, **rest))


@pytest.mark.parametrize(
    ("rest", "days"),
    [({"days": 22}, None), ({"days": 20}, 21), ({"days": 6}, 7), ({"hours": 23}, 1), ({"days": -1}, 0)],
)
def test_the_days_before_the_end(rest: dict[str, float], days: int | None) -> None:
    used()
    ends(**rest)
    assert [one.days for one in expiry.ending()] == ([] if days is None else [days])


def test_to_the_second() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    for days in expiry.DAYS:
        assert expiry.left(now + timedelta(days=days), now) == days
        assert expiry.left(now + timedelta(days=days, seconds=1), now) != days
    assert expiry.left(now, now) == 0


def test_the_sentence_names_it_who_uses_it_when_and_what_to_do() -> None:
    used()
    ends(days=6)
    [one] = expiry.ending()
    assert one.sentence.startswith("The certificate lab of echo-lab ends in 6 days (20")
    assert "manage.py certificates renew lab" in one.sentence
    ends(days=-1)
    assert "has ended on" in expiry.ending()[0].sentence


def test_one_that_nobody_uses_is_no_trouble() -> None:
    store.make({"name": "lab", "names": ["localhost"]}, "ada")
    ends(days=1)
    assert expiry.ending() == []


def test_the_panels_own_is_read_from_its_file_as_it_is_now(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_text(making.pair(days=(-1, 5)).chain)
    settings.SOCKPANEL_TLS = (str(path), "key.pem")
    [one] = expiry.ending()
    assert (one.days, one.name) == (7, expiry.PANEL)
    assert str(path) in one.sentence
    draft = tmp_path / "new.pem"
    draft.write_text(making.pair(days=(-1, 90)).chain)
    draft.replace(path)
    assert expiry.ending() == []
    path.unlink()
    assert expiry.ending() == []


def test_it_is_a_warning_with_a_code_on_every_page() -> None:
    used()
    ends(days=-1)
    found = [one for one in trouble.current() if one.code == "SP-2405"]
    assert [(one.level, "lab" in one.sentence) for one in found] == [("warning", True)]


def test_the_log_says_each_once_and_again_when_it_is_nearer(caplog: pytest.LogCaptureFixture) -> None:
    used()
    vigil = Vigil()
    told = []
    for rest in ({"days": 30}, {"days": 20}, {"days": 19}, {"days": 5}, {"hours": 3}, {"days": -1}, {"days": -2}):
        ends(**rest)
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            vigil.look()
        told.append(len(caplog.records))
    assert told == [0, 1, 0, 1, 1, 1, 0]


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
def test_a_database_that_is_away_for_a_while_makes_nobody_say_it_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("away")

    used()
    ends(days=5)
    vigil = Vigil()
    assert vigil.look()
    with monkeypatch.context() as patch:
        patch.setattr(expiry.uses, "users", away)
        assert not vigil.look()
        assert not [one for one in trouble.current() if one.code == "SP-2405"]
    caplog.clear()
    assert vigil.look()
    assert not caplog.records
