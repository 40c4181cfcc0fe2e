"""`manage.py up`: one command, a supervisor and a panel, and nobody left when it ends."""

import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import PASSWORD
from tests.ports import addresses_of_localhost, free_port_of_localhost
from tests.sockpanel.panel import Panel
from tests.sockpanel.test_border import upgrade
from tests.sockpanel.visitor import Answer, Visitor
from tests.waiting import eventually


def test_a_new_panel_is_set_up_by_its_link_and_only_once(start_panel):
    """Fifty valid submissions at once: one admin, and 409 for the others."""
    panel: Panel = start_panel(admin=False)
    token = panel.setup_token()
    assert panel.visitor().get("/servers/").status == 403
    assert panel.visitor().post("/setup", {"token": "wrong", "username": "eve", "password": PASSWORD}).status == 403
    for path in ("/ws/panel/", "/ws/servers/1/", "/ws/commands/1/", "/ws/nothing/"):
        assert upgrade(panel, f"Origin: http://127.0.0.1:{panel.port}", path=path) == 403
    answers: list[Answer] = []

    def submit(number: int) -> None:
        form = {"token": token, "username": f"ada{number}", "password": PASSWORD}
        answers.append(panel.visitor().post("/setup", form))

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answer.status for answer in answers) == [302] + [409] * 49
    assert panel.visitor().get("/servers/").headers["Location"] == "/login/?next=/servers/"
    assert not (panel.data_dir / "setup-token").exists()


def pair(panel: Panel) -> dict[str, psutil.Process]:
    """Its two children, once each is the program that it is to be."""
    found = panel.children(recursive=False)
    return found if found.keys() == {"supervise", "web"} else {}


def test_whoever_dies_is_started_again_and_a_stop_leaves_nobody(start_panel):
    panel: Panel = start_panel()
    assert "setup#token" not in panel.log()
    children = eventually(lambda: pair(panel))
    for process in children.values():
        process.kill()
    again = eventually(lambda: pair(panel), 30)
    assert {process.pid for process in again.values()}.isdisjoint(process.pid for process in children.values())
    eventually(lambda: panel.visitor().get("/healthz").status == 200, 30)
    for host in addresses_of_localhost():  # the same sockets as before
        assert Visitor(host, panel.port).get("/healthz").status == 200
    assert PASSWORD not in "".join("".join(process.environ().values()) for process in again.values())
    assert panel.stop() == 0
    assert psutil.wait_procs(list(again.values()), timeout=0)[1] == []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((panel.host, panel.port))


def test_when_it_is_killed_its_children_end_by_themselves(start_panel):
    panel: Panel = start_panel(ready=False)
    children = list(eventually(lambda: len(found := panel.children()) == 2 and found, 30).values())
    panel.process.kill()
    assert panel.ended() == -signal.SIGKILL
    assert psutil.wait_procs(children, timeout=15)[1] == []


@pytest.fixture
def ended(start_panel):
    """Starts a panel that ends by itself at once: its exit code and what it said."""

    def start(**words: Any) -> tuple[int, str]:
        panel: Panel = start_panel(ready=False, **words)
        return panel.ended(), panel.log()

    return start


def test_a_port_that_is_in_use_is_told_in_one_sentence_with_its_holder(ended):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        code, said = ended(SOCKPANEL_PORT=str(port))
    assert code == os.EX_UNAVAILABLE
    assert said.startswith(f"Port {port} on 127.0.0.1 is in use by pid {os.getpid()}")
    assert said.count("\n") == 1


def test_a_second_one_on_the_same_data_says_who_holds_it(panel: Panel, ended):
    code, said = ended(data_dir=panel.data_dir)
    assert code == os.EX_TEMPFAIL
    assert f"pid {panel.children(recursive=False)['supervise'].pid}" in said
    assert said.count("\n") == 1
    assert panel.visitor().get("/healthz").status == 200


def test_a_first_admin_that_will_not_do_is_refused_before_the_port_opens(ended, data_directory: Path):
    port = free_port_of_localhost()
    code, said = ended(data_dir=data_directory, admin=False, SOCKPANEL_PORT=str(port), SOCKPANEL_ADMIN_USERNAME="ada")
    assert code == os.EX_CONFIG
    assert said.startswith("SOCKPANEL_ADMIN_USERNAME and SOCKPANEL_ADMIN_PASSWORD go together")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
