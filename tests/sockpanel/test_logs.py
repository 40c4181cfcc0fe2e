"""A line of the log is one line, whatever was put into it."""

import json
import logging
import sys

import pytest
from django.test import RequestFactory

from sockpanel.logs import LOGGING, OneLine
from tests.services.servers.secrets_of import REQUEST, TOKEN, leaks

HOSTILE = "a\nb\r\x1b[31m\x7f\x9b\u202e\u2028é"


def record(message: str, **more: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "test", "levelname": "WARNING", "msg": message, **more})


def test_json_keeps_every_character_and_prints_none_that_acts():
    line = OneLine().format(record(HOSTILE))
    assert json.loads(line)["message"] == HOSTILE
    assert line.isprintable()
    assert line.isascii()


def test_a_traceback_stays_on_the_line():
    try:
        raise ValueError("no\nsense")
    except ValueError:
        line = OneLine().format(record("failed", exc_info=sys.exc_info()))
    assert "\n" not in line
    assert "ValueError: no\nsense" in json.loads(line)["trace"]


def test_no_line_and_no_traceback_holds_a_key():
    try:
        raise ValueError(REQUEST.decode())
    except ValueError:
        line = OneLine().format(record(f"GET /?token={TOKEN.decode()}", exc_info=sys.exc_info()))
    assert leaks(line.encode()) == []
    assert line.count("[redacted]") == 3


def test_a_terminal_gets_a_readable_line_that_moves_no_cursor(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    line = OneLine().format(record(HOSTILE))
    assert "WARNING test: a\\x0ab" in line
    assert line.isprintable()


def test_a_refusal_is_no_news_and_a_failure_is():
    """Django logs 4xx as a warning of django.request, 5xx as an error."""
    assert LOGGING["loggers"]["django.request"]["level"] == "ERROR"
    request = logging.getLogger("django.request")
    assert not request.isEnabledFor(logging.WARNING)
    assert request.isEnabledFor(logging.ERROR)


def test_what_a_probe_is_told_every_second_is_no_news_and_a_failure_of_the_probe_is(caplog: pytest.LogCaptureFixture):
    request = logging.getLogger("django.request")
    with caplog.at_level(logging.ERROR):
        request.error("Service Unavailable: /healthz", extra={"request": RequestFactory().get("/healthz")})
        request.error("Service Unavailable: /servers/", extra={"request": RequestFactory().get("/servers/")})
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            request.exception("Internal Server Error", extra={"request": RequestFactory().get("/healthz")})
    assert [one.getMessage() for one in caplog.records] == ["Service Unavailable: /servers/", "Internal Server Error"]
