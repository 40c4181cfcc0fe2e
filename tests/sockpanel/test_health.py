"""`/healthz` says 200 only while both databases answer and, where a supervisor belongs to the panel, one lives."""

import signal

import pytest
from django.test import Client

from tests.services.tls.making import pair
from tests.sockpanel.panel import Panel
from tests.waiting import eventually


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


def test_a_panel_whose_supervisor_is_gone_says_so_until_it_is_back(start_panel):
    panel = start_panel()
    panel.children()["supervise"].send_signal(signal.SIGKILL)
    answer = eventually(lambda: (answer := panel.visitor().get("/healthz")).status == 503 and answer)
    assert answer.json()["code"] == "SP-2201"
    eventually(lambda: panel.visitor().get("/healthz").status == 200, within=30)


@pytest.mark.django_db(databases=["default", "messages"])
def test_what_will_be_wrong_soon_is_a_code_beside_the_200(settings, tmp_path):
    path = tmp_path / "cert.pem"
    path.write_text(pair(days=(-1, 5)).chain)
    settings.SOCKPANEL_TLS = (str(path), str(path))
    answer = Client().get("/healthz", secure=True)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "warnings": ["SP-2405"]})
