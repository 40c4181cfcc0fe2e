"""Our Python sources as syntax trees, for the tests that hold the house rules. It runs none of them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGES = ("services", "sockpanel")


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path  # relative to the checkout

    @property
    def module(self) -> str:
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def text(self) -> str:
        return (CHECKOUT / self.path).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def imports(self) -> set[str]:
        """Dotted names of every import, those inside functions too, but not those that only type checkers see."""
        return {name for node in _running(self.tree) for name in imported(node)}

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    @property
    def strings(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def imported(node: ast.AST) -> list[str]:
    """What an import statement names; `from a import b` names a.b, for b may be a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _running(child)


def sources(*folders: str) -> list[Source]:
    """Every Python file under the folders, except migrations: Django writes those."""
    found = []
    for folder in folders:
        paths = sorted((CHECKOUT / folder).rglob("*.py"))
        found += [Source(path.relative_to(CHECKOUT)) for path in paths if "migrations" not in path.parts]
    return found


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or stands below one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)
