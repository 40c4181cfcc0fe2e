"""What bandit is told to pass over is looked at by ruff's rule of the same number, line by line and with a reason."""

import re
import tomllib

import pytest

from tests.sources import CHECKOUT

PROJECT = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
RUFF = tomllib.loads(PROJECT)["tool"]["ruff"]["lint"]
SKIPPED = tomllib.loads(PROJECT)["tool"]["bandit"]["skips"]
ELSEWHERE = {"B404": "S603", "B703": "S308", "B604": "S602"}  # where it is another number that looks


@pytest.mark.parametrize("rule", SKIPPED)
def test_ruff_looks_at_what_bandit_passes_over(rule: str):
    twin = ELSEWHERE.get(rule, rule.replace("B", "S"))
    assert "S" in RUFF["select"]
    assert [pattern for pattern in RUFF["ignore"] if twin.startswith(pattern)] == []


@pytest.mark.parametrize("rule", SKIPPED)
def test_each_is_passed_over_for_a_reason(rule: str):
    assert re.search(rf'^    "{rule}", # \S.+$', PROJECT, re.MULTILINE)


def test_the_checks_of_this_checkout_run_bandit_and_djangos_list_for_deployment():
    run = (CHECKOUT / "run").read_text(encoding="utf-8")
    assert re.search(r"^  step bandit .*sockpanel services docs manage\.py$", run, re.MULTILINE)
    assert re.search(r"^  step deploy neutral check_deployed$", run, re.MULTILINE)
