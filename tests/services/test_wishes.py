"""One look at what is wanted: nobody's records are taken for left over, and a server that moved is let go."""

import pytest

from services import wishes
from services.models import Server, Status

pytestmark = pytest.mark.django_db(databases=["default", "messages"])


def make(name: str, node: str = "local") -> Server:
    return Server.objects.create(name=name, kind="tcp", transport="tcp", host="127.0.0.1", port=8007, node=node)


def test_what_is_recorded_of_no_server_is_left_over():
    Status.objects.create(server_id=404, state="STOPPED", since=1)
    assert wishes.read("local", None, set()).gone == [404]


def test_a_server_that_another_node_starts_during_the_look_is_not_left_over(monkeypatch):
    recorded = wishes._recorded

    def meanwhile(known: set[int]) -> set[int]:
        Status.objects.create(server_id=make("young", node="other").pk, state="RUNNING", since=1)
        return recorded(known)

    monkeypatch.setattr(wishes, "_recorded", meanwhile)
    assert wishes.read("local", None, set()).gone == []


def test_a_server_that_went_to_another_node_is_let_go():
    here, gone = make("here"), make("moved", node="other")
    wish = wishes.read("local", None, {here.pk, gone.pk, 404})
    assert (wish.left, wish.gone) == ({gone.pk}, [404])


def test_a_server_that_came_back_has_its_books_read_anew():
    server = make("lab")
    assert [book.server_id for book in wishes.read("local", None, set()).books] == [server.pk]
    assert wishes.read("local", None, {server.pk}).books == []
