"""People in Django's admin."""

import json

import pytest
from django.test import Client

from services.models import AuditEntry
from sockpanel.accounts import setup
from sockpanel.accounts.models import Token, User
from tests.conftest import PASSWORD
from tests.written import first_entry_is_behind, tables_written


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


@pytest.fixture
def meanwhile(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the accounts gets them when somebody else has taken ada's role."""
    monkeypatch.setattr(setup, "hold_others", lambda: User.objects.filter(pk=ada.pk).update(role=User.Role.VIEWER))


@pytest.mark.usefixtures("meanwhile")
def test_of_two_admins_who_remove_each_other_one_stays(admin: Client, otto: User):
    otto.role = User.Role.ADMIN
    otto.save()
    deeds = (
        lambda: change(admin, otto, role="viewer"),
        lambda: change(admin, otto, is_active=""),
        lambda: admin.post(f"/admin/accounts/user/{otto.pk}/delete/", {"post": "yes"}).status_code,
        lambda: (
            admin.post(
                "/admin/accounts/user/", {"action": "delete_selected", "_selected_action": otto.pk, "post": "yes"}
            ).status_code
        ),
    )
    assert [deed() for deed in deeds] == [403] * 4
    otto.refresh_from_db()
    assert otto.may("admin")
    assert not told("user.delete")


@pytest.mark.parametrize("number", ["1_0", "+10", "%2010", "10%20", "1_5F0", "%D9%A1%D9%A0", "010"])
def test_who_is_meant_is_said_in_plain_digits(admin: Client, number: str):
    User.objects.create(pk=10, username="otto", role="operator")
    status = 200 if number == "010" else 404
    for page in ("change", "history", "delete", "password"):
        assert admin.get(f"/admin/accounts/user/{number}/{page}/").status_code == status


def test_a_persons_tokens_are_shown_without_secret(admin: Client, otto: User):
    secret = Token.issue(otto, "backup")
    page = admin.get(f"/admin/accounts/user/{otto.pk}/change/").content.decode()
    assert "backup" in page
    assert secret not in page


def told(verb: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(verb=verb))


def test_what_is_done_to_people_stands_in_the_audit(admin: Client, otto: User):
    change(admin, otto, role="admin", is_active="")
    secret = "another long and good password"
    words = {"usable_password": "true", "password1": secret, "password2": secret}
    assert admin.post(f"/admin/accounts/user/{otto.pk}/password/", words).status_code == 302
    admin.post(f"/admin/accounts/user/{otto.pk}/delete/", {"post": "yes"})
    (changed,), (password,), (deleted,) = told("user.change"), told("user.password"), told("user.delete")
    assert [entry.who for entry in (changed, password, deleted)] == ["ada"] * 3
    assert json.loads(changed.details) == {
        "old": {"role": "operator", "is_active": True},
        "new": {"role": "admin", "is_active": False},
    }
    assert [entry.what for entry in (changed, password, deleted)] == ["otto"] * 3
    assert secret not in str([vars(entry) for entry in AuditEntry.objects.all()])


def test_who_is_added_stands_there_too(admin: Client):
    words = {
        "username": "vera",
        "role": "viewer",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    admin.post("/admin/accounts/user/add/", words)
    (added,) = told("user.add")
    assert json.loads(added.details)["new"]["username"] == "vera"


def test_what_is_done_there_is_told_when_it_is_done(admin: Client, otto: User):
    """An entry of the audit makes other people's wait until the end: nobody who has one may wait for anything else."""
    Token.issue(otto, "backup")
    row = {"tokens-TOTAL_FORMS": "1", "tokens-INITIAL_FORMS": "1", "tokens-0-id": str(otto.tokens.get().pk)}
    with tables_written() as changed:
        change(admin, otto, role="viewer", **row, **{"tokens-0-user": str(otto.pk), "tokens-0-DELETE": "on"})
    with tables_written() as deleted:
        admin.post(f"/admin/accounts/user/{otto.pk}/delete/", {"post": "yes"})
    eve = User.objects.create(username="eve")
    with tables_written() as selected:
        words = {"action": "delete_selected", "_selected_action": eve.pk, "post": "yes"}
        admin.post("/admin/accounts/user/", words)
    assert first_entry_is_behind(changed, "accounts_user", "accounts_token")
    assert first_entry_is_behind(deleted, "accounts_user")
    assert first_entry_is_behind(selected, "accounts_user")


def test_another_password_ends_the_sessions_of_who_gets_it_and_nobody_elses(admin: Client, otto: User):
    elsewhere = Client()
    elsewhere.force_login(otto, "django.contrib.auth.backends.ModelBackend")
    secret = "another long and good password"
    words = {"usable_password": "true", "password1": secret, "password2": secret}
    assert admin.post(f"/admin/accounts/user/{otto.pk}/password/", words).status_code == 302
    assert not otto.sessions.exists()
    assert admin.get("/api/v1/presets").status_code == 200


def test_ones_own_new_password_ends_the_other_sessions(admin: Client, ada: User):
    elsewhere = Client()
    elsewhere.force_login(ada, "django.contrib.auth.backends.ModelBackend")
    secret = "another long and good password"
    words = {"usable_password": "true", "password1": secret, "password2": secret}
    assert admin.post(f"/admin/accounts/user/{ada.pk}/password/", words).status_code == 302
    assert ada.sessions.count() == 1
    assert [client.get("/api/v1/presets").status_code for client in (admin, elsewhere)] == [200, 401]


def test_who_is_let_in_no_more_has_no_session_that_could_come_alive_again(admin: Client, otto: User):
    elsewhere = Client()
    elsewhere.force_login(otto, "django.contrib.auth.backends.ModelBackend")
    assert change(admin, otto, is_active="") == 302
    assert change(admin, otto) == 302
    assert elsewhere.get("/api/v1/presets").status_code == 401


def test_a_token_is_revoked_there_and_never_widened(admin: Client, otto: User):
    Token.issue(otto, "backup", scope="viewer")
    token = otto.tokens.get()
    row = {
        "tokens-TOTAL_FORMS": "1",
        "tokens-INITIAL_FORMS": "1",
        "tokens-0-id": str(token.pk),
        "tokens-0-user": str(otto.pk),
    }
    assert change(admin, otto, **row, **{"tokens-0-scope": "admin", "tokens-0-name": "x"}) == 302
    token.refresh_from_db()
    assert (token.scope, token.name) == ("viewer", "backup")
    assert change(admin, otto, **row, **{"tokens-0-DELETE": "on"}) == 302
    assert not otto.tokens.exists()
    assert [entry.what for entry in told("token.revoke")] == ["otto: backup"]
