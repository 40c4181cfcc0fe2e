"""docs/audit.md names every verb that anything writes into the audit, and that the page has words for."""

import ast
from collections.abc import Iterator

import pytest

from services.asking import AUDITED
from sockpanel.pages.activity import WORDS
from tests.sources import CHECKOUT, PACKAGES, sources

TEXT = (CHECKOUT / "docs" / "audit.md").read_text(encoding="utf-8")


def verbs() -> list[str]:
    """Those that are written out in a call; some are put together, and stand in a table."""
    found = set(AUDITED.values())
    for source in sources(*PACKAGES):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "audit.refused", "record"):
                found |= set(plain([*node.args[:1], *(word.value for word in node.keywords if word.arg == "verb")]))
    return sorted(found)


def plain(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.IfExp):
            yield from plain([node.body, node.orelse])
        elif isinstance(node, ast.Constant):
            yield str(node.value)


def test_there_are_some():
    assert {"server.create", "send", "sign-in", "restore"} <= set(verbs())


@pytest.mark.parametrize("verb", [*verbs(), *WORDS])
def test_every_verb_is_documented(verb: str):
    assert f"`{verb}`" in TEXT
