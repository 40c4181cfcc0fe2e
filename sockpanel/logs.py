"""The log: one line on standard error for each event. For a terminal a readable one, for anything else JSON.

Whatever came from outside (a path, a user name, a header) is escaped: a line is one line, and moves no cursor. A token or a session's
cookie among it is taken out.
"""

import json
import logging
import sys
from datetime import UTC, datetime

from services.servers.redaction import clean_text

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_BIDI = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


class OneLine(logging.Formatter):
    """Writes a record, and its traceback if it has one, as one line."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        said = {
            "at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname,
            "logger": record.name,
            "message": clean_text(record.getMessage()),
        }
        if record.exc_info:
            said["trace"] = clean_text(self.formatException(record.exc_info))
        if sys.stderr.isatty():
            return self._readable(at, said)
        return json.dumps(said).replace("\x7f", "\\u007f")  # the one control character that JSON leaves as it is

    def _readable(self, at: datetime, said: dict[str, str]) -> str:
        trace = f" | {said['trace']}" if "trace" in said else ""
        return f"{at:%H:%M:%S} {said['level']:<7} {said['logger']}: {said['message']}{trace}".translate(
            _CONTROL | _BIDI
        )


def is_no_probe(record: logging.LogRecord) -> bool:
    """False for what a probe of /healthz is told: it asks every second, and what is wrong was logged when it began."""
    path = getattr(getattr(record, "request", None), "path", "")
    return path != "/healthz" or record.exc_info is not None


def without_trace(record: logging.LogRecord) -> bool:
    """True. What Django finds suspicious was answered 400: any stranger could fill the log with the way to that answer."""
    if record.name.startswith("django.security."):
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "sockpanel.logs.OneLine"}},
    "filters": {
        "no-probe": {"()": "django.utils.log.CallbackFilter", "callback": is_no_probe},
        "no-trace": {"()": "django.utils.log.CallbackFilter", "callback": without_trace},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no-trace"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "sockpanel": {"level": "INFO"},
        "services": {"level": "INFO"},
        "django": {"handlers": [], "level": "WARNING"},  # Django's own handlers would say it twice
        # 5xx alone: a 4xx was told to whoever asked, and is everyday life
        "django.request": {"level": "ERROR", "filters": ["no-probe"]},
        "axes": {
            "level": "ERROR"
        },  # it writes down what was typed as a name, and that may be a password; the audit says the rest
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        "django.channels.server": {"level": "INFO"},
    },
}
