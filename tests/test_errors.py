"""Every code of an error is provoked by some test, which names its class or the code; a code that nobody can meet is none."""

import ast

import pytest

from services import errors
from tests.sources import sources

ELSEWHERE = {"tests/test_errors.py", "tests/test_docs.py", "tests/test_architecture.py"}


def every_error() -> list[type[errors.SockpanelError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, errors.SockpanelError)]


def words_of_tests() -> set[str]:
    """Every name, attribute and text in the test modules, but not what they only import."""
    found: set[str] = set()
    for source in sources("tests"):
        if str(source.path) in ELSEWHERE or not source.path.name.startswith("test_"):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                found.add(node.value if isinstance(node.value, str) else node.value.decode("latin-1"))
    return found


WORDS = words_of_tests()


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_some_test_provokes_it(kind: type[errors.SockpanelError]):
    assert kind.__name__ in WORDS or any(kind.code in word for word in WORDS), (
        f"No test names {kind.__name__} or {kind.code}."
    )


def test_one_that_no_test_names_would_be_found():
    assert "SP-9999" not in WORDS
    assert not any("SP-9" in word for word in WORDS)
