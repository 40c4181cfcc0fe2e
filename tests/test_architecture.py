"""The house rules that no linter knows: who may import whom, and how big a room may be."""

import ast
import graphlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.servers import validation
from services.servers.report import Start
from tests.sources import CHECKOUT, PACKAGES, Source, imported, sources, within

FRAMEWORKS = ("django", "channels", "daphne", "ninja", "twisted")
PRODUCT = sources(*PACKAGES)
MODULES = {source.module for source in PRODUCT}

# file -> why it is longer than 300 lines
LONG_FILES = {
    "services/errors.py": "a list of failures, without logic",
    "services/models.py": "a list of tables, without logic",
    "services/servers/report.py": "a list of what is told, without logic",
    "services/supervisor/keeper.py": "one state machine's inputs, each a method of a few lines",
}
# module -> why it imports our own modules inside a function
LATE_IMPORTS: dict[str, str] = {}
# module.function -> why it is longer than 40 lines
LONG_FUNCTIONS: dict[str, str] = {}
# module.function -> why it takes more than six parameters
WIDE_FUNCTIONS = dict.fromkeys(
    ("sockpanel.api.records.messages", "sockpanel.api.commands.list_commands", "sockpanel.api.audit.list_entries"),
    "each is a parameter of the route's query, read from its signature",
) | {"services.audit.writing.record": "each is a column of the entry, given by name"}


def trespasses(folder: str, *forbidden: str) -> list[str]:
    return [
        f"{source.path} imports {name}"
        for source in sources(folder)
        for name in sorted(source.imports)
        if within(name, *forbidden)
    ]


def test_what_runs_knows_nothing_of_the_panel():
    assert trespasses("services", "sockpanel") == []


@pytest.mark.parametrize("folder", ["services/servers", "services/supervisor"])
def test_workers_and_supervisor_know_no_framework(folder: str):
    assert trespasses(folder, *FRAMEWORKS) == []


def test_workers_import_only_their_own_folder_and_the_errors():
    allowed = ("services.servers", "services.errors")
    assert strangers("services/servers", *allowed) == []


def test_the_supervisor_imports_only_downwards():
    allowed = ("services.supervisor", "services.servers", "services.errors")
    assert strangers("services/supervisor", *allowed) == []


def strangers(folder: str, *allowed: str) -> list[str]:
    return [
        f"{source.path} imports {name}"
        for source in sources(folder)
        for name in sorted(source.imports)
        if within(name, *PACKAGES) and not within(name, *allowed)
    ]


def test_errors_stand_on_the_ground_floor():
    assert Source(Path("services/errors.py")).imports == set()


def test_nothing_of_the_product_imports_tests():
    assert [source.path for source in PRODUCT if any(within(name, "tests") for name in source.imports)] == []


@pytest.mark.parametrize("package", ["services", "services/servers"])
def test_the_packages_on_a_workers_way_are_empty(package: str):
    """Importing services.servers.X runs both; a word in them would be paid for by every worker."""
    assert (CHECKOUT / package / "__init__.py").read_text() == ""


def test_imports_run_in_no_circle():
    graph = {source.module: {module_of(name) for name in source.imports} - {"", source.module} for source in PRODUCT}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


def module_of(name: str) -> str:
    """The module of ours that an imported name stands in, or nothing."""
    if name in MODULES:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in MODULES else ""


def test_imports_stand_at_the_top():
    late = {
        source.module
        for source in PRODUCT
        for function in source.functions
        for node in ast.walk(function)
        if any(within(name, *PACKAGES) for name in imported(node))
    }
    assert late - LATE_IMPORTS.keys() == set()


def test_no_file_is_over_300_lines_without_a_reason():
    """Tests, which go through every case of their source, have half as much again; style sheets are few, and long."""
    long = {path: lines for path, lines in lengths() if lines > (450 if path.startswith("tests/") else 300)}
    assert {path: lines for path, lines in long.items() if path not in LONG_FILES} == {}


def lengths() -> Iterator[tuple[str, int]]:
    yield "run", len((CHECKOUT / "run").read_text().splitlines())
    for folder in (*PACKAGES, "static", "templates", "tests"):
        for path in (CHECKOUT / folder).rglob("*.*"):
            if path.suffix in (".py", ".js", ".html") and "migrations" not in path.parts:
                yield str(path.relative_to(CHECKOUT)), len(path.read_text(encoding="utf-8").splitlines())


def test_no_function_is_over_40_lines_without_a_reason():
    long = {
        f"{source.module}.{function.name}"
        for source in PRODUCT
        for function in source.functions
        if (function.end_lineno or 0) - function.lineno >= 40
    }
    assert long - LONG_FUNCTIONS.keys() == set()


def test_no_function_takes_more_than_six_parameters():
    wide = {
        f"{source.module}.{function.name}" for source in PRODUCT for function in source.functions if width(function) > 6
    }
    assert wide - WIDE_FUNCTIONS.keys() == set()


def width(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return len([arg for arg in every if arg.arg not in ("self", "cls")])


def test_every_file_opens_by_saying_what_it_is():
    silent = [
        str(source.path)
        for source in [*PRODUCT, *sources("tests")]
        if source.text.strip() and not ast.get_docstring(source.tree)
    ]
    assert silent == []


def test_no_task_is_started_without_a_name():
    bare = [
        f"{source.path}:{node.lineno}"
        for source in PRODUCT
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("create_task")
        and not any(keyword.arg == "name" for keyword in node.keywords)
    ]
    assert bare == []


def test_a_worker_process_loads_no_framework_and_nothing_heavy():
    names = {name.split(".")[0] for name in imported_by_a_worker()}
    assert "uvloop" in names
    assert names & {*FRAMEWORKS, "psutil", "unittest", "http", "email"} == set()


def imported_by_a_worker() -> list[str]:
    """What a real worker imports until it serves and its supervisor is gone."""
    ours, its = socket.socketpair()
    with ours, its, socket.create_server(("127.0.0.1", 0)) as listener:
        spec = validation.build({"name": "echo", "kind": "tcp", "port": listener.getsockname()[1]})
        start = Start(msgspec.to_builtins(spec), link=its.fileno(), socket=listener.fileno())
        worker = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "services.servers"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(its.fileno(), listener.fileno()),
        )
        its.close()
        assert worker.stdin is not None
        worker.stdin.write(msgspec.json.encode(start))
        worker.stdin.close()
        ours.settimeout(10)
        assert ours.recv(4), "the worker left before it served"
    with worker, worker.stderr as stderr:
        return [line.rpartition(b"|")[2].strip().decode() for line in stderr if line.startswith(b"import time:")]


def test_the_supervisor_can_be_loaded_without_django():
    modules = [source.module for source in sources("services/supervisor", "services/servers")]
    wanted = ", ".join(module for module in modules if not module.endswith("__main__"))
    code = f"import sys, {wanted}; print(*sorted(set(sys.modules) & set({FRAMEWORKS})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.split()) == ("", [])
