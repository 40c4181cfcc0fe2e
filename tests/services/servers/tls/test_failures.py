"""Why a handshake failed, in words."""

import ssl

import pytest

from services.servers.tls import failures


def error(reason: str) -> ssl.SSLError:
    made = ssl.SSLError(1, reason)
    made.reason = reason
    return made


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("NO_SHARED_CIPHER", "it offers no cipher suite that this server takes"),
        ("UNSUPPORTED_PROTOCOL", "it speaks no TLS 1.3 or newer"),
        ("TLSV1_ALERT_UNKNOWN_CA", "it does not accept this server's certificate: it does not know the authority that signed it"),
        ("SOMETHING_NEW", "something new"),
    ],
)  # fmt: skip
def test_each_reason_has_its_words(reason, why):
    assert failures.why(error(reason), "1.3") == why


def test_what_openssl_does_not_name_is_told_as_it_says_it():
    assert failures.why(ssl.SSLError(1, "odd"), "1.2") == "odd"


@pytest.mark.parametrize("first", [b"\x16", b"\x16\x03\x01\x02"])
def test_the_first_byte_of_a_handshake_is_known(first):
    assert failures.foreign(first) == ""
