"""A link with a role, for one person, once, for 3 days."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from services.errors import ConfigurationRefused, InvitationRefused, SessionGone
from services.models import AuditEntry
from sockpanel.accounts import invitations
from sockpanel.accounts.models import Invitation, User
from tests.conftest import PASSWORD


def test_whoever_has_the_link_gets_an_account_with_its_role(ada: User):
    token = invitations.make("operator", "ada", "Otto from hall 3")
    user = invitations.accept(token, "otto", PASSWORD)
    assert (user.role, user.check_password(PASSWORD)) == ("operator", True)
    verbs = [(entry.verb, entry.who) for entry in AuditEntry.objects.order_by("number")]
    assert verbs == [("user.invite", "ada"), ("user.join", "otto")]


def test_the_link_works_once(ada: User):
    token = invitations.make("viewer", "ada")
    invitations.accept(token, "vera", PASSWORD)
    with pytest.raises(InvitationRefused, match="was used"):
        invitations.accept(token, "eve", PASSWORD)
    assert not User.objects.filter(username="eve").exists()


@pytest.mark.parametrize("change", [{"role": "operator"}, {"is_active": False}])
def test_the_link_dies_with_the_rights_of_who_made_it(ada: User, change: dict[str, object]):
    token = invitations.make("admin", "ada")
    User.objects.filter(pk=ada.pk).update(**change)
    with pytest.raises(InvitationRefused, match="no admin any more"):
        invitations.accept(token, "eve", PASSWORD)
    assert not invitations.open_ones().exists()


@pytest.mark.parametrize(
    "change",
    [{"role": "operator"}, {"is_active": False}, {"username": "grace"}],
    ids=["lowered", "disabled", "renamed"],
)
def test_and_for_good(ada: User, change: dict[str, object]):
    token, before = invitations.make("admin", "ada"), {field: getattr(ada, field) for field in change}
    for fields in (change, before):
        for field, value in fields.items():
            setattr(ada, field, value)
        ada.save(update_fields=list(fields))
    assert not invitations.open_ones().exists()
    with pytest.raises(InvitationRefused):
        invitations.accept(token, "eve", PASSWORD)


def test_another_admin_of_the_same_name_brings_nothing_back(ada: User):
    token = invitations.make("admin", "ada")
    ada.delete()
    User.objects.create_user("ada", password=PASSWORD, role="admin")
    with pytest.raises(InvitationRefused):
        invitations.accept(token, "eve", PASSWORD)


def test_what_changes_nobodys_rights_ends_no_invitation(ada: User, vera: User):
    token = invitations.make("viewer", "ada")
    vera.is_active = False
    vera.save()
    ada.save(update_fields=["theme"])
    assert invitations.accept(token, "eve", PASSWORD).pk


@pytest.mark.parametrize("name", ["\N{FULLWIDTH LATIN SMALL LETTER A}da", "ADA"])
def test_another_way_to_write_a_name_is_the_same_name(ada: User, name: str):
    with pytest.raises(ConfigurationRefused, match="already"):
        invitations.accept(invitations.make("viewer", "ada"), name, PASSWORD)


def test_a_name_of_letters_that_look_alike_is_refused(ada: User):
    with pytest.raises(ConfigurationRefused, match="Cyrillic and Latin"):
        invitations.accept(invitations.make("viewer", "ada"), "\N{CYRILLIC SMALL LETTER A}da", PASSWORD)
    assert invitations.accept(invitations.make("viewer", "ada"), "\N{CYRILLIC SMALL LETTER A}", PASSWORD).pk


def test_the_database_and_the_audit_know_no_token(ada: User):
    token = invitations.make("viewer", "ada", "vera")
    kept = [*Invitation.objects.values_list(), *AuditEntry.objects.values_list()]
    assert token not in str(kept)


@pytest.mark.parametrize(("days", "works"), [(2.99, True), (3.01, False)])
def test_the_link_dies_after_three_days(ada: User, days: float, works: bool):
    token = invitations.make("viewer", "ada")
    Invitation.objects.update(expires_at=timezone.now() + invitations.LASTS - timedelta(days=days))
    assert invitations.open_ones().exists() is works
    if works:
        invitations.accept(token, "vera", PASSWORD)
    else:
        with pytest.raises(InvitationRefused):
            invitations.accept(token, "vera", PASSWORD)


def test_what_is_taken_back_opens_nothing(ada: User):
    token = invitations.make("viewer", "ada")
    number = Invitation.objects.get().pk
    invitations.take_back(number, "ada")
    with pytest.raises(InvitationRefused):
        invitations.accept(token, "vera", PASSWORD)
    with pytest.raises(SessionGone):
        invitations.take_back(number, "ada")


@pytest.mark.parametrize("token", ["", "wrong", "Ω", "\x00"])
def test_without_the_token_nothing_is_hashed(ada: User, token: str, monkeypatch: pytest.MonkeyPatch):
    invitations.make("viewer", "ada")
    monkeypatch.setattr(invitations, "make_password", lambda _: pytest.fail("it was hashed"))
    with pytest.raises(InvitationRefused):
        invitations.accept(token, "eve", PASSWORD)


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [("ada", PASSWORD, "username"), ("ADA", PASSWORD, "username"), ("", PASSWORD, "username"),
     ("a b", PASSWORD, "username"), ("vera", "short", "password"), ("vera", "password1234", "password")],
)  # fmt: skip
def test_a_name_or_password_that_will_not_do_uses_nothing_up(ada: User, username: str, password: str, field: str):
    token = invitations.make("viewer", "ada")
    with pytest.raises(ConfigurationRefused) as refused:
        invitations.accept(token, username, password)
    assert set(refused.value.problems) == {field}
    invitations.accept(token, "grace", PASSWORD)


@pytest.mark.parametrize(
    ("role", "name", "field"), [("owner", "", "role"), ("viewer", "a\nb", "name"), ("viewer", "x" * 151, "name")]
)
def test_an_invitation_that_makes_no_sense_is_refused(ada: User, role: str, name: str, field: str):
    with pytest.raises(ConfigurationRefused) as refused:
        invitations.make(role, "ada", name)
    assert refused.value.field == field


def test_only_so_many_are_open_and_dead_ones_do_not_count(ada: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(invitations, "MOST", 2)
    for _ in range(2):
        invitations.make("viewer", "ada")
    with pytest.raises(ConfigurationRefused, match="take one back"):
        invitations.make("viewer", "ada")
    Invitation.objects.update(expires_at=timezone.now())
    invitations.make("viewer", "ada")


# The page that the link leads to


def test_the_page_makes_the_account_and_signs_in(client: Client, ada: User):
    token = invitations.make("operator", "ada")
    assert client.get("/invite/").status_code == 200
    answer = client.post("/invite/", {"token": token, "username": "otto", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/servers/")
    assert User.objects.get(username="otto").role == "operator"


@pytest.mark.parametrize(
    ("token", "password", "status", "said"),
    [("wrong", PASSWORD, 403, b"ask for a new one"), (None, "0123456789x", 422, b"at least 12 characters")],
)
def test_the_page_tells_what_was_wrong_and_keeps_what_was_right(
    client: Client, ada: User, token: str | None, password: str, status: int, said: bytes
):
    given = token or invitations.make("viewer", "ada")
    answer = client.post("/invite/", {"token": given, "username": "vera<b>", "password": password})
    assert answer.status_code == status
    assert said in answer.content
    assert b'value="vera&lt;b&gt;"' in answer.content
    assert password.encode() not in answer.content


def test_while_there_is_no_admin_nobody_joins(client: Client, db: None):
    answer = client.post("/invite/", {"token": "x", "username": "eve", "password": PASSWORD})
    assert (answer.status_code, b"SP-1001" in answer.content) == (403, True)
