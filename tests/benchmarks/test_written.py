"""The page of figures has a place for the table of every benchmark."""

import pytest

from tests.benchmarks import written
from tests.benchmarks.figures import at_least, at_most, exactly, table
from tests.benchmarks.registry import BENCHMARKS
from tests.sources import CHECKOUT

PAGE = (CHECKOUT / "docs" / "performance.md").read_text(encoding="utf-8")


@pytest.fixture
def page(tmp_path, monkeypatch):
    path = tmp_path / "performance.md"
    path.write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(written, "PAGE", path)
    return path


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_its_place_on_the_page_and_its_name_in_the_text(page, name: str):
    assert f"`{name}`" in PAGE
    written.put(name, "the table of today")
    assert page.read_text().count("the table of today") == 1


def test_a_table_replaces_the_one_before_and_nothing_else(page):
    written.put("echo", "one")
    before = page.read_text()
    written.put("echo", "two")
    assert page.read_text() == before.replace("\none\n", "\ntwo\n")


def test_a_benchmark_without_a_place_is_refused_and_the_page_left_alone(page):
    with pytest.raises(RuntimeError, match="0 places"):
        written.put("nothing", "a table")
    assert page.read_text() == PAGE


def test_a_figure_that_reaches_its_bound_says_yes_and_one_that_misses_it_no():
    verdicts = [at_least("a", 0.35, "×", 0.35), at_least("a", 0.34, "×", 0.35), at_most("a", 50, "ms", 50)]
    verdicts += [at_most("a", 50.1, "ms", 50), exactly("a", 0, 0), exactly("a", 1, 0)]
    assert [one.is_met for one in verdicts] == [True, False, True, False, True, False]
    assert table(verdicts).count("| yes |") == 3
