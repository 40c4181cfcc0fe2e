"""What a server may be told about TLS."""

import pytest

from services.errors import ConfigurationRefused
from services.servers import validation

ON = {"mode": "on", "certificate": "lab"}


def problems(tls, **words):
    with pytest.raises(ConfigurationRefused) as refused:
        validation.build({"name": "lab", "kind": "tcp", "port": 9000, "tls": tls, **words})
    return refused.value.problems


@pytest.mark.parametrize(
    "words",
    [
        {"tls": ON},
        {"kind": "time", "transport": "tcp", "tls": ON},
        {"tls": {**ON, "client": "optional", "client_ca": "devices", "minimum": "1.3"}},
        {"tls": {"mode": "off", "certificate": "lab", "client": "required"}},
        {"transport": "unix", "host": "/tmp/a.sock", "tls": {"certificate": "lab"}},
    ],
    ids=["tcp", "time", "clients", "off, half filled in", "unix, off"],
)
def test_what_makes_sense_is_taken(words):
    spec = validation.build({"name": "lab", "kind": "tcp", "port": 9000, **words})
    assert spec.speaks_tls is (words["tls"].get("mode") == "on")


@pytest.mark.parametrize(
    ("tls", "words", "field"),
    [
        ({"mode": "on"}, {}, "tls.certificate"),
        ({**ON, "certificate": "../key"}, {}, "tls.certificate"),
        ({**ON, "client": "required"}, {}, "tls.client_ca"),
        ({**ON, "client_ca": "A B"}, {}, "tls.client_ca"),
        ({**ON, "minimum": "1.1"}, {}, "tls.minimum"),
        ({**ON, "key": "secret"}, {}, "tls"),
        (ON, {"kind": "udp"}, "tls.mode"),
        (ON, {"transport": "unix", "host": "/tmp/a.sock"}, "tls.mode"),
        (ON, {"kind": "command"}, "tls.mode"),
        (ON, {"kind": "time"}, "tls.mode"),
    ],
    ids=["no certificate", "path", "no authority", "no name", "too old", "key", "udp", "unix", "command", "time, udp"],
)
def test_what_makes_none_is_named(tls, words, field):
    assert list(problems(tls, **words)) == [field]
