"""The server's certificate: another at each start, TLS 1.3 and nothing older, and nothing of it on a disk."""

import os
import ssl

import pytest

from services.servers.commands import certificate


def shake_hands(server: ssl.SSLContext, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> tuple[str, bytes]:
    """The version that both agree on, and the certificate that the client saw."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    theirs.check_hostname, theirs.verify_mode, theirs.maximum_version = False, ssl.CERT_NONE, newest
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, host = theirs.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)
    for side in (client, host, client, host):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return client.version() or "", client.getpeercert(binary_form=True) or b""


def test_a_client_sees_the_certificate_that_sessions_are_bound_to():
    context, der = certificate.make()
    assert shake_hands(context) == ("TLSv1.3", der)


def test_every_start_has_another():
    assert certificate.make()[1] != certificate.make()[1]


def test_older_versions_are_not_spoken():
    context, _ = certificate.make()
    with pytest.raises(ssl.SSLError):
        shake_hands(context, ssl.TLSVersion.TLSv1_2)


def test_no_file_stays_open_or_behind(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    before = os.listdir("/proc/self/fd")
    certificate.make()
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert list(tmp_path.iterdir()) == []
