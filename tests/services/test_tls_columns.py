"""What TLS agreed on is kept with the connection, cut to what its columns hold, and told."""

import pytest
from asgiref.sync import sync_to_async

from services import history, tls_columns
from services.servers.report import Batch, Opened, TlsFacts
from tests.services.recording import AT, recording

FACTS = TlsFacts("TLS 1.3", "TLS_AES_256_GCM_SHA384", "lab.lan", "CN=pump 7", "ab" * 32)


@pytest.mark.django_db(transaction=True, databases=["default", "messages"])
async def test_a_connection_keeps_what_its_handshake_agreed_on():
    opened = [Opened(1, "10.0.0.1:5000", AT, FACTS), Opened(2, "10.0.0.1:5001", AT + 1)]
    async with recording() as it:
        await it.store(7, Batch(number=1, opened=opened, open_connections=2))
    plain, spoken = await sync_to_async(history.connections_of)(7)
    assert spoken["tls"] == {
        "version": "TLS 1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "name": "lab.lan",
        "client": "CN=pump 7",
        "client_sha256": "ab" * 32,
    }
    assert plain["tls"] is None
    events = await sync_to_async(history.connection_events)(7, AT - 1)
    assert [event["why"] for event in events] == [
        "TLS 1.3, for lab.lan, from CN=pump 7, TLS_AES_256_GCM_SHA384",
        "",
    ]


def test_what_is_too_long_is_cut_to_its_column():
    kept = tls_columns.columns(TlsFacts(*("x" * 1000,) * 5))
    assert [len(value) for value in kept] == list(tls_columns.COLUMNS.values())


def test_what_is_missing_is_not_told():
    assert (
        tls_columns.words("TLS 1.2", "ECDHE-RSA-AES128-GCM-SHA256", "", "", "")
        == "TLS 1.2, ECDHE-RSA-AES128-GCM-SHA256"
    )
    assert tls_columns.words("", "", "", "", "") == ""
