"""The settings as shipped: refused with a sentence where they make no sense, clean for Django's own deployment check."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def manage(environment: dict[str, str], *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(CHECKOUT / "manage.py"), *arguments]
    return subprocess.run(command, env=environment | settings, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOCKPANEL_PORT", "http"),
        ("SOCKPANEL_HOST", "panel.example.org"),
        ("SOCKPANEL_ORIGINS", "*"),
        ("SOCKPANEL_DEBUG", "maybe"),
        ("SOCKPANEL_LANGUAGE", "tlh"),
        ("SOCKPANEL_NODE", "No Slug"),
        ("SOCKPANEL_PROXIES", "everyone"),
        ("SOCKPANEL_TLS_CERT", "/no/such/file"),
        ("DATABASE_URL", "mysql://x/y"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line_and_exit_code_78(environment, name: str, value: str):
    ended = manage(environment, "check", **{name: value})
    assert ended.returncode == os.EX_CONFIG
    assert ended.stderr.count("\n") == 1
    assert name in ended.stderr


@pytest.mark.parametrize("where", ["its own TLS", "a proxy"])
def test_djangos_deployment_check_is_content_with_tls(environment, certificate: tuple[str, str], where: str):
    words = {
        "its own TLS": {"SOCKPANEL_TLS_CERT": certificate[0], "SOCKPANEL_TLS_KEY": certificate[1]},
        "a proxy": {"SOCKPANEL_PROXIES": "10.0.0.0/8", "SOCKPANEL_ORIGINS": "https://panel.example"},
    }[where]
    ended = manage(environment, "check", "--deploy", "--fail-level", "WARNING", SOCKPANEL_HOST="0.0.0.0", **words)
    assert (ended.returncode, "WARNING" in ended.stderr) == (0, False), ended.stderr


def test_cookies_have_a_name_of_this_data_directory_and_are_out_of_reach():
    assert settings.SESSION_COOKIE_NAME.startswith("sp_")
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.SESSION_COOKIE_SAMESITE == "Strict"
    assert settings.CSRF_USE_SESSIONS
