"""`/healthz` says 200 only while both databases answer."""

from tests.sockpanel.panel import Panel


def test_a_panel_whose_databases_answer_is_healthy(panel: Panel):
    answer = panel.visitor().get("/healthz")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


def test_a_panel_without_one_of_its_databases_says_so(start_panel):
    panel = start_panel(command="web")
    for name in ("control", "messages"):
        file, elsewhere = panel.data_dir / f"{name}.sqlite3", panel.data_dir / "elsewhere.sqlite3"
        file.rename(elsewhere)
        answer = panel.visitor().get("/healthz")
        assert (answer.status, answer.json()["code"]) == (503, "SP-4012")
        assert not file.exists()
        elsewhere.rename(file)
    assert panel.visitor().get("/healthz").status == 200
