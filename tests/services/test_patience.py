"""A question that takes too long is ended, told in a sentence, and leaves the connection as it was."""

import time

import pytest
from django.db import Error, OperationalError, connections, transaction

from services import history, patience
from services.errors import RequestRefused, SearchTooLong
from services.models import MESSAGES, Message
from services.patience import within

pytestmark = pytest.mark.django_db(databases=["default", MESSAGES])

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def ask(statement: str) -> object:
    with connections[MESSAGES].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def test_a_question_without_an_end_is_ended():
    began = time.monotonic()
    with pytest.raises(SearchTooLong, match=r"ended after 0\.1 s: narrow it down"), within(MESSAGES, 0.1):
        ask(ENDLESS)
    assert time.monotonic() - began < 2


def test_the_connection_is_as_patient_afterwards_as_before():
    with pytest.raises(SearchTooLong), within(MESSAGES, 0.01):
        ask(ENDLESS)
    assert ask(f"{ENDLESS.replace('FROM n)', 'FROM n WHERE i < 300000)')}") == (300_000,)


def test_other_failures_stay_what_they_are():
    with pytest.raises(Error, match="nowhere"), transaction.atomic(using=MESSAGES), within(MESSAGES):
        ask("SELECT 1 FROM nowhere")


class Answer(Exception):
    """What PostgreSQL says, in the language of its server."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("FEHLER:  Anweisung wurde wegen Zeitüberschreitung abgebrochen")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(("sqlstate", "raised"), [("57014", SearchTooLong), ("57P01", OperationalError)])
def test_that_it_was_ended_is_known_in_every_language(sqlstate: str, raised: type[Exception]):
    with pytest.raises(raised), within(MESSAGES):
        raise OperationalError("FEHLER") from Answer(sqlstate)


def test_whoever_reads_row_by_row_is_told_as_well():
    with pytest.raises(SearchTooLong), within(MESSAGES, 0.0) as check:
        check()


def test_a_search_through_the_history_is_ended(monkeypatch: pytest.MonkeyPatch):
    """Looking for bytes goes through every message; a page by its numbers alone does not, and is never ended."""
    fields = {"at": 1, "run": 1, "connection": 1, "peer": "p", "direction": 0, "size": 65_536, "data": b"a" * 65_536}
    Message.objects.bulk_create(Message(server_id=1, seq=seq, **fields) for seq in range(1, 201))
    monkeypatch.setattr(history, "within", lambda alias: within(alias, 0.0))
    monkeypatch.setattr(patience, "STEPS", 1)
    with pytest.raises(SearchTooLong):
        history.messages(1, history.Query(contains=(b"b",)))
    assert len(history.messages(1, history.Query(limit=1000)).messages) == 128  # 8 MiB


def test_what_is_looked_for_may_be_so_long_and_no_longer():
    history.messages(1, history.Query(contains=(b"x" * 1024,)))
    with pytest.raises(RequestRefused, match=r"has 1,025 bytes and may have 1,024"):
        history.messages(1, history.Query(contains=(b"x" * 1025,)))


@pytest.mark.parametrize("pattern", ["(a+)+$", ".*.*.*=.*", "(?:a|aa)*b", "[[[", "%" * 500])
def test_what_looks_like_a_pattern_is_text(pattern: str):
    fields = {"at": 1, "run": 1, "connection": 1, "peer": "p", "direction": 0}
    texts = [b"a" * 1_000_000, pattern.encode(), b"before " + pattern.encode() + b" after"]
    Message.objects.bulk_create(
        Message(server_id=1, seq=seq, size=len(data), data=data, **fields) for seq, data in enumerate(texts, 1)
    )
    found = history.messages(1, history.Query(contains=(pattern.encode(),)))
    assert [message.seq for message in found.messages] == [2, 3]
