"""docs/api.md names every route and every status."""

from pathlib import Path

import pytest

from sockpanel.api import urls

TEXT = (Path(urls.__file__).parents[2] / "docs" / "api.md").read_text()
OPERATIONS = {
    f"{method.upper()} {path.removeprefix('/api/v1')}": operation
    for path, methods in urls.api.finished["paths"].items()
    for method, operation in methods.items()
}


@pytest.mark.parametrize("route", OPERATIONS)
def test_every_route_has_its_line(route: str) -> None:
    assert f"| `{route}` |" in TEXT


@pytest.mark.parametrize(
    "status", sorted({int(s) for o in OPERATIONS.values() for s in o["responses"] if int(s) >= 400})
)
def test_every_status_of_a_failure_has_its_line(status: int) -> None:
    assert f"| {status} |" in TEXT


def test_every_parameter_of_messages_is_told() -> None:
    parameters = OPERATIONS["GET /servers/{name}/messages"]["parameters"]
    told = TEXT.partition("messages?")[2].partition("`")[0]
    assert told == "&".join(f"{p['name']}=" for p in parameters if p["in"] == "query")
