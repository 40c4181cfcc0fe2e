"""People and tokens."""

import pytest
from django.test import Client

from sockpanel.accounts.models import Token, User


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", {"viewer"}), ("operator", {"viewer", "operator"}), ("admin", {"viewer", "operator", "admin"})],
)
def test_a_role_includes_those_below_it(role: str, may: set[str]):
    user = User(role=role)
    assert {wanted for wanted in User.Role if user.may(wanted)} == may


def test_who_is_not_active_may_nothing():
    assert not User(role="admin", is_active=False).may("viewer")


def test_djangos_flags_follow_the_role(db, otto: User):
    assert not otto.is_staff
    otto.role = User.Role.ADMIN
    otto.save(update_fields=["role"])
    otto.refresh_from_db()
    assert otto.is_staff
    assert otto.is_superuser
    otto.role = User.Role.VIEWER
    otto.save()
    otto.refresh_from_db()
    assert not otto.is_staff
    assert not otto.is_superuser


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def gets_another_password(user: User) -> None:
    user.set_password("another good passphrase")
    user.save()


def gets_none(user: User) -> None:
    user.set_unusable_password()
    user.save(update_fields=["password"])


def is_disabled(user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])


@pytest.mark.parametrize("change", [gets_another_password, gets_none, is_disabled])
def test_sessions_that_open_nothing_any_more_are_gone(ada: User, otto: User, change):
    sign_in(otto)
    change(User.objects.get(pk=otto.pk))
    assert not otto.sessions.exists()


@pytest.mark.parametrize("fields", [None, ["role"], ["theme"], ["last_login"]])
def test_sessions_outlive_every_other_change(otto: User, fields: list[str] | None):
    sign_in(otto)
    found = User.objects.get(pk=otto.pk)
    found.role = User.Role.ADMIN
    found.save(update_fields=fields)
    assert otto.sessions.count() == 1


def test_djangos_own_command_makes_an_admin(db):
    assert User.objects.create_superuser("eve", password="x").may("admin")


def test_of_a_token_only_the_hash_is_kept(ada: User):
    secret = Token.issue(ada, "backup")
    row = Token.objects.get()
    assert secret.startswith("sp_")
    assert secret not in str(vars(row))
    assert row.name == "backup"
