"""No text of the database has a NUL in it, and a question about one is answered without asking the database."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q

from services import nuls
from services.models import Server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def lab() -> Server:
    return Server.objects.create(name="lab", kind="tcp", transport="tcp", host="127.0.0.1", port=9000)


def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """As PostgreSQL does."""
    assert "\0" not in repr(params).replace(r"\x00", "\0")
    return execute(sql, params, many, context)


@pytest.mark.parametrize("word", [kind.lookup_name for kind in nuls.COMPARED])
def test_every_comparison_finds_nothing_and_asks_nobody(word: str) -> None:
    with connection.execute_wrapper(refuse):
        assert not Server.objects.filter(**{f"name__{word}": "lab\0"}).exists()
        assert not Server.objects.filter(**{f"notes__{word}": "\0"})
        assert Server.objects.exclude(**{f"name__{word}": "lab\0"}).get().name == "lab"
        assert Server.objects.filter(**{f"name__{word}": "lab"}).get().name == "lab"


def test_of_several_the_others_are_looked_for() -> None:
    with connection.execute_wrapper(refuse):
        assert Server.objects.get(name__in=["\0", "lab"]).name == "lab"
        assert not Server.objects.filter(name__in=["\0"])
        assert Server.objects.get(Q(name="\0") | Q(name="lab")).name == "lab"


def test_a_deed_on_what_nothing_is_does_nothing() -> None:
    with connection.execute_wrapper(refuse):
        assert Server.objects.filter(name="\0").update(notes="x") == 0
        assert Server.objects.filter(name="\0").delete()[0] == 0
        with pytest.raises(Server.DoesNotExist):
            Server.objects.get(name="\0")
