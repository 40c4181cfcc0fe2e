"""Formats that strangers send: only what is allowed, never much, never nothing."""

from datetime import UTC, datetime, timedelta, timezone
from string import printable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import TextMalformed
from services.servers import time_format

MOMENT = datetime(2026, 11, 20, 10, 11, 12, 34_567, tzinfo=UTC)
ALLOWED = "aAbBdHIjmMpSfyYZz%xXceDFTRGVuwUWsnt"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("%Y-%m-%d %X", "2026-11-20 10:11:12"),
        ("%Y %m %d", "2026 11 20"),
        ("%A %a %B %b", "Friday Fri November Nov"),
        ("%H:%M:%S.%f %p %I", "10:11:12.034567 AM 10"),
        ("%c|%x", "Fri Nov 20 10:11:12 2026|11/20/26"),
        ("%F %T %R %D", "2026-11-20 10:11:12 10:11 11/20/26"),
        ("100%% %Z%z", "100% UTC+0000"),
        ("a%nb%tc", "a\nb\tc"),
        ("%G-W%V-%u", "2026-W47-5"),
        ("no directive", "no directive"),
    ],
)
def test_means_what_strftime_means(text, meaning):
    assert time_format.render(text, MOMENT) == meaning


def test_seconds_since_1970_heed_the_zone():
    """libc's %s takes the time for one of the machine's own zone."""
    there = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert time_format.render("%s", there) == time_format.render("%s", MOMENT) == str(int(MOMENT.timestamp()))


@pytest.mark.parametrize("directive", ALLOWED)
def test_every_allowed_directive_means_something_short(directive):
    meaning = time_format.render(f"%{directive}", MOMENT)
    assert 1 <= len(meaning) <= time_format.DIRECTIVES[directive]


def test_no_other_directive_is_allowed():
    assert set(time_format.DIRECTIVES) == set(ALLOWED)


@pytest.mark.parametrize(
    "text", ["%9999999999d", "%-d", "%_H", "%EY", "%Od", "%k", "%", "100%", "é", "", "%\0", "x" * 65, "%c" * 12]
)
def test_everything_else_is_refused(text):
    with pytest.raises(TextMalformed):
        time_format.check(text)
    with pytest.raises(TextMalformed):
        time_format.render(text, MOMENT)


def test_the_last_good_length():
    time_format.check("x" * 64)
    time_format.check("%c" * 10)


@given(st.text(printable + "%é\0", max_size=70))
def test_what_passes_the_check_means_1_to_256_bytes(text):
    try:
        time_format.check(text)
    except TextMalformed:
        return
    assert 1 <= len(time_format.render(text, MOMENT).encode()) <= time_format.MAX_RESULT


@pytest.mark.parametrize("name", ["", "UTC", "Europe/Madrid", "Asia/Shanghai"])
def test_a_zone_is_an_iana_name_or_empty(name):
    time_format.check_timezone(name)
    assert time_format.now(name).tzinfo is not None


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "utc ", "?"])
def test_any_other_zone_is_refused(name):
    with pytest.raises(TextMalformed, match="knows no time zone"):
        time_format.check_timezone(name)


def test_the_time_is_now_in_every_zone():
    assert abs(time_format.now("Asia/Shanghai") - time_format.now("")) < timedelta(seconds=5)
    assert time_format.now("Asia/Shanghai").utcoffset() == timedelta(hours=8)
