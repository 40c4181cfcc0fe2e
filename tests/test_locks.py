"""The lock files: everything pinned with a hash, in agreement with each other, and without any registry's host."""

import json
import re

import pytest
from packaging.requirements import Requirement

from tests.sources import CHECKOUT

LOCKS = ("requirements.txt", "requirements-extras.txt", "requirements-dev.txt", "requirements-node.txt")
PIN = re.compile(r"^([a-z0-9.-]+)==([^ ;\\]+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((CHECKOUT / lock).read_text()))


def wanted(lock: str) -> list[Requirement]:
    lines = (CHECKOUT / lock).with_suffix(".in").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_with_hashes(lock: str):
    blocks = re.split(r"\n(?=[^ ])", (CHECKOUT / lock).read_text().strip())
    assert [block for block in blocks if not PIN.match(block) or "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_wanted_is_what_is_locked(lock: str):
    locked = pins(lock)
    loose = [str(want) for want in wanted(lock) if not want.specifier.contains(locked.get(want.name, "0"))]
    assert loose == []


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-extras.txt"])
def test_tests_run_on_the_versions_that_people_get(lock: str):
    tested = pins("requirements-dev.txt")
    assert {name: tested.get(name) for name in pins(lock)} == pins(lock)


@pytest.mark.parametrize("lock", [*LOCKS, "package-lock.json"])
def test_no_registry_stands_in_it(lock: str):
    text = (CHECKOUT / lock).read_text()
    assert not re.search(r'"resolved"|index-url|find-links|trusted-host', text)
    assert lock.endswith(".json") or "://" not in text


def test_the_front_ends_lock_is_that_of_its_packages():
    ours = json.loads((CHECKOUT / "package.json").read_text())
    locked = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    for kind in ("dependencies", "devDependencies"):
        assert locked[""][kind] == ours[kind]
    for name, version in (ours["dependencies"] | ours["devDependencies"]).items():
        assert locked[f"node_modules/{name}"]["version"] == version


def test_no_package_of_the_front_end_is_built_for_one_platform():
    """A registry that carries only some platforms' builds would break npm ci."""
    locked = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in locked.items() if {"os", "cpu", "libc"} & package.keys()] == []
