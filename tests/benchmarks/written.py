"""docs/performance.md holds a table for each benchmark, between two marks; a run puts its own there. Nobody else writes them."""

import re

from tests.benchmarks.product import CHECKOUT

PAGE = CHECKOUT / "docs" / "performance.md"


def put(name: str, section: str) -> None:
    """Raises RuntimeError where the page has no place for it."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: written by ./run bench -->", f"<!-- {name}: end -->"
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    page, places = place.subn(lambda _: f"{begin}\n{section}\n{end}", page)
    if places != 1:
        raise RuntimeError(f"{PAGE} has {places} places for the table of {name}, between {begin} and {end}.")
    PAGE.write_text(page, encoding="utf-8")
