"""A start that would leave the panel open to strangers is one line, exit code 78, and no port."""

import os
import re
import socket
import stat
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core import checks

from services.errors import UnsafeStart
from sockpanel import safety
from tests.sockpanel.panel import Panel
from tests.sources import CHECKOUT

BEYOND = {"SOCKPANEL_HOST": "0.0.0.0"}
PROXY = {"SOCKPANEL_PROXIES": "10.0.0.0/8"}


@pytest.mark.parametrize(
    ("command", "words", "named"),
    [
        ("up", BEYOND, "SOCKPANEL_TLS_CERT"),
        ("web", BEYOND, "SOCKPANEL_TLS_CERT"),
        ("runserver", BEYOND, "SOCKPANEL_TLS_CERT"),
        ("up", {"arguments": ["--host", "0.0.0.0"]}, "SOCKPANEL_TLS_CERT"),
        ("up", {"SOCKPANEL_HOST": "::"}, "SOCKPANEL_TLS_CERT"),
        ("up", BEYOND | PROXY, "SOCKPANEL_TLS_CERT"),
        ("up", BEYOND | {"SOCKPANEL_ORIGINS": "https://panel.example"}, "SOCKPANEL_TLS_CERT"),
        ("up", BEYOND | PROXY | {"SOCKPANEL_ORIGINS": "http://panel.example"}, "SOCKPANEL_TLS_CERT"),
        ("up", BEYOND | {"SOCKPANEL_INSECURE": "1", "SOCKPANEL_DEBUG": "1"}, "SOCKPANEL_DEBUG"),
        ("up", {"SOCKPANEL_DEBUG": "1", "arguments": ["--host", "0.0.0.0"]}, "SOCKPANEL_DEBUG"),
        ("up", {"SOCKPANEL_DEBUG": "1", "SOCKPANEL_PROXIES": "127.0.0.1/32"}, "SOCKPANEL_DEBUG"),
        ("up", {"SOCKPANEL_ORIGINS": "*"}, "SOCKPANEL_ORIGINS"),
        (
            "up",
            BEYOND | {"SOCKPANEL_PROXIES": "0.0.0.0/0", "SOCKPANEL_ORIGINS": "https://panel.example"},
            "SOCKPANEL_PROXIES",
        ),
        ("up", {"SOCKPANEL_SECRET_KEY": "short"}, "SOCKPANEL_SECRET_KEY"),
        ("up", {"SOCKPANEL_SECRET_KEY": "django-insecure-" + "ab1cd2ef3gh4" * 4}, "SOCKPANEL_SECRET_KEY"),
        ("up", {"SOCKPANEL_SECRET_KEY": "secret" * 10}, "SOCKPANEL_SECRET_KEY"),
    ],
)
def test_an_unsafe_start_is_refused_before_a_port_opens(start_panel, command: str, words: dict[str, Any], named: str):
    panel: Panel = start_panel(command=command, ready=False, admin=False, **words)
    opened = False
    while panel.process.poll() is None:
        opened |= any(one.laddr.port == panel.port for one in _listening(panel.process.pid))
    assert (panel.ended(), opened) == (os.EX_CONFIG, False)
    assert named in panel.log()
    assert panel.log().count("\n") == 1, panel.log()
    with socket.socket() as probe:
        probe.bind((panel.host, panel.port))


@pytest.mark.parametrize(("what", "mode"), [("", 0o755), ("secret-key", 0o644)])
def test_what_others_could_read_is_not_started_on(start_panel, data_directory: Path, what: str, mode: int):
    (data_directory / "secret-key").write_text("correct horse battery staple, and more")
    (data_directory / "secret-key").chmod(0o600)
    (data_directory / what).chmod(mode)
    panel: Panel = start_panel(ready=False, admin=False, data_dir=data_directory)
    assert panel.ended() == os.EX_CONFIG
    assert "chmod " in panel.log()
    assert panel.log().count("\n") == 1
    assert stat.S_IMODE((data_directory / what).stat().st_mode) == mode
    (data_directory / what).chmod(0o700)


def _listening(pid: int) -> list[Any]:
    try:
        return psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return []  # it has ended


@pytest.mark.parametrize(
    ("host", "words", "is_plain"),
    [
        ("127.0.0.1", {}, False),
        ("::1", {}, False),
        ("127.9.9.9", {}, False),
        ("0.0.0.0", {}, True),
        ("::", {}, True),
        ("192.0.2.1", {}, True),
        ("::ffff:192.0.2.1", {}, True),
        ("0.0.0.0", {"SOCKPANEL_TLS": ("a", "b")}, False),
        ("0.0.0.0", {"SOCKPANEL_PROXIES": [ip_network("10.0.0.0/8")]}, True),
        (
            "0.0.0.0",
            {"SOCKPANEL_PROXIES": [ip_network("10.0.0.0/8")], "SOCKPANEL_ORIGINS": ["https://panel.example"]},
            False,
        ),
    ],
)
def test_in_reach_of_others_the_panel_needs_tls_or_a_proxy_with_it(settings, host: str, words: Any, is_plain: bool):
    settings.SOCKPANEL_HOST = host
    for name, value in words.items():
        setattr(settings, name, value)
    assert safety.is_plain() is is_plain
    if is_plain:
        with pytest.raises(UnsafeStart, match=re.escape(host)):
            safety.check()
    else:
        safety.check()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({}, ""),
        ({"SOCKPANEL_ORIGINS": ["http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"]}, ""),
        ({"SOCKPANEL_ORIGINS": ["http://localhost:3000", "https://panel.example"]}, "https://panel.example"),
        ({"SOCKPANEL_ORIGINS": ["http://192.0.2.1:8000"]}, "http://192.0.2.1:8000"),
        ({"SOCKPANEL_PROXIES": [ip_network("127.0.0.1/32")]}, "SOCKPANEL_PROXIES"),
    ],
)
def test_nobody_debugs_behind_what_brings_others(settings, words: dict[str, Any], named: str):
    settings.DEBUG, settings.SOCKPANEL_HOST = True, "127.0.0.1"
    for name, value in words.items():
        setattr(settings, name, value)
    if not named:
        safety.check()
        return
    with pytest.raises(UnsafeStart, match=re.escape(named)):
        safety.check()


def test_whoever_wants_it_all_the_same_says_so_and_is_told_by_the_checks(settings):
    settings.SOCKPANEL_HOST, settings.SOCKPANEL_INSECURE = "0.0.0.0", True
    safety.check()
    told = checks.run_checks(tags=["security"], include_deployment_checks=True)
    assert "sockpanel.W101" in {message.id for message in told}


@pytest.mark.parametrize(
    ("name", "version", "refused"),
    [
        ("Django", "5.2.19", False),
        ("Django", "5.2.18", True),
        ("Django", "5.2", True),
        ("Django", "6.0rc1", False),
        ("daphne", "4.2.2", True),
        ("Twisted", "24.3.0", True),
        ("Twisted", "24.7.0", False),
    ],
)
def test_a_package_with_a_known_fault_is_refused_by_name(name: str, version: str, refused: bool):
    found = {**safety.LEAST, name: version}
    if not refused:
        safety.refuse_old_packages(found)
        return
    with pytest.raises(UnsafeStart, match=rf"{name} {version} .*run setup"):
        safety.refuse_old_packages(found)


def test_the_lock_files_ask_for_no_less():
    asked = dict(re.findall(r"^([a-z-]+)>=([\d.]+)", (CHECKOUT / "requirements.in").read_text(), re.MULTILINE))
    assert {name: asked.get(name.lower(), least) for name, least in safety.LEAST.items()} == safety.LEAST


def test_root_is_a_system_check(monkeypatch: pytest.MonkeyPatch):
    for uid, expected in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda uid=uid: uid)
        told = checks.run_checks(tags=["security"], include_deployment_checks=True)
        assert ("sockpanel.I101" in {message.id for message in told}) is expected


SECRET = re.compile(r"""(?i)(passw(or)?d|secret|token)\w*["']?\s*[=:]\s*[fb]?["'](?P<value>[^"'{}<>\s]{4,})["']""")
DEED = re.compile(r"[a-z]+\.[a-z]+")  # account.change


def test_no_password_stands_in_what_is_shipped():
    """There is no default one, and none that somebody forgot here."""
    shipped = [
        path
        for name in ("sockpanel", "services", "templates", "static", "docs")
        for path in (CHECKOUT / name).rglob("*")
    ]
    texts = {
        path: path.read_text(errors="replace")
        for path in [*shipped, CHECKOUT / "run"]
        if path.is_file() and path.suffix != ".pyc"
    }
    found = [(path.name, one["value"]) for path, text in texts.items() for one in SECRET.finditer(text)]
    assert [(name, value) for name, value in found if not DEED.fullmatch(value)] == []
