"""docs/audit.md names every verb that anything writes into the audit, and the page has words for each of them."""

import ast
import re
from collections.abc import Iterator

import pytest

from services.asking import AUDITED
from sockpanel.pages.activity import WORDS
from tests.sources import CHECKOUT, PACKAGES, sources

TEXT = (CHECKOUT / "docs" / "audit.md").read_text(encoding="utf-8")
TABLE = TEXT.partition("\n| verb | when |\n")[2].partition("\n\n")[0]
FAMILY = re.compile(
    r"(server|user|session|token|key|connection|send)\.[a-z.-]+"
)  # whose names nothing else begins with


def verbs() -> list[str]:
    """Those that are written out in a call, or elsewhere by their family's name; some are put together, and stand in a table."""
    found = {*AUDITED.values(), *(f"{verb}.failed" for verb in AUDITED.values())}
    for source in sources(*PACKAGES):
        found |= {text for text in source.strings if FAMILY.fullmatch(text)}
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
        elif (
            isinstance(node, ast.JoinedStr) and len(node.values) == 2 and isinstance(node.values[1], ast.FormattedValue)
        ):
            begins, ends = plain([node.values[0]]), plain([node.values[1].value])
            yield from (begin + end for begin in begins for end in ends)


def test_there_are_some():
    assert {"server.create", "send", "sign-in", "restore", "server.restart", "user.link"} <= set(verbs())
    assert {"remote-commands.on", "remote-commands.off", "server.prune.failed"} <= set(verbs())


@pytest.mark.parametrize("verb", verbs())
def test_the_page_has_words_for_every_verb(verb: str):
    assert WORDS.get(verb)


def test_every_verb_has_its_place_in_the_table_and_no_other_stands_there():
    named = {verb for row in TABLE.splitlines() for verb in re.findall(r"`([a-z.-]+)`", row.split("|")[1])}
    described = {verb for row in TABLE.splitlines() for verb in re.findall(r"`([a-z.-]+\.failed)`", row)}
    described |= set(re.findall(r"`(remote-commands\.\w+)`", TABLE))
    assert named | described == set(WORDS) >= set(verbs())
