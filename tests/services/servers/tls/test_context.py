"""What OpenSSL takes up again without a whole handshake is what docs/tls.md says: nothing with TLS 1.3."""

import ssl

import pytest

from services.servers.spec import Tls
from services.servers.tls.context import server_context
from tests.services.servers.certifying import DEVICES, PUMP, believing, material

DEMANDING = Tls(mode="on", certificate="lab", client="required", client_ca="devices")


def again(version: ssl.TLSVersion, other: bool = False) -> ssl.SSLObject:
    """The server's side of a second connection that offers the first one's session."""
    server = server_context(material(client_ca=DEVICES.chain), DEMANDING)
    client = believing(showing=PUMP)
    client.maximum_version = version
    first = connect(server, client)  # who is gone without a farewell takes the session along
    if other:
        server = server_context(material(client_ca=DEVICES.chain), DEMANDING)
    return connect(server, client, first[1].session)[0]


def connect(
    server: ssl.SSLContext, client: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        server.wrap_bio(one, other, server_side=True),
        client.wrap_bio(other, one, server_hostname="localhost", session=session),
    )
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
                side.read(1)
            except ssl.SSLWantReadError:
                pass
    return sides


def test_with_tls_1_3_each_connection_shows_its_certificate_anew():
    assert not again(ssl.TLSVersion.TLSv1_3).session_reused


def test_with_tls_1_2_a_session_is_taken_up_for_two_hours_with_the_certificate_of_then():
    side = again(ssl.TLSVersion.TLSv1_2)
    assert side.session_reused
    assert side.getpeercert() is not None
    assert side.session is not None
    assert side.session.timeout == 7200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_another_certificate_ends_all_sessions(version: ssl.TLSVersion):
    assert not again(version, other=True).session_reused
