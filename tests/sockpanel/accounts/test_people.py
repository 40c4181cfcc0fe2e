"""Roles, who may in, and who is signed out; and that there always is an admin."""

import pytest
from django.test import Client

from services.errors import ConfigurationRefused, LastAdmin, UserUnknown
from services.models import AuditEntry
from sockpanel.accounts import people
from sockpanel.accounts.models import Token, User


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def is_in(client: Client) -> bool:
    return client.get("/api/v1/presets").status_code == 200


def recorded() -> list[tuple[str, str, str]]:
    return [
        (entry.verb, entry.who, entry.what)
        for entry in AuditEntry.objects.filter(verb__startswith="user.").order_by("number")
    ]


def test_a_role_changes_and_holds_at_once(ada: User, vera: User):
    client = browser(vera)
    assert client.post("/api/v1/servers/x/start").status_code == 403
    people.change_role("vera", "operator", "ada")
    assert client.post("/api/v1/servers/x/start").status_code == 404
    assert recorded()[-1] == ("user.role", "ada", "vera")


def test_djangos_flags_follow_the_role(ada: User, vera: User):
    for role, flag in (("admin", True), ("viewer", False)):
        people.change_role("vera", role, "ada")
        vera.refresh_from_db()
        assert (vera.is_staff, vera.is_superuser) == (flag, flag)


def test_what_changes_nothing_is_not_recorded(ada: User, vera: User):
    people.change_role("vera", "viewer", "ada")
    people.enable("vera", "ada")
    assert recorded() == []


@pytest.mark.parametrize("role", ["", "owner", "Admin"])
def test_there_are_three_roles(ada: User, vera: User, role: str):
    with pytest.raises(ConfigurationRefused, match="viewer, operator, admin"):
        people.change_role("vera", role, "ada")


def test_nobody_is_changed_who_is_not_there(ada: User):
    with pytest.raises(UserUnknown, match="'eve'"):
        people.disable("eve", "ada")


def test_the_only_admin_stays_one(ada: User, vera: User):
    for change in (
        lambda: people.change_role("ada", "operator", "ada"),
        lambda: people.disable("ada", "ada"),
    ):
        with pytest.raises(LastAdmin, match="ada is the only admin"):
            change()
    ada.refresh_from_db()
    assert (ada.role, ada.is_active) == ("admin", True)


def test_an_admin_who_is_disabled_does_not_count(ada: User, person):
    person("alan", "admin")
    people.disable("alan", "ada")
    with pytest.raises(LastAdmin):
        people.disable("ada", "ada")


def test_whoever_is_disabled_is_out_at_once_and_back_with_the_same_tokens(ada: User, otto: User):
    client, token = browser(otto), Token.issue(otto)
    script = Client(headers={"Authorization": f"Bearer {token}"})
    people.disable("otto", "ada")
    assert not is_in(client)
    assert not is_in(script)
    people.enable("otto", "ada")
    assert not is_in(client)  # sessions stay ended
    assert is_in(script)
    assert [verb for verb, _, _ in recorded()] == ["user.disable", "user.enable"]


def test_signing_somebody_out_ends_the_sessions_and_nothing_else(ada: User, otto: User):
    clients, script = [browser(otto), browser(otto)], Client(headers={"Authorization": f"Bearer {Token.issue(otto)}"})
    assert people.end_sessions("otto", "ada") == 2
    assert [is_in(client) for client in clients] == [False, False]
    assert is_in(script)
