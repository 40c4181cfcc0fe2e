"""What people may be called: a name that others can type into an address, and that looks like nobody else's."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from services.errors import ConfigurationRefused
from sockpanel.accounts import confirming, invitations, names
from sockpanel.accounts.models import User
from tests.conftest import PASSWORD

CYRILLIC_OPE = "\N{CYRILLIC SMALL LETTER O}\N{CYRILLIC SMALL LETTER ER}\N{CYRILLIC SMALL LETTER IE}"
GREEK_AB = "\N{GREEK CAPITAL LETTER ALPHA}\N{GREEK CAPITAL LETTER BETA}"
ARMENIAN_OSO = "\N{ARMENIAN SMALL LETTER OH}\N{ARMENIAN SMALL LETTER SEH}"


@pytest.mark.parametrize("name", [".", "..", "-", "@", "+.-_"])
def test_a_name_has_a_letter_or_a_digit(name: str):
    assert names.refusal(name, []) == names.BARE


@pytest.mark.parametrize("name", ["ada", "7", ".a", "a.b@c", "Žofie", "Οδυσσέας", "иван", "Ազատ", "山田太郎", "سارة"])
def test_people_are_called_as_they_are(name: str):
    assert names.refusal(name, ["otto", "vera"]) == ""


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("\N{CYRILLIC SMALL LETTER A}", "a"),
        ("a", "\N{CYRILLIC SMALL LETTER A}"),
        (CYRILLIC_OPE, "ope"),
        (CYRILLIC_OPE, "OPE"),
        (GREEK_AB, "AB"),
        (GREEK_AB, "ab"),
        (ARMENIAN_OSO, "ou"),
        (CYRILLIC_OPE, "ορε"),
        ("0tto", "otto"),
        ("vera1", "veral"),
        ("Ida", "lda"),
        ("\N{LATIN SMALL LETTER ALPHA}da", "ada"),
        ("\N{LATIN LETTER SMALL CAPITAL A}da", "ada"),
        ("\N{CYRILLIC SMALL LETTER IO}", "\N{LATIN SMALL LETTER E WITH DIAERESIS}"),
    ],
)
def test_no_name_looks_like_another(name: str, other: str):
    assert names.refusal(name, ["grace", other]) in (names.ALIKE, names.TAKEN)
    assert names.fold(name) == names.fold(other)


def test_marks_that_can_be_seen_make_another_name():
    assert names.refusal("josé", ["jose"]) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [(".", names.BARE), ("..", names.BARE), ("ADA", names.TAKEN), ("\N{LATIN SMALL LETTER ALPHA}da", names.ALIKE)],
)
def test_nobody_joins_by_such_a_name_and_the_link_stays(ada: User, name: str, said: str):
    token = invitations.make("viewer", "ada")
    with pytest.raises(ConfigurationRefused) as refused:
        invitations.accept(token, name, PASSWORD)
    assert refused.value.problems == {"username": said}
    assert invitations.accept(token, "grace", PASSWORD).pk


@pytest.mark.parametrize("name", [".", "0tto", "OTTO"])
def test_djangos_admin_gives_nobody_such_a_name(ada: User, otto: User, vera: User, client: Client, name: str):
    client.post("/login/", {"username": "ada", "password": PASSWORD})
    passwords = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    client.post(
        "/admin/accounts/user/add/", {"username": name, "role": "viewer", **passwords, confirming.FIELD: PASSWORD}
    )
    vera.username = name
    with pytest.raises(ValidationError):
        vera.full_clean()
    assert set(User.objects.values_list("username", flat=True)) == {"ada", "otto", "vera"}


def test_who_has_an_odd_name_already_keeps_it(ada: User, vera: User):
    User.objects.filter(pk=vera.pk).update(username=".")
    odd = User.objects.get(pk=vera.pk)
    odd.role = "operator"
    odd.full_clean()
