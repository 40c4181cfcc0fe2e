"""What a client chose is made visible."""

import pytest

from services.servers.tls import agreement


@pytest.mark.parametrize(
    ("text", "seen"),
    [("pump 7", "pump 7"), ("a\x1b[31m\n", r"a\x1b[31m\n"), ("\u202egpj", r"\u202egpj"), ("ö" * 300, "ö" * 255)],
    ids=["plain", "escape", "direction", "long"],
)
def test_names_do_not_act(text, seen):
    assert agreement.visible(text) == seen
