"""People in Django's admin."""

import pytest
from django.test import Client

from sockpanel.accounts.models import Token, User
from tests.conftest import PASSWORD


@pytest.fixture
def admin(client: Client, ada: User) -> Client:
    client.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    return client


def change(client: Client, user: User, **words: str) -> int:
    tokens = {"tokens-TOTAL_FORMS": "0", "tokens-INITIAL_FORMS": "0"}
    fields = {"username": user.username, "role": user.role, "is_active": "on", **tokens, **words}
    return client.post(f"/admin/accounts/user/{user.pk}/change/", fields).status_code


def test_an_admin_makes_people_with_a_role(admin: Client):
    form = {
        "username": "vera",
        "role": "viewer",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    assert admin.post("/admin/accounts/user/add/", form).status_code == 302
    vera = User.objects.get(username="vera")
    assert vera.role == "viewer"
    assert vera.check_password(PASSWORD)


def test_an_admin_gives_another_role(admin: Client, otto: User):
    assert change(admin, otto, role="admin") == 302
    otto.refresh_from_db()
    assert otto.may("admin")
    assert otto.is_superuser


def test_the_last_admin_stays_one(admin: Client, ada: User):
    change(admin, ada, role="viewer")
    admin.post(f"/admin/accounts/user/{ada.pk}/delete/", {"post": "yes"})
    admin.post("/admin/accounts/user/", {"action": "delete_selected", "_selected_action": ada.pk, "post": "yes"})
    ada.refresh_from_db()
    assert ada.may("admin")


def test_one_of_two_admins_may_go(admin: Client, ada: User, otto: User):
    otto.role = User.Role.ADMIN
    otto.save()
    assert admin.post(f"/admin/accounts/user/{otto.pk}/delete/", {"post": "yes"}).status_code == 302
    assert [user.username for user in User.objects.all()] == ["ada"]


def test_a_persons_tokens_are_shown_without_secret(admin: Client, otto: User):
    secret = Token.issue(otto, "backup")
    page = admin.get(f"/admin/accounts/user/{otto.pk}/change/").content.decode()
    assert "backup" in page
    assert secret not in page
