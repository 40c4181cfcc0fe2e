"""`/healthz` says 200 only while both databases answer."""

import pytest

from tests.sockpanel.panel import Panel


def test_a_panel_whose_databases_answer_is_healthy(panel: Panel):
    answer = panel.visitor().get("/healthz")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("name", ["control", "messages"])
def test_a_panel_without_one_of_its_databases_says_so(start_panel, name: str):
    panel = start_panel(command="web")
    (panel.data_dir / f"{name}.sqlite3").rename(panel.data_dir / "elsewhere.sqlite3")
    answer = panel.visitor().get("/healthz")
    assert (answer.status, answer.json()["code"]) == (503, "SP-4012")
    assert not (panel.data_dir / f"{name}.sqlite3").exists()
