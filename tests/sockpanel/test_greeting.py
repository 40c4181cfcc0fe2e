"""What a start says, and where it listens."""

import os
from ipaddress import ip_network

import pytest

from services.errors import SettingRefused
from sockpanel import greeting, listening
from sockpanel.accounts import setup
from sockpanel.accounts.models import User

GOOD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def own(settings, tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Settings and environment that a test may change."""
    settings.SOCKPANEL_DATA_DIR = tmp_path
    settings.SOCKPANEL_HOST, settings.SOCKPANEL_PORT = "127.0.0.1", 8000
    for name in ("SOCKPANEL_HOST", "SOCKPANEL_PORT", "SOCKPANEL_ADMIN_USERNAME", "SOCKPANEL_ADMIN_PASSWORD"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def test_a_first_start_tells_address_and_link(db):
    said = greeting.text()
    assert "http://127.0.0.1:8000/\n" in said
    assert "http://127.0.0.1:8000/setup#token=" in said
    assert "WARNING" not in said


def test_a_later_start_tells_no_link(db, ada: User):
    assert "setup" not in greeting.text()
    assert not setup.path().exists()


def test_a_start_as_root_or_in_reach_of_others_is_a_loud_warning(db, settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    settings.SOCKPANEL_HOST = "0.0.0.0"
    assert len(greeting.warnings()) == 2
    settings.SOCKPANEL_PROXIES, settings.SOCKPANEL_ORIGINS = [ip_network("10.0.0.0/8")], ["https://panel.example"]
    assert len(greeting.warnings()) == 1
    settings.SOCKPANEL_PROXIES, settings.SOCKPANEL_TLS = [], ("cert.pem", "key.pem")
    assert len(greeting.warnings()) == 1


def test_the_environment_names_the_first_admin_and_forgets_the_password(db, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOCKPANEL_ADMIN_USERNAME", "ada")
    monkeypatch.setenv("SOCKPANEL_ADMIN_PASSWORD", GOOD)
    greeting.admit_first_admin()
    assert User.objects.get().username == "ada"
    assert "SOCKPANEL_ADMIN_PASSWORD" not in os.environ


@pytest.mark.parametrize(
    ("host", "first"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000"), ("0.0.0.0", "http://127.0.0.1:8000")],
)
def test_the_nearest_address_comes_first(settings, host: str, first: str):
    settings.SOCKPANEL_HOST = host
    assert listening.addresses()[0] == first


def test_behind_a_proxy_with_tls_its_address_is_told_and_no_other(db, settings):
    """Ours would only lead there, or to TLS that we do not speak."""
    settings.SOCKPANEL_HOST, settings.SOCKPANEL_PROXIES = "0.0.0.0", [ip_network("10.0.0.0/8")]
    settings.SOCKPANEL_ORIGINS = ["https://panel.example", "https://panel.lan"]
    assert listening.addresses() == ["https://panel.example", "https://panel.lan"]
    said = greeting.text()
    assert "https://panel.example/setup#token=" in said
    assert "http://" not in said


def test_the_schemes_own_port_is_not_written(settings):
    settings.SOCKPANEL_PORT, settings.SOCKPANEL_TLS = 443, ("cert.pem", "key.pem")
    assert listening.addresses() == ["https://127.0.0.1"]


def test_host_and_port_may_be_chosen_and_are_handed_down(settings):
    listening.choose("::1", "9000")
    assert listening.addresses() == ["http://[::1]:9000"]
    assert (os.environ["SOCKPANEL_HOST"], os.environ["SOCKPANEL_PORT"]) == ("::1", "9000")


@pytest.mark.parametrize(("host", "port", "named"), [("panel.example", None, "--host"), (None, "0", "--port")])
def test_a_host_or_port_that_makes_no_sense_is_refused(host: str | None, port: str | None, named: str):
    with pytest.raises(SettingRefused, match=named):
        listening.choose(host, port)
