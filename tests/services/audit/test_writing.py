"""An entry says who did what, from where; it holds no secret, and it comes and goes with the transaction that does the deed."""

import hashlib
import json

import pytest
from django.db import OperationalError, connections, transaction

from services import audit
from services.audit import chain, writing
from services.audit.writing import KEPT_BYTES, MAX_DETAILS
from services.models import AuditEntry, Server

pytestmark = pytest.mark.django_db


def details(entry: AuditEntry) -> dict[str, object]:
    entry.refresh_from_db()
    found: dict[str, object] = json.loads(entry.details)
    return found


def test_entries_are_numbered_and_each_holds_the_hash_of_the_one_before():
    first, second = audit.record("server.start", "ada", server="lab"), audit.record("server.stop", "otto", server="lab")
    assert (first.number, first.previous, second.number, second.previous) == (1, "", 2, first.hash)
    assert [chain.digest(entry) for entry in AuditEntry.objects.order_by("number")] == [first.hash, second.hash]


def test_it_says_which_way_somebody_came_and_from_where():
    with audit.coming_from("api", "192.0.2.7"):
        entry = audit.record("server.start", "ada")
    assert (entry.way, entry.source) == ("api", "192.0.2.7")
    assert audit.record("server.start", "ada").way == ""


def test_it_says_which_token_it_was_done_with():
    with audit.coming_from("api", "192.0.2.7"), audit.with_token(3, "nightly test"):
        entry = audit.record("server.start", "ada")
        long = audit.record("server.change", "ada", new={"notes": "x" * writing.MAX_DETAILS})
    assert (entry.way, details(entry)) == ("api", {"token": {"id": 3, "name": "nightly test"}})
    assert details(long)["token"] == {"id": 3, "name": "nightly test"}
    assert details(long).keys() == {"left_out", "token"}
    assert audit.record("server.start", "ada").details == ""


def test_the_name_and_the_number_of_a_server_are_kept():
    server = Server.objects.create(name="lab", kind="tcp", transport="tcp", host="127.0.0.1", port=8007)
    entry = audit.record("server.start", "ada", server=server)
    assert (entry.server, entry.server_id) == ("lab", server.pk)


def test_it_goes_with_the_transaction_that_did_not_happen():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record("server.start", "ada")
        raise ZeroDivisionError
    assert not AuditEntry.objects.exists()


def test_of_bytes_the_beginning_is_kept_and_the_digest_of_all():
    data = bytes(range(256)) * 32
    entry = audit.record("send", "otto", data=data)
    entry.refresh_from_db()
    assert (bytes(entry.data), entry.size) == (data[:KEPT_BYTES], len(data))
    assert entry.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("password", "correct horse", "[redacted]"),
        ("new_password", "correct horse", "[redacted]"),
        ("token", "abc", "[redacted]"),
        ("notes", "sp_" + "7" * 43, "sp_[redacted]"),
        ("notes", "curl -H 'Cookie: sp_0123abcd=xyz; other=1'", "curl -H 'Cookie: sp_0123abcd=[redacted]; other=1'"),
        ("notes", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n", "[redacted]\n"),
        ("public", "ab" * 32, "ab" * 32),
        ("notes", "the password is kept elsewhere", "the password is kept elsewhere"),
    ],
)
def test_secrets_are_masked(field: str, value: str, kept: str):
    entry = audit.record("user.change", "ada", new={"parts": [{field: value}]})
    assert details(entry) == {"new": {"parts": [{field: kept}]}}


def test_a_cookie_or_token_among_the_bytes_is_masked():
    entry = audit.record("send", "otto", data=b"GET / HTTP/1.1\r\nCookie: __Host-SP_0123ABCD=secret\r\n\xff")
    assert bytes(entry.data) == b"GET / HTTP/1.1\r\nCookie: __Host-SP_0123ABCD=[redacted]\r\n\xff"


def test_details_that_are_too_long_are_told_by_their_digest():
    told = details(audit.record("server.change", "ada", new={"notes": "x" * MAX_DETAILS}))
    assert set(told) == {"left_out"}


@pytest.mark.parametrize("notes", ["short", "x" * MAX_DETAILS])
def test_a_secret_in_a_tokens_name_is_masked_however_long_the_rest_is(notes: str):
    with audit.with_token(7, f"of sp_{'7' * 43}"):
        entry = audit.record("server.change", "ada", new={"notes": notes})
    assert details(entry)["token"] == {"id": 7, "name": "of sp_[redacted]"}


def test_a_word_that_an_entry_does_not_have_is_refused():
    with pytest.raises(TypeError, match="has no configurations"):
        audit.record("server.change", "ada", configurations={})  # type: ignore[call-arg]
    assert not AuditEntry.objects.exists()


def test_text_that_no_database_takes_is_made_to_fit():
    entry = audit.record("sign-in.refused", "a\0b\ud800" + "x" * 200, what="y" * 2000)
    entry.refresh_from_db()
    assert (entry.who[:4], len(entry.who), len(entry.what)) == ("a\ufffdb?", 150, 1000)
    assert chain.digest(entry) == entry.hash


@pytest.mark.skipif("connections['default'].vendor != 'postgresql'")
def test_who_hangs_while_writing_keeps_nobody_waiting_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writing, "WAIT", 0.1)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [writing.LOCK])
        with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
            audit.record("server.start", "ada")
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [writing.LOCK])
    finally:
        other.close()
    assert audit.record("server.start", "ada").number == 1
