"""The way in before anybody has a password: a link that works once, for 30 minutes."""

import json
import stat

import pytest

from services.errors import ConfigurationRefused, SettingRefused, SetupFinished, SetupTokenRefused, UserUnknown
from sockpanel.accounts import setup
from sockpanel.accounts.models import User

GOOD = "correct horse battery staple"


@pytest.fixture
def directory(settings, tmp_path):
    settings.SOCKPANEL_DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def token(directory, db) -> str:
    return setup.link("http://x").partition("#token=")[2]


def age(seconds: float) -> None:
    """As if the link had been made so long ago."""
    said = json.loads(setup.path().read_text())
    setup.path().write_text(json.dumps({**said, "expires_at": said["expires_at"] - seconds}))


def test_the_link_carries_its_token_in_the_fragment(directory, db):
    link = setup.link("http://127.0.0.1:8000")
    assert link.startswith("http://127.0.0.1:8000/setup#token=")
    assert len(link.partition("#token=")[2]) * 6 >= 128  # bits


def test_the_token_lies_in_a_file_that_we_alone_may_read(token: str):
    assert stat.S_IMODE(setup.path().stat().st_mode) == 0o600


def test_the_token_makes_the_first_admin_and_dies_with_that(token: str):
    user = setup.create_admin(token, "ada", GOOD)
    assert user.may("admin")
    assert user.check_password(GOOD)
    assert not setup.path().exists()
    with pytest.raises(SetupFinished):
        setup.create_admin(token, "eve", GOOD)


@pytest.mark.parametrize("wrong", ["", "x", "é", "\ud800"])
def test_a_wrong_token_makes_nobody(token: str, wrong: str):
    with pytest.raises(SetupTokenRefused):
        setup.create_admin(wrong, "eve", GOOD)
    assert setup.needed()


@pytest.mark.parametrize(("minutes", "works"), [(29.9, True), (30.1, False)])
def test_a_token_lives_for_thirty_minutes(token: str, minutes: float, works: bool):
    age(minutes * 60)
    if works:
        setup.create_admin(token, "ada", GOOD)
    else:
        with pytest.raises(SetupTokenRefused, match="setup_token"):
            setup.create_admin(token, "ada", GOOD)


def test_a_token_from_the_future_is_none(token: str):
    age(-3600)  # the clock was set back
    with pytest.raises(SetupTokenRefused):
        setup.create_admin(token, "ada", GOOD)


def test_a_new_link_ends_the_former_one(token: str):
    setup.link("http://x")
    with pytest.raises(SetupTokenRefused):
        setup.create_admin(token, "ada", GOOD)


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [
        ("", GOOD, "username"),
        ("a b", GOOD, "username"),
        ("a" * 151, GOOD, "username"),
        ("ada", "", "password"),
        ("ada", "elevenchars", "password"),
        ("ada", "password1234", "password"),
        ("adalovelace1", "adalovelace1", "password"),
    ],
)
def test_a_name_or_password_that_will_not_do_is_told_beside_its_field(
    token: str, username: str, password: str, field: str
):
    with pytest.raises(ConfigurationRefused) as refused:
        setup.create_admin(token, username, password)
    assert list(refused.value.problems) == [field]
    setup.create_admin(token, "ada", GOOD)  # the link still works


def test_a_link_for_a_new_password_ends_the_old_one(directory, otto: User):
    token = setup.link("http://x", "otto").partition("#token=")[2]
    assert setup.resetting()
    with pytest.raises(SetupTokenRefused):
        setup.reset_password("wrong", "another good passphrase")
    setup.reset_password(token, "another good passphrase")
    otto.refresh_from_db()
    assert otto.check_password("another good passphrase")
    assert not setup.resetting()


def test_of_several_who_use_a_link_for_a_new_password_at_once_one_does(directory, otto: User, monkeypatch):
    token = setup.link("http://x", "otto").partition("#token=")[2]
    monkeypatch.setattr(setup, "_is_living", lambda token: True)  # as all of them saw it
    known = setup.path().read_text()
    setup.reset_password(token, "another good passphrase")
    monkeypatch.setattr(setup, "_read", lambda: json.loads(known))
    with pytest.raises(SetupTokenRefused):
        setup.reset_password(token, "a third good passphrase")
    otto.refresh_from_db()
    assert otto.check_password("another good passphrase")
    assert list(directory.iterdir()) == []


def test_a_link_is_refused_where_there_is_nobody_it_could_be_for(directory, ada: User):
    with pytest.raises(SetupFinished):
        setup.link("http://x")
    with pytest.raises(UserUnknown, match="nobody"):
        setup.link("http://x", "nobody")


def test_the_environment_may_name_the_first_admin(db):
    user = setup.unattended("ada", GOOD)
    assert user is not None
    assert user.may("admin")
    assert setup.unattended("eve", "x") is None
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("username", "password", "named"),
    [
        ("ada", "", "SOCKPANEL_ADMIN_PASSWORD"),
        ("", GOOD, "SOCKPANEL_ADMIN_USERNAME"),
        ("ada", "0123456789x", "SOCKPANEL_ADMIN_PASSWORD"),
        ("a b", GOOD, "SOCKPANEL_ADMIN_USERNAME"),
    ],
)
def test_an_environment_that_makes_no_sense_is_refused_without_the_password(
    db, username: str, password: str, named: str
):
    with pytest.raises(SettingRefused, match=named) as refused:
        setup.unattended(username, password)
    assert not password or password not in refused.value.message
    assert setup.needed()


def test_a_damaged_token_file_is_no_link(token: str):
    setup.path().write_text("{")
    with pytest.raises(SetupTokenRefused):
        setup.create_admin(token, "ada", GOOD)
